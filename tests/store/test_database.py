"""The database file: how it comes into being, who may use it, and what happens when it cannot be used."""

import contextlib
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import time
import unittest
from unittest import mock

import txlite
from txlite.model import Lane
from txlite.store import database, schema
from txlite.system import mounts
from txlite.system.locks import FileLock, HostLock

from ..case import ROOT, Case, wait_until


class Beginning(Case):
    def test_sixteen_first_commands_at_once(self):
        verbs = [("add", "x"), ("init",), ("list",), ("ready", "--json")] * 4
        commands = [self.start(*verb) for verb in verbs]
        for command in commands:
            out, errors = command.communicate(timeout=60)
            self.assertEqual((command.returncode, errors), (0, b""), out)
        self.assertEqual(len(self.json("list")), 4)
        self.assertEqual(sorted(name for name in os.listdir(self.home) if "new" in name), [])

    def test_only_we_may_read_it(self):
        self.txlite("run", "--from", self.batch("true"))
        self.store().add("x")
        for directory, _, files in os.walk(self.home):
            self.assertEqual(stat.S_IMODE(os.stat(directory).st_mode), 0o700, directory)
            for name in files:
                self.assertEqual(stat.S_IMODE(os.stat(os.path.join(directory, name)).st_mode), 0o600, name)

    def test_home_is_found(self):
        self.txlite("init")
        below = self.path("a/b")
        os.makedirs(below)
        self.txlite("add", "from below", cwd=below)
        self.assertEqual([task["title"] for task in self.json("list")], ["from below"])
        self.txlite("--home", self.path("other"), "add", "elsewhere")
        self.assertEqual(len(self.json("list", "--home", self.path("other"))), 1)
        self.environment["TXLITE_HOME"] = self.path("other")
        self.assertEqual(self.json("list")[0]["title"], "elsewhere")

    def test_reading_makes_nothing(self):
        for verb in ("list", "ready"):
            self.assertEqual(self.json(verb), [])
        self.json("status")
        self.txlite("show", "tx-nosuchid0", code=2)
        self.assertFalse(os.path.exists(self.home))

    def test_a_copied_package_works_under_any_name(self):
        shutil.copytree(os.path.join(ROOT, "txlite"), self.path("vendored"))
        out = subprocess.run(
            [sys.executable, "-m", "vendored", "run", "--from", "-"], input=b"echo hello\n", check=True,
            cwd=self.directory, env={**self.environment, "PYTHONPATH": self.directory}, capture_output=True,
        ).stdout  # fmt: skip
        self.assertIn(b"1 done", out)

    def test_the_launcher_in_bin_finds_the_package(self):
        os.mkdir(self.path(".tools"))
        for name in ("txlite", "bin"):
            shutil.copytree(os.path.join(ROOT, name), self.path(f".tools/{name}"))
        os.symlink(self.path(".tools/bin/txlite"), self.path("link"))
        del self.environment["PYTHONPATH"]
        for command in (".tools/bin/txlite", "./link"):
            subprocess.run([command, "add", "x"], check=True, cwd=self.directory, env=self.environment, stdout=-3)
        self.assertTrue(os.path.exists(self.path(".tools/tasks.db")))
        with open(self.path(".tools/.gitignore")) as file:
            self.assertNotIn("*", file.read().split())


class Refusals(Case):
    def setUp(self):
        super().setUp()
        self.txlite("add", "x")
        self.database = os.path.join(self.home, "tasks.db")

    def assert_refused(self, word, code=69):
        with open(self.database, "rb") as file:
            before = file.read()
        for verb in (("list",), ("add", "y"), ("run",)):
            self.txlite(*verb, code=code)
            self.assertIn(word, self.errors)
        with open(self.database, "rb") as file:
            self.assertEqual(file.read(), before)

    def write(self, data):
        with open(self.database, "wb") as file:
            file.write(data)

    def test_empty(self):
        self.write(b"")
        self.assert_refused("is an empty file")

    def test_not_a_database(self):
        self.write(b"hello world " * 1000)
        self.assert_refused("not a database")

    def test_corrupt(self):
        size = os.path.getsize(self.database)
        with open(self.database, "r+b") as file:
            file.seek(4096)
            file.write(os.urandom(size - 4096))
        self.assert_refused("corrupt")

    def test_another_programs_database(self):
        os.unlink(self.database)
        sqlite3.connect(self.database).execute("CREATE TABLE t (x)").connection.close()
        self.assert_refused("not a database of txlite")

    def test_newer_than_the_code(self):
        connection = sqlite3.connect(self.database)
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
        connection.close()
        self.assert_refused("use a newer txlite")

    def test_newer_in_the_write_ahead_log_of_a_crashed_program(self):
        code = f"""import os, sqlite3
connection = sqlite3.connect({self.database!r})
connection.execute("PRAGMA user_version = {schema.VERSION + 1}")
os._exit(0)"""
        subprocess.run([sys.executable, "-c", code], check=True)
        self.assertTrue(os.path.getsize(self.database + "-wal"))
        self.assert_refused("use a newer txlite")

    def test_homes_that_others_can_write(self):
        os.chmod(self.home, 0o777)
        self.assert_refused("can be written by others")
        os.chmod(self.home, 0o700)
        with open(os.path.join(self.home, "config.ini"), "w") as file:
            file.write("[agent x]\ncommand = true\n")
        os.chmod(os.path.join(self.home, "config.ini"), 0o666)
        self.txlite("run", code=69)

    @unittest.skipIf(os.geteuid(), "needs root, to give files away")
    def test_homes_of_others(self):
        os.chown(self.home, 65534, 65534)
        self.assert_refused("belongs to user 65534")

    def test_broken_configuration(self):
        with open(os.path.join(self.home, "config.ini"), "w") as file:
            file.write("nonsense\n")
        self.txlite("add", "y", code=64)
        self.assertIn("config.ini", self.errors)

    def test_a_home_that_cannot_be_made(self):
        self.txlite("--home", "/proc/home", "add", "x", code=69)
        self.txlite("--home", self.batch(), "add", "x", code=69)
        self.assertIn("not a directory", self.errors)


@unittest.skipIf(os.geteuid(), "needs root, to mount and to become somebody else")
class Disks(Case):
    def mount(self, *options):
        place = self.path("disk")
        os.mkdir(place)
        mounted = subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", place], capture_output=True)
        if mounted.returncode:
            self.skipTest("cannot mount: " + mounted.stderr.decode())
        self.addCleanup(subprocess.run, ["umount", "-l", place])
        self.home = os.path.join(place, "home")
        return place

    def fill(self, place):
        with open(os.path.join(place, "filler"), "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass

    def test_a_disk_that_is_nearly_full_at_the_first_command(self):
        place = self.mount("-o", "size=1m")
        for kilobytes in range(0, 320, 40):
            self.home = os.path.join(place, f"home-{kilobytes}")
            self.fill(place)
            os.truncate(
                os.path.join(place, "filler"), max(os.path.getsize(os.path.join(place, "filler")) - kilobytes * 1024, 0)
            )
            command = self.start("--home", self.home, "add", "x")
            command.communicate()
            self.assertIn(command.returncode, (0, 69), f"{kilobytes} KB free")
            os.unlink(os.path.join(place, "filler"))
            self.txlite("--home", self.home, "add", "y")
            with contextlib.closing(sqlite3.connect(os.path.join(self.home, "tasks.db"))) as connection:
                self.assertEqual(connection.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            shutil.rmtree(self.home)

    def test_a_full_disk(self):
        place = self.mount("-o", "size=4m")
        self.txlite("--home", self.home, "add", "before")
        self.fill(place)
        self.txlite("--home", self.home, "add", "x" * 100_000, code=69)
        self.assertIn("disk", self.errors)
        self.assertEqual(len(self.json("list", "--home", self.home)), 1)
        os.unlink(os.path.join(place, "filler"))
        self.txlite("--home", self.home, "add", "after")

    def test_a_disk_that_fills_up_while_it_runs(self):
        place = self.mount("-o", "size=4m")
        batch = self.batch("touch started; while ! test -e go; do sleep 0.02; done; yes | head -c 3000000", "true")
        run = self.start("--home", self.home, "run", "--from", batch, "--workers", "1", "--max-attempts", "1")
        wait_until(lambda: os.path.exists(self.path("started")), "the agent to start")
        self.fill(place)
        with open(self.path("go"), "w"):
            pass
        time.sleep(1.5)
        os.unlink(os.path.join(place, "filler"))
        run.communicate(timeout=60)
        self.txlite("--home", self.home, "run")
        self.assertEqual(self.json("list", "--home", self.home, "--status", "done")[-1]["command"], "true")
        self.assertEqual(len(self.json("list", "--home", self.home, "--status", "active")), 0)

    def test_read_only_media(self):
        place = self.mount()
        self.txlite("--home", self.home, "add", "x")
        subprocess.run(["mount", "-o", "remount,ro", place], check=True)
        self.assertEqual(len(self.json("list", "--home", self.home)), 1)
        self.txlite("--home", self.home, "add", "y", code=69)
        self.assertIn("Read-only", self.errors)


class Durability(Case):
    def test_each_commit_is_synced_once_unless_told_otherwise(self):
        for synchronous, wanted in (("FULL", 3), ("NORMAL", 0)):
            home = self.path(synchronous)
            os.mkdir(home, 0o700)
            with open(os.path.join(home, "config.ini"), "w") as file:
                file.write(f"[txlite]\nsynchronous = {synchronous}\n")
            synced = []
            with txlite.open(home) as store, mock.patch.object(database, "_sync_data", synced.append):
                store.add("x")
                store.ready()
                store.add_many(f"task {number}" for number in range(100))
                store.done(store.claim_best("me").task.id) if synchronous == "NORMAL" else store.claim_best("me")
                self.assertEqual(len(synced), wanted)
                self.assertEqual(store.db.execute("PRAGMA synchronous"), [(1,)])
                if synced:
                    log = os.stat(os.path.join(home, "tasks.db-wal"))
                    self.assertTrue(os.path.samestat(log, os.fstat(synced[0])))

    def test_a_log_that_cannot_be_synced_is_told(self):
        with (
            self.store() as store,
            mock.patch.object(database, "_sync_data", side_effect=OSError(5, "Input/output error")),
        ):
            with self.assertRaisesRegex(txlite.StoreUnavailable, "could not be brought to the disk"):
                store.add("x")


class Sharing(Case):
    def test_a_replaced_file_is_noticed(self):
        store = self.store()
        store.add("x")
        os.rename(self.home + "/tasks.db", self.home + "/away.db")
        with self.assertRaisesRegex(txlite.StoreUnavailable, "deleted or replaced"):
            store.add("into the void")
        os.rename(self.home + "/away.db", self.home + "/tasks.db")
        store.add("y")
        self.assertEqual(len(store.list()), 2)

    def test_a_connection_is_not_carried_across_a_fork(self):
        store = self.store()
        pid = os.fork()
        if not pid:
            try:
                store.add("x")
            except txlite.StoreUnavailable:
                os._exit(7)
            os._exit(1)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 7)

    def test_a_wait_for_the_lock_ends_and_names_the_holder(self):
        path = self.path("lock")
        code = f"""import sys, time; sys.path.insert(0, {ROOT!r})
from txlite.system.locks import FileLock
lock = FileLock({path!r}, 1.0); lock.acquire(); print(flush=True); time.sleep(600)"""
        holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        self.addCleanup(holder.wait)
        self.addCleanup(holder.stdout.close)
        self.addCleanup(holder.kill)
        holder.stdout.readline()
        fired = []
        earlier = signal.signal(signal.SIGALRM, lambda *_: fired.append(1))
        self.addCleanup(signal.signal, signal.SIGALRM, earlier)
        signal.setitimer(signal.ITIMER_REAL, 0.6)  # a program's own timer goes on
        lock = FileLock(path, 0.3)
        started = time.monotonic()
        with self.assertRaisesRegex(txlite.StoreUnavailable, f"process {holder.pid}"):
            lock.acquire()
        self.assertGreaterEqual(time.monotonic() - started, 0.3)
        self.assertIsNone(holder.poll(), "it ended by its own")
        wait_until(lambda: fired, "the program's own timer")
        holder.kill()
        holder.wait()
        lock.acquire()
        lock.release()
        lock.close()

    def test_thirty_two_processes_claim_each_task_once(self):
        store = self.store()
        store.add_many({"command": "true"} for _ in range(1000))
        code = f"""import sys, time; sys.path.insert(0, {ROOT!r})
import txlite; from txlite.model import Lane
store = txlite.open({self.home!r}); worst = 0
sys.stdin.readline()
while True:
    started = time.monotonic()
    assignment = store.claim_next("w%s" % sys.argv[1], [Lane("command")], "shell")
    worst = max(worst, time.monotonic() - started)
    if not assignment: break
    print(assignment.task.id)
    store.finish(assignment.claim.token, txlite.Result("done", 0), 3)
print(worst)"""
        claimers = [
            subprocess.Popen(
                [sys.executable, "-c", code, str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for number in range(32)
        ]
        for claimer in claimers:
            claimer.stdin.write("\n")
            claimer.stdin.flush()
        outs = [claimer.communicate()[0].split() for claimer in claimers]
        claimed = [task for out in outs for task in out[:-1]]
        self.assertEqual((len(claimed), len(set(claimed)), store.count()), (1000, 1000, {"done": 1000}))
        print(
            f"\n32 processes, 1,000 tasks: longest wait for a claim {max(float(out[-1]) for out in outs) * 1000:.0f} ms"
        )
        self.assertEqual(store.db.execute("PRAGMA integrity_check"), [("ok",)])

    def test_a_network_file_system_is_for_one_host_at_a_time(self):
        known = mounts.NETWORK_FILE_SYSTEMS
        mounts.NETWORK_FILE_SYSTEMS = {mounts.file_system(self.directory)}
        try:
            store, other = self.store(), self.store()
            store.add("x")
            self.assertEqual(len(other.list()), 1)
            self.assertEqual(store.db.execute("PRAGMA journal_mode"), [("delete",)])
            path = os.path.join(self.home, "tasks.db.host")
            with self.assertRaisesRegex(txlite.StoreUnavailable, "host .* works here"):
                HostLock(path, "another", patience=0.2)
            store.close()
            other.close()
            HostLock(path, "another").close()
        finally:
            mounts.NETWORK_FILE_SYSTEMS = known

    def test_wake_up_without_fifos(self):
        store = self.store()
        os.rmdir(store.wake_directory) if os.path.isdir(store.wake_directory) else None
        with open(store.wake_directory, "w"):
            pass
        run = self.start("run", "--forever", "--workers", "1")
        wait_until(lambda: store.workers(), "the worker")
        store.add(command="touch began", directory=self.directory)
        wait_until(lambda: os.path.exists(self.path("began")), "the change counter to be seen")
        run.send_signal(signal.SIGTERM)
        self.assertEqual(run.wait(60), 130)


class Migrations(unittest.TestCase):
    def test_the_script_is_split_into_its_statements(self):
        statements = database.split_statements(schema.MIGRATIONS[0])
        self.assertEqual(
            sum("CREATE TRIGGER" in one for one in statements), schema.MIGRATIONS[0].count("CREATE TRIGGER")
        )
        self.assertTrue(all(sqlite3.complete_statement(one) for one in statements))

    def test_claiming_is_one_step_down_an_index(self):
        from txlite.store import claims

        connection = sqlite3.connect(":memory:")
        for statement in database.split_statements(schema.MIGRATIONS[0]):
            connection.execute(statement)
        plan = connection.execute("EXPLAIN QUERY PLAN " + claims.BEST_IN_LANE, Lane("command")).fetchall()
        self.assertRegex(str(plan), r"USING (COVERING )?INDEX tasks_ready \(kind=\? AND needs=\?\)")
        self.assertNotIn("TEMP B-TREE", str(plan))


if __name__ == "__main__":
    unittest.main()
