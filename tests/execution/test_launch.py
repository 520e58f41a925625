"""`launch`, from its PID to its report."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import unittest

from ..case import is_running, running, wait_until
from .case import LaunchCase


class Launch(LaunchCase):
    def test_a_launch_from_its_beginning_to_its_end(self) -> None:
        lines = self.txlite("launch", "medium", "Look at it").splitlines()
        self.assertEqual([line.split(": ")[0] for line in lines], ["PID", "Task", "Report"])
        pid, task, report = (line.split(": ")[1] for line in lines)
        self.assertRegex(report, rf"^{self.home}/workers/\d{{8}}_\d{{6}}_TEMP_codex_task\.md$")
        self.assertEqual(self.txlite("wait", pid).split()[:2], [pid, "done"])
        (row,) = self.json("status")
        self.assertEqual(row["report"], report.replace("TEMP", pid))
        self.assertEqual(
            (row["id"], row["status"], row["type"], row["level"], row["agent"], row["exitCode"], row["task"]),
            (task, "done", "workers", "medium", "codex", 0, "Look at it"),
        )
        text = self.read(row["report"])
        for fact in ("**Task:** Look at it\n", "**Reasoning Level:** medium\n", "**Exit Code:** 0\n",
                     f"**Worker PID:** {pid}\n", "**Outcome:** done", "hello from"):  # fmt: skip
            self.assertIn(fact, text)
        self.assertNotIn("{{", text)
        self.assertNotIn("running", text)
        self.assertEqual(os.stat(row["report"]).st_size, row["size"])

    def test_the_prompt_is_the_task_byte_for_byte_then_the_template(self) -> None:
        task = "'quotes\" $HOME `id` {{START_TIME}} \\1 %s\n\tline two \u2192 \U0001f600\n"
        self.wait_for(self.launch(task))
        (prompt,) = self.calls(".stdin")
        self.assertTrue(prompt.startswith(task + "\n\n# Worker Task Report\n\n**Task:** " + task), prompt)
        self.assertEqual(prompt.count("{{START_TIME}}"), 2)
        self.assertEqual(self.calls(".argv"), ["exec\n--sandbox\nworkspace-write\n-c\nmodel_reasoning_effort=low\n-\n"])
        long = "x" * (1 << 20)
        self.wait_for(self.json("launch", "-", stdin=long.encode()))
        self.assertEqual(sorted(map(len, self.calls(".stdin")))[1] // (1 << 20), 2)

    def test_one_two_or_three_words(self) -> None:
        def understood(*words: str) -> tuple[str, str, str]:
            found = self.json("launch", "--dry-run", *words)
            return found["level"], found["type"], found["prompt"].split("\n")[0]

        self.assertEqual(understood("task"), ("low", "workers", "task"))
        self.assertEqual(understood("high", "task"), ("high", "workers", "task"))
        self.assertEqual(understood("research", "task"), ("medium", "research", "task"))
        self.assertEqual(understood("minimal", "audit", "task"), ("minimal", "audit", "task"))
        self.assertEqual(understood("--level", "high", "task", "--type", "research"), ("high", "research", "task"))
        self.assertFalse(os.path.exists(self.home))

    def test_a_dry_run_needs_no_agent(self) -> None:
        os.unlink(self.path("path/codex"))
        self.environment["PATH"] = self.path("path") + ":/usr/bin:/bin"
        shown = self.txlite("launch", "--dry-run", "high", "task")
        self.assertIn("agent: codex is not installed, or not on PATH; these are: shell, claude\n", shown)
        self.assertIn("argv: codex exec --sandbox workspace-write -c model_reasoning_effort=high -\n", shown)
        found = self.json("launch", "--dry-run", "task")
        self.assertEqual((found["installed"], found["otherAgents"]), (False, ["shell", "claude"]))
        found = self.json("launch", "--dry-run", "--agent", "claude", "task")
        self.assertEqual((found["installed"], found["otherAgents"]), (True, []))
        self.assertNotIn("PATH", self.txlite("launch", "--dry-run", "--agent", "claude", "task"))
        self.assertFalse(os.path.exists(self.home))

    def test_bad_input_gets_an_error_and_no_new_file(self) -> None:
        os.mkdir(self.home)
        os.makedirs(self.path(".txlite/templates"))
        with open(self.path(".txlite/templates/broken.md"), "wb") as file:
            file.write(b"\xff\xfe\x00")
        before = sorted(os.listdir(self.home))
        for words, said in (
            ((), "the task is missing"),
            (("",), "the task is empty"),
            ((" \n",), "the task is empty"),
            (("high",), "the task is missing"),
            (("highest", "task"), "unknown level 'highest'"),
            (("highest", "workers", "task"), "codex knows minimal, low, medium, high"),
            (("low", "../../x", "task"), "not a plain name"),
            (("low", "", "task"), "not a plain name"),
            (("low", "locks", "task"), "cannot name a directory of reports"),
            (("low", "outputs", "task"), "cannot name a directory of reports"),
            (("a", "b", "c", "d"), "put the task in quotes"),
            (("--template", "none", "task"), "no template 'none'"),
            (("--template", "../x", "task"), "not a plain name"),
            (("--template", "broken", "task"), "broken.md is not UTF-8 text"),
            (("--agent", "nosuch", "task"), "unknown agent 'nosuch': known here are shell, claude, codex"),
            (("--max-parallel", "0", "task"), "1 or more"),
            (("--timeout", "x", "task"), "not a duration"),
            (("low", "--level", "high", "low", "x", "task"), "at most three"),
            (("--level", "high", "low", "task"), "contradict"),
            ((b"\xff",), "not valid UTF-8"),
        ):
            with self.subTest(words):
                self.txlite("launch", *words, code=64)
                self.assertIn(said, self.errors)
        self.environment["PATH"] = "/usr/bin:/bin"
        self.txlite("launch", "task", code=64)
        self.assertIn("or give another with --agent (on PATH: shell)", self.errors)
        self.assertIn(
            "agent codex: 'codex' is not installed, or not on PATH: install it, or set `command`", self.errors
        )
        self.assertEqual(sorted(os.listdir(self.home)), before)
        for words, code, said in (
            (("status", "--latest", "x"), 64, "'x' is not a whole number"),
            (("status", "--latest"), 64, "--latest"),
            (("status", "--latest", "0"), 64, "1 or more"),
            (("logs", "tx-nosuch00"), 2, "Task not found: tx-nosuch00"),
            (("logs", "99999999"), 2, "no attempt had the PID 99999999"),
            (("wait", "99999999"), 125, "no attempt had the PID 99999999"),
            (("stop", "99999999"), 2, "no attempt had the PID 99999999"),
            (("stop",), 64, "give the tasks to stop"),
            (("retry", "tx-nosuch00"), 2, "tx-nosuch00"),
        ):
            with self.subTest(words):
                self.txlite(*words, code=code)
                self.assertIn(said, self.errors)

    def test_several_in_one_second_keep_their_names(self) -> None:
        launched = [self.launch(f"task {number}", then="sleep 60") for number in range(3)]
        reports = {self.one(one)["report"] for one in launched}
        self.assertEqual(reports, {one["report"] for one in launched})
        self.assertEqual(len(reports), 3)
        kind = re.compile(r".*/\d{8}_\d{6}_TEMP(-\d+)?_codex_task\.md")
        self.assertEqual([path for path in reports if not kind.fullmatch(path)], [])
        self.assertEqual(len(self.json("stop", "--all")), 3)
        self.assertEqual(len(self.reports()), 3)

    def test_it_outlives_its_shell_and_holds_nothing_of_it(self) -> None:
        self.environment["THEN"] = "touch begun; while test ! -e go; do sleep 0.05; done"
        command = f"{sys.executable} -m txlite launch --json task; kill -9 0"
        shell = subprocess.run(["setsid", "bash", "-c", command], cwd=self.directory, env=self.environment,
                               capture_output=True, timeout=60)  # fmt: skip  # it ends, so nobody holds the pipe
        launched = json.loads(shell.stdout)
        wait_until(lambda: os.path.exists(self.path("begun")), "the agent to start")
        with open(self.path("go"), "w"):
            pass
        self.assertEqual(self.wait_for(launched)["status"], "done")

    def test_it_keeps_no_descriptor_of_its_callers(self) -> None:
        reading, writing = os.pipe()
        self.launch("task", then=f"exec sleep {self.nap}", pass_fds=[writing])
        os.close(writing)
        wait_until(lambda: select.select([reading], [], [], 0)[0], "the end of file, that who reads to it waits for")
        self.assertEqual(os.read(reading, 1), b"")
        os.close(reading)

    def test_retry_launches_again(self) -> None:
        launched = self.launch("task", "--level", "high", then="exit 1")
        self.wait_for(launched, code=1)
        self.environment["THEN"] = "true"
        again = self.json("retry", launched["id"])
        self.assertEqual(again["id"], launched["id"])
        self.txlite("wait", launched["id"])
        newest, oldest = self.json("status")
        self.assertEqual((newest["status"], newest["level"], oldest["status"]), ("done", "high", "failed"))
        self.txlite("wait", str(launched["pid"]), code=1)  # the PID names the attempt, the ID its task
        self.environment["THEN"] = "sleep 60"
        running = self.json("retry", launched["id"])
        self.txlite("retry", launched["id"], code=1)
        self.assertIn("is running", self.errors)
        self.kill(running)
        self.assertEqual(self.json("retry", launched["id"])["id"], launched["id"])

    def test_a_launch_from_inside_an_agent_outlives_its_attempt(self) -> None:
        inner = f"{sys.executable} -m txlite launch -q --agent shell 'touch begun; sleep {self.nap}' > inner"
        self.txlite("run", "--from", self.batch(inner))
        wait_until(lambda: os.path.exists(self.path("begun")), "the inner agent to start")
        self.assertEqual(self.json("status", "--latest", "1")[0]["status"], "running")
        wait_until(lambda: running(self.nap), "its sleep")
        self.txlite("stop", self.read("inner").strip())
        self.assertEqual(running(self.nap), [])

    def test_a_caller_that_ignores_its_children(self) -> None:
        code = (
            "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
        )
        found = subprocess.run([sys.executable, "-c", code, sys.executable, "-m", "txlite", "launch", "--json", "task"],
                               cwd=self.directory, env=self.environment, capture_output=True, timeout=60)  # fmt: skip
        self.assertEqual((found.returncode, found.stderr), (0, b""))
        self.assertEqual(self.wait_for(json.loads(found.stdout))["status"], "done")

    def test_an_older_database_is_read(self) -> None:
        from unittest import mock

        from txlite.store import schema

        with mock.patch.object(schema, "VERSION", 1):
            import txlite

            txlite.open(self.home).close()
        self.assertEqual(self.json("status"), [])
        self.wait_for(self.launch("task"))

    def test_types_that_are_files_of_home(self) -> None:
        for type in ("tasks.db", "tasks.db-journal", "tasks.db.lock", "config.ini", "wake", ".x"):
            self.txlite("launch", "--type", type, "task", code=64)
        self.wait_for(self.launch("--type", "audit", "task"))
        self.assertIn("\n/audit/\n", self.read(os.path.join(self.home, ".gitignore")))

    def test_a_refused_retry_leaves_nothing(self) -> None:
        launched = self.launch("task", then="sleep 60")
        before = [sorted(os.listdir(os.path.join(self.home, name))) for name in ("locks", "wake")]
        self.txlite("retry", launched["id"], code=1)
        self.assertEqual(before, [sorted(os.listdir(os.path.join(self.home, name))) for name in ("locks", "wake")])

    def test_launched_workers_that_left_are_collected(self) -> None:
        run = self.start("run", "--forever", "--workers", "1")
        inner = f"{sys.executable} -m txlite launch -q --agent shell true > inner"
        task = self.txlite("add", "-q", "--", inner).strip()
        self.txlite("wait", task)
        (ended,) = self.json("wait", wait_until(lambda: self.read("inner").strip(), "the launch"))
        wait_until(lambda: not is_running(ended["pid"]), "its worker to leave")
        self.txlite("wait", self.txlite("add", "-q", "--", "true").strip())
        (worker,) = self.worker_pids()
        with open(f"/proc/{worker}/task/{worker}/children") as file:
            self.assertEqual(file.read(), "")
        run.send_signal(signal.SIGINT)

    def test_an_agents_own_word_counts(self) -> None:
        tool = f"{sys.executable} -m txlite"
        launched = self.launch("--agent", "shell", f"{tool} fail $TXLITE_TASK --reason broken-build")
        row = self.wait_for(launched, code=1)
        self.assertEqual((row["status"], row["note"]), ("failed", "broken-build"))
        launched = self.launch("--agent", "shell", f"{tool} update $TXLITE_TASK --status done; echo after; exit 3")
        self.assertEqual(self.wait_for(launched)["status"], "done")
        self.assertIn("after", self.txlite("logs", launched["id"]))


class Turns(LaunchCase):
    def test_no_run_takes_it_and_none_waits_for_it(self) -> None:
        launched = self.launch("task", then="sleep 60")
        self.assertEqual(self.json("ready"), [])
        self.txlite("run", "--from", self.batch("true"))
        self.kill(launched)
        self.txlite("reconcile")
        self.assertEqual(self.json("show", launched["id"])["status"], "failed")
        self.assertEqual(self.json("ready"), [])
        import txlite

        with self.assertRaisesRegex(txlite.Refused, "launched"):
            self.store().retry(launched["id"])

    def test_they_wait_their_turn(self) -> None:
        first = self.launch("first", "--max-parallel", "1", then="while test ! -e go; do sleep 0.05; done")
        second = self.launch("second", "--max-parallel", "1")
        third = self.launch("third", "--max-parallel", "1")
        self.wait_for_states("waiting", "waiting", "running")
        self.assertTrue(os.path.exists(second["report"]))
        self.txlite("stop", third["id"])
        self.wait_for_states("cancelled", "waiting", "running")
        with open(self.path("go"), "w"):
            pass
        self.txlite("wait", first["id"], second["id"])
        first, second = self.one(first), self.one(second)
        self.assertGreaterEqual(second["endedAt"], first["endedAt"])
        self.assertEqual(len(self.calls(".stdin")), 2)

    def test_a_turn_that_a_dead_worker_had_is_free(self) -> None:
        first = self.launch("first", "--max-parallel", "1", "--kill-after", "0.2", then="sleep 60")
        second = self.launch("second", "--max-parallel", "1")
        os.kill(first["pid"], signal.SIGKILL)
        self.assertEqual(self.wait_for(second)["status"], "done")

    def test_who_notices_that_one_is_lost_recovers_it(self) -> None:
        for verb in (("status",), ("wait",), ("cleanup", "--dry-run")):
            launched = self.launch("task", "--kill-after", "0.2", then="sleep 60")
            self.kill(launched)
            if verb == ("wait",):
                self.wait_for(launched, code=125)
            else:
                self.txlite(*verb)
            names = os.listdir(os.path.join(self.home, "workers"))
            self.assertEqual([name for name in names if "TEMP" in name], [], verb)
            (report,) = (name for name in names if f"_{launched['pid']}_" in name)
            self.assertIn("**Outcome:** lost", self.read(os.path.join(self.home, "workers", report)))

    def test_a_narrow_one_is_not_passed_for_ever(self) -> None:
        first = self.launch("1", "--max-parallel", "2", then="while test ! -e go; do sleep 0.05; done")
        narrow = self.launch("2", "--max-parallel", "1")
        wide = self.launch("3", "--max-parallel", "2")
        self.wait_for_states("waiting", "waiting", "running")
        with open(self.path("go"), "w"):
            pass
        self.txlite("wait", first["id"], narrow["id"], wide["id"])


if __name__ == "__main__":
    unittest.main()
