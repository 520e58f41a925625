"""What `doctor` finds: all well where it is, each thing that is broken, and nothing changed by looking."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time
import unittest
from collections.abc import Iterator
from typing import Any
from unittest import mock

import txlite
from txlite import cli
from txlite.doctor import database, diagnose, filesystem, home, limits, machine, probe, session, slurm
from txlite.doctor.probe import BROKEN, LIMITED, OK, Check, Finding, examine, found_error
from txlite.system import bounded_call, liveness, mounts

from ..case import PATIENCE, Case, is_running, wait_until


def levels(findings: Iterator[Any] | list[Finding]) -> dict[str, str]:
    """level of each finding, by name; the worst where several share one."""
    order = (OK, LIMITED, BROKEN)
    found: dict[str, str] = {}
    for one in findings:
        found[one.name] = max(found.get(one.name, OK), one.level, key=order.index)
    return found


def unhurried() -> Any:
    """So that a machine that is slow for some seconds is no finding, either."""
    return mock.patch.object(probe, "call_bounded", lambda look, _: bounded_call.call_bounded(look, PATIENCE))


class Doctor(Case):
    def setUp(self) -> None:
        super().setUp()
        self.store().add("x")
        self.database = os.path.join(self.home, "tasks.db")
        patience = mock.patch.object(filesystem, "SLOW_SYNC", 60.0)  # a disk that others use is no finding here
        absence = mock.patch.object(slurm, "is_here", return_value=False)  # tests/slurm looks at one that is here
        for patch in (patience, absence, unhurried()):
            patch.start()
            self.addCleanup(patch.stop)

    def home_findings(self) -> list[Finding]:
        """What is found about home, without what is found about the machine."""
        return list(diagnose._diagnose_home(self.home, filesystem.find_place(self.home)))

    def one(self, name: str, level: str = BROKEN) -> Finding:
        """The finding with this name, which must be the only one at this level."""
        found = [one for one in self.home_findings() if one.level == level]
        self.assertEqual([one.name for one in found], [name], found)
        self.assertTrue(found[0].advice)
        return found[0]

    def write(self, name: str, text: str) -> None:
        path = os.path.join(self.home, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, 0o600)

    def edit(self, *statements: str) -> None:
        """Change the database as a person with sqlite3 would, rules or not."""
        with contextlib.closing(sqlite3.connect(self.database, isolation_level=None)) as connection:
            for statement in ("PRAGMA ignore_check_constraints = ON", *statements):
                connection.execute(statement)

    def listing(self) -> dict[str, bytes]:
        """Every file of home with its bytes; of what any reader makes beside the database, nothing."""
        found: dict[str, bytes] = {}
        for directory, _, names in os.walk(self.home):
            for name in names:
                path = os.path.join(directory, name)
                if not name.endswith(("-shm", "-wal")):
                    with open(path, "rb") as file:
                        found[path] = file.read()
            found[directory] = None
        return found


class CommandLine(Doctor):
    def doctor(self, *options: str, code: int = 0) -> str:
        """What the command says, run in this process, which is as patient as it is to be."""
        with contextlib.redirect_stdout(io.StringIO()) as said:
            ended = cli.main(["--home", self.home, "doctor", *options])
        self.assertEqual(ended, code, said.getvalue())
        return said.getvalue()

    def test_a_healthy_home_is_ok_and_stays_as_it_is(self) -> None:
        self.txlite("run", "--from", self.batch("true"))
        before = self.listing()
        out = self.doctor()
        self.assertEqual(self.listing(), before)
        self.assertLessEqual(max(map(len, out.splitlines())), 80)
        self.assertRegex(out, r"\n\d+ ok, \d+ limited, 0 broken\n$")
        self.assertRegex(out, r"(?m)^ok       home         ")

    def test_the_object_and_the_exit_code(self) -> None:
        os.chmod(self.home, 0o777)
        found = json.loads(self.doctor("--json", code=1))
        self.assertIs(found["ok"], False)
        for one in found["findings"]:
            self.assertEqual(list(one), ["name", "level", "found", "advice"])
            self.assertIn(one["level"], ("ok", "limited", "broken"))
            self.assertEqual(one["advice"] == "", one["level"] == "ok", one)
            self.assertNotIn("\n", one["found"] + one["advice"])
        (broken,) = (one for one in found["findings"] if one["level"] == "broken")
        self.assertEqual((broken["name"], broken["advice"]), ("home", "chmod go-w it"))

    def test_where_no_home_is_none_is_made(self) -> None:
        place = self.path("a")
        os.mkdir(place)
        findings = list(diagnose.diagnose(os.path.join(place, "b", "c")))
        self.assertNotIn(BROKEN, levels(findings).values())
        self.assertEqual(os.listdir(place), [])
        self.assertIn("is not there yet", next(one.found for one in findings if one.name == "home"))
        self.assertNotIn("integrity", levels(findings))


class Homes(Doctor):
    def test_one_that_is_no_directory_or_cannot_be_made(self) -> None:
        self.home = self.batch("x")
        self.assertIn("is not a directory", self.one("home").found)
        self.home = "/proc/home"
        self.assertIn("cannot be made", self.one("home").found)

    def test_broken_configuration(self) -> None:
        for text, word in (
            ("nonsense\n", "no section headers"),
            ("[txlite]\nsynchronous = maybe\n", "'maybe'"),
            ("[txlite]\noutput_cap = much\n", "'much'"),
            ("[txlite]\nagent = nobody\n", "'nobody'"),
        ):
            with self.subTest(text):
                self.write("config.ini", text)
                self.assertIn(word, self.one("config.ini").found)
        os.chmod(os.path.join(self.home, "config.ini"), 0o666)
        self.assertEqual(self.one("config.ini").advice, "chmod go-w it")

    def test_agents(self) -> None:
        self.write("config.ini", "[agent gone]\ncommand = no-such-command-anywhere\n")
        self.assertIn("no-such-command-anywhere", self.one("agent", LIMITED).found)
        self.write("config.ini", "[agent here]\ncommand = cat\n[agent bad]\nprompt = stdin\n")
        self.assertIn("[agent bad]: `command` is missing", self.one("agent").found)
        self.assertRegex(next(one.found for one in self.home_findings() if one.name == "agents"), r"\bhere\b")

    def test_a_template_that_is_not_text(self) -> None:
        self.write("templates/mine.md", "")
        with open(os.path.join(self.home, "templates", "mine.md"), "wb") as file:
            file.write(b"\xff\xfe")
        self.assertIn("not UTF-8", self.one("template").found)

    def test_a_foreign_database(self) -> None:
        shutil.rmtree(self.home)
        os.makedirs(self.home, 0o700)
        with contextlib.closing(sqlite3.connect(self.database)) as connection:
            connection.execute("CREATE TABLE t (x)")
        os.chmod(self.database, 0o600)
        self.assertIn("not a database of txlite", self.one("database").found)

    def test_a_write_ahead_log_on_a_network_file_system(self) -> None:
        known = mounts.NETWORK_FILE_SYSTEMS
        mounts.NETWORK_FILE_SYSTEMS = frozenset({mounts.file_system(self.directory)})
        try:
            found = levels(self.home_findings())
        finally:
            mounts.NETWORK_FILE_SYSTEMS = known
        self.assertEqual((found["file system"], found["database"]), (LIMITED, BROKEN))

    def test_damage(self) -> None:
        self.store().add_many({"title": "t" * 400} for _ in range(200))
        self.store().close()
        self.edit("PRAGMA wal_checkpoint(TRUNCATE)")
        with contextlib.closing(sqlite3.connect(self.database)) as connection:
            (page,) = connection.execute(
                "SELECT rootpage FROM sqlite_master WHERE name = 'dependencies_by_blocker'"
            ).fetchone()
        with open(self.database, "r+b") as file:
            file.seek((page - 1) * 4096)
            file.write(os.urandom(4096))
        self.assertEqual(levels(self.home_findings())["integrity"], BROKEN)


class Rescue(Doctor):
    def test_what_cannot_be_used_is_moved_and_kept_together(self) -> None:
        with open(self.database, "r+b") as file:
            file.write(b"no database")
        files = sorted(name for name in os.listdir(self.home) if name in ("tasks.db", "tasks.db-shm", "tasks.db-wal"))
        worker = liveness.Liveness(os.path.join(self.home, "locks", "worker-1"))
        self.txlite("doctor", "--set-aside", code=1)
        self.assertIn("worker-1 of this home live", self.errors)
        worker.release()
        said = self.txlite("doctor", "--set-aside")
        (aside,) = (name for name in os.listdir(self.home) if name.startswith("tasks.db.set-aside-"))
        self.assertIn(aside, said)
        self.assertEqual(sorted(os.listdir(os.path.join(self.home, aside))), files)
        self.txlite("add", "y")
        self.assertEqual(self.errors, "")
        self.assertEqual([task["title"] for task in self.json("list")], ["y"])

    def test_what_can_be_used_stays(self) -> None:
        self.txlite("doctor", "--set-aside", code=1)
        self.assertIn("can be used, and stays where it is", self.errors)
        self.txlite("--home", self.path("none"), "doctor", "--set-aside", code=2)


class Records(Doctor):
    def mend(self) -> None:
        """Do what the findings say."""
        for one in database.check_records(self.home):
            if one.level == BROKEN:
                self.edit("PRAGMA ignore_check_constraints = OFF", one.advice.split('"')[1])

    def test_rows_edited_by_hand(self) -> None:
        store = self.store()
        task, other = store.add("first"), store.add("second")
        store.add("third", after=[other.id])
        of_task = f"WHERE id = '{task.id}'"
        row = f"(SELECT seq FROM tasks {of_task})"
        attempt = "INSERT INTO attempts (task, previous, worker, agent, started) VALUES"
        claim = "INSERT INTO claims (task, token, worker, held, lease, host, boot, deadline, expires) VALUES"
        rest = "9, 'h', 'b', 1e12, '2999-01-01T00:00:00.000Z')"
        for statements, word in (
            ([f"UPDATE tasks SET status = 'bogus' {of_task}"], "in a state that does not exist"),
            (["UPDATE tasks SET open_blockers = 5"], "with a wrong count of open blockers"),
            ([f"UPDATE tasks SET status = 'active' {of_task}"], "active, but claimed by nobody"),
            ([f"{attempt} (1, 0, 'w', '', '')"], "with an attempt that never ended"),
            ([f"{attempt} ({row}, 0, 'w', '', '')", f"{claim} ({row}, last_insert_rowid(), 'w', 0, {rest}"],
             "claimed, but not active"),
            ([f"{attempt} ({row}, 0, 'w', '', '')", f"{claim} ({row}, last_insert_rowid(), 'w', 1, {rest}",
              f"UPDATE tasks SET status = 'active' {of_task}"], "claimed by a worker that was never entered"),
            ([f"{attempt} (999, 0, 'w', '', '')", f"{claim} (999, last_insert_rowid(), 'w', 0, {rest}"],
             "gone, but still claimed"),
        ):  # fmt: skip
            with self.subTest(word):
                with contextlib.closing(sqlite3.connect(self.database)) as source:
                    good = sqlite3.connect(":memory:")
                    source.backup(good)
                self.edit(*statements)
                findings = database.check_records(self.home)
                self.assertTrue(any(word in one.found for one in findings), findings)
                for _ in range(3):  # what is mended may leave another thing to mend
                    self.mend()
                self.assertEqual(levels(database.check_records(self.home)), {"records": OK})
                with contextlib.closing(good), contextlib.closing(sqlite3.connect(self.database)) as target:
                    good.backup(target)

    def test_rules_of_the_schema(self) -> None:
        self.edit("UPDATE tasks SET score = 'high', kind = 'poem'")
        found = next(one for one in database.check_integrity(self.home) if one.level == BROKEN)
        self.assertIn("kind_is_known is broken by 1 row of tasks; score_is_a_number", found.found)


class Slurm(Doctor):
    def test_without_slurm_it_is_said_in_a_line(self) -> None:
        (check,) = slurm.checks(self.home)
        self.assertEqual(examine(check), [Finding("Slurm", OK, "not here: attempts run on this machine")])

    def test_commands_that_are_missing_are_named(self) -> None:
        os.mkdir(self.path("some"))
        self.write_executable("some/sbatch")
        with mock.patch.dict(os.environ, PATH=self.path("some")):
            (found,) = slurm.check_cluster(self.home)
        self.assertEqual(
            (found.level, found.found), (LIMITED, "squeue, scancel, scontrol not on PATH: attempts cannot be jobs")
        )

    def write_executable(self, name: str) -> None:
        with open(self.path(name), "w") as file:
            file.write("#!/bin/sh\n")
        os.chmod(self.path(name), 0o755)

    def test_commands_whose_jobs_outlive_a_kill(self) -> None:
        self.assertEqual(levels(slurm.check_jobs(self.home)), {"jobs by hand": OK})
        store = self.store()
        here = [
            store.add(command=command).id
            for command in (
                "srun -n 4 ./train",
                "cd x && A=1 exec /opt/slurm/bin/srun --pty ./a",
                "for i in 1 2; do timeout 5m srun ./$i; done",
            )
        ]
        for command in ("echo srun", "cat srun.log | grep srun", "./srun-like", "x; dosrun"):
            store.add(command=command)
        ended = store.add(command="srun ended")
        store.done(ended.id)
        (found,) = slurm.check_jobs(self.home)
        self.assertEqual((found.name, found.level), ("jobs by hand", LIMITED))
        self.assertIn(f"3 waiting or running tasks ({', '.join(here)}) hand their work", found.found)
        self.assertIn("that job runs on", found.found)
        self.assertIn("txlite add --slurm OPTIONS -- COMMAND", found.advice)
        self.write("config.ini", "[agent far]\ncommand = srun --pty codex exec -\n")
        self.assertIn("and agent far hand their work", slurm.check_jobs(self.home)[0].found)
        self.assertIn("jobs by hand", levels(self.home_findings()))

    def test_in_a_job_srun_starts_a_step_of_it(self) -> None:
        store = self.store()
        store.add(command="srun ./train", slurm="-n 4")
        self.assertEqual(levels(slurm.check_jobs(self.home)), {"jobs by hand": OK})
        other = store.add(command="sbatch train.sh", slurm="")
        self.assertIn(f"1 waiting or running task ({other.id}) hand", slurm.check_jobs(self.home)[0].found)
        store.delete(other)
        store.add(command="srun ./train")
        self.assertEqual(levels(slurm.check_jobs(self.home)), {"jobs by hand": LIMITED})
        self.write("config.ini", "[txlite]\nexecutor = slurm\n[agent far]\ncommand = srun --pty codex exec -\n")
        self.assertEqual(levels(slurm.check_jobs(self.home)), {"jobs by hand": OK})


class Dead(Doctor):
    def test_a_killed_worker_and_what_it_left(self) -> None:
        run = self.start("run", "--from", self.batch("exec sleep 600"), "--workers", "1")
        wait_until(lambda: self.json("list", "--status", "active"), "the attempt")
        (worker,) = self.worker_pids()
        os.kill(run.pid, signal.SIGKILL)
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: not is_running(worker), "its death")
        found = self.one("workers", LIMITED)
        self.assertIn("1 worker died", found.found)
        self.assertIn("reconcile", found.advice)
        self.txlite("reconcile")
        with open(os.path.join(self.home, "locks", "worker-left"), "w"):
            pass
        self.assertIn("1 lock file", self.one("leftovers", LIMITED).found)
        self.txlite("reconcile")
        self.assertEqual(levels(self.home_findings())["leftovers"], OK)


class Machine(Case):
    """The findings that need no home."""

    def file(self, name: str, text: str) -> None:
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)

    def test_what_is_tried_works_here(self) -> None:
        tried = ("orphans", "mark", "pidfd", "proc")
        checks = [check for check in machine.checks() if check.name in tried]
        with unhurried():
            found = {check.name: [one.level for one in examine(check)] for check in checks}
        self.assertEqual(found, {name: [OK] for name in tried})

    def test_versions_of_sqlite(self) -> None:
        for version, races in (
            ((3, 26, 0), True), ((3, 44, 5), True), ((3, 44, 6), False), ((3, 50, 6), True), ((3, 50, 7), False),
            ((3, 51, 2), True), ((3, 51, 3), False), ((3, 53, 0), False),
        ):  # fmt: skip
            self.assertEqual(machine.has_race(version), races, version)
        self.assertEqual(machine.check_sqlite((3, 25, 3))[0].level, BROKEN)

    def test_the_login_manager(self) -> None:
        scope, manager = "/user.slice/user-7.slice/session-3.scope", "/user.slice/user-7.slice/user@7.service/app"
        user = session._user()
        linger = self.path(f"var/lib/systemd/linger/{user}")

        def look(group: str) -> Finding:
            self.file("proc/self/cgroup", f"0::{group}\n")
            return session.check_logout(self.directory)[0]

        self.assertIn("no systemd-logind", look(scope).found)
        os.makedirs(self.path("run/systemd/system"))
        self.file("usr/lib/systemd/logind.conf", "[Login]\n#KillUserProcesses=no\n#KillExcludeUsers=root\n")
        self.assertEqual(look(scope).level, OK)
        self.file("usr/lib/systemd/logind.conf.d/50-x.conf", "[Login]\nKillUserProcesses=no\n")
        self.file("etc/systemd/logind.conf.d/60-y.conf", "[Login]\nKillUserProcesses = yes\nKillExcludeUsers=\n")
        found = look(scope)
        self.assertEqual(found.level, LIMITED)
        self.assertRegex(found.advice, "enable-linger.*systemd-run --user --scope")
        self.assertEqual(look("/system.slice/cron.service").level, OK)
        self.assertIn("enable-linger", look(manager).advice)
        self.file(linger, "")
        self.assertEqual(look(manager).level, OK)
        self.assertNotIn("enable-linger", look(scope).advice)  # whoever lingers loses his sessions all the same
        self.file("etc/systemd/logind.conf.d/70-z.conf", f"[Login]\nKillExcludeUsers={user}\n")
        self.assertEqual(look(scope).level, OK)

    def test_jobs(self) -> None:
        self.assertEqual(session.check_batch({}), [])
        self.assertIn("job 42 of Slurm", session.check_batch({"SLURM_JOB_ID": "42"})[0].found)
        self.assertEqual([session.check_runner({"CI": value}) != [] for value in ("true", "1", "", "false")],
                         [True, True, False, False])  # fmt: skip

    def test_who_sees_to_limits_of_memory(self) -> None:
        (found,) = limits.check_group(self.directory)
        self.assertEqual((found.level, "workers see to --max-memory" in found.found), (OK, True))
        with mock.patch.object(limits, "find_place", return_value="/sys/fs/cgroup/mine"):
            self.assertIn("the kernel sees to --max-memory, by groups in /sys/fs/cgroup/mine",
                          limits.check_group(self.directory)[0].found)  # fmt: skip

    def test_control_groups(self) -> None:
        self.file("proc/meminfo", "MemTotal: 1000000 kB\nMemAvailable: 900000 kB\n")
        self.assertEqual(limits.check_memory(self.directory)[0].found, "879 MB of 977 MB free")
        self.file("proc/self/cgroup", "0::/a/b\n")
        self.file("sys/fs/cgroup/a/memory.max", f"{512 << 20}\n")
        self.file("sys/fs/cgroup/a/memory.current", f"{500 << 20}\n")
        self.file("sys/fs/cgroup/a/b/memory.max", "max\n")
        self.assertEqual(limits.check_memory(self.directory)[0].level, LIMITED)
        self.file("proc/self/cgroup", "4:pids,cpu:/c\n0::/\n")
        self.file("sys/fs/cgroup/pids/c/pids.max", "120\n")
        self.file("sys/fs/cgroup/pids/c/pids.current", "100\n")
        self.assertIn("20 more can be started (of 120", limits.check_processes(self.directory)[0].found)

    @unittest.skipIf(os.geteuid(), "needs root, to mount")
    def test_a_disk_without_space(self) -> None:
        place = self.path("disk")
        os.mkdir(place)
        for size, level in (("8m", BROKEN), ("64m", LIMITED)):
            mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place])
            if mounted.returncode:
                self.skipTest("cannot mount")
            self.addCleanup(subprocess.run, ["umount", "-l", place], stderr=subprocess.DEVNULL)
            found = levels(one for check in filesystem.checks(place) for one in examine(check))
            self.assertEqual((found["space"], found["file system"], found["locks"]), (level, LIMITED, OK))
            subprocess.run(["mount", "-o", "remount,ro", place], check=True)
            self.assertEqual(filesystem.find_place(place), None)
            self.assertEqual(home.check_writing(place, None)[0].level, BROKEN)
            subprocess.run(["umount", place], check=True)


class Checks(Case):
    def test_one_that_hangs_is_ended_and_cleans_up(self) -> None:
        def hang() -> None:
            with filesystem._scratch(self.directory), open(self.path("pid"), "w") as file:
                file.write(str(os.getpid()))
                file.flush()
                time.sleep(600)

        for patience in (2.0, 20.0, 60.0):  # its process may be slow to begin
            began = time.monotonic()
            with mock.patch.object(bounded_call, "_GRACE", PATIENCE):  # or to end
                (found,) = examine(Check("slow", hang, patience))
            self.assertLess(time.monotonic() - began, patience + PATIENCE)
            self.assertEqual((found.name, found.level), ("slow", BROKEN))
            if self.read("pid"):
                break
        self.assertFalse(is_running(int(self.read("pid"))))
        self.assertEqual(os.listdir(self.directory), ["pid"])

    def test_one_that_raises_or_dies(self) -> None:
        looks: list[tuple[Any, str]] = [
            (lambda: 1 / 0, "ZeroDivisionError"),
            (lambda: os.kill(os.getpid(), signal.SIGKILL), "its process died"),
        ]
        for look, word in looks:
            (found,) = examine(Check("odd", look))
            self.assertEqual((found.level, found.name), (LIMITED, "odd"))
            self.assertIn("could not be checked: ", found.found)
            self.assertIn(word, found.found)

    def test_an_error_of_ours_keeps_its_advice(self) -> None:
        found = found_error("home", txlite.StoreUnavailable("a: it is gone: make it"))
        self.assertEqual(found, Finding("home", BROKEN, "a: it is gone", "make it"))


if __name__ == "__main__":
    unittest.main()
