"""`launch` and what looks after it: status, logs, wait, stop, retry; agents, templates, reports."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import unittest

from ..case import ROOT, Case, is_running, running, wait_until

# Records its argv and stdin, says hello, and does what the test asks for.
AGENT = """#!/bin/sh
n=$(mktemp -p "$CALLS")
for word; do printf '%s\\n' "$word"; done > "$n.argv"
cat > "$n.stdin"
echo "hello from $$"
eval "${THEN:-true}"
"""


class Launching(Case):
    """A test with a stand-in `codex` on PATH, and `claude` as another name of it."""

    def setUp(self):
        super().setUp()
        os.mkdir(self.path("path"))
        os.mkdir(self.path("calls"))
        for name in ("codex", "claude"):
            with open(self.path(f"path/{name}"), "w") as file:
                file.write(AGENT)
            os.chmod(self.path(f"path/{name}"), 0o755)
        self.environment.update(PATH=self.path("path") + ":" + self.environment["PATH"], CALLS=self.path("calls"))
        self.addCleanup(self.stop_all)

    def stop_all(self):
        if os.path.exists(self.home):
            self.start("stop", "--all").wait(60)

    def launch(self, *arguments, then="true", **options):
        """Launch; the object that `--json` printed."""
        self.environment["THEN"] = then
        return self.json("launch", *arguments, **options)

    def one(self, launched):
        """Its object in `status`."""
        return next(row for row in self.json("status") if row["attempt"] == launched["attempt"])

    def kill(self, launched):
        """Kill its worker; returns when that is dead."""
        os.kill(launched["pid"], signal.SIGKILL)
        wait_until(lambda: not is_running(launched["pid"]), "its death")

    def wait_for_states(self, *states):
        """Wait until all that was launched, the newest first, is in these states."""
        wait_until(lambda: [row["status"] for row in self.json("status")] == list(states), " ".join(states))

    def wait_for(self, launched, code=0):
        self.txlite("wait", launched["id"], code=code)
        return self.one(launched)

    def calls(self, kind):
        names = sorted(name for name in os.listdir(self.path("calls")) if name.endswith(kind))
        return [self.read(f"calls/{name}") for name in names]


class Launch(Launching):
    def test_a_launch_from_its_beginning_to_its_end(self):
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

    def test_the_prompt_is_the_task_byte_for_byte_then_the_template(self):
        task = "'quotes\" $HOME `id` {{START_TIME}} \\1 %s\n\tline two \u2192 \U0001f600\n"
        self.wait_for(self.launch(task))
        (prompt,) = self.calls(".stdin")
        self.assertTrue(prompt.startswith(task + "\n\n# Worker Task Report\n\n**Task:** " + task), prompt)
        self.assertEqual(prompt.count("{{START_TIME}}"), 2)
        self.assertEqual(self.calls(".argv"), ["exec\n--sandbox\nworkspace-write\n-c\nmodel_reasoning_effort=low\n-\n"])
        long = "x" * (1 << 20)
        self.wait_for(self.json("launch", "-", stdin=long.encode()))
        self.assertEqual(sorted(map(len, self.calls(".stdin")))[1] // (1 << 20), 2)

    def test_one_two_or_three_words(self):
        def understood(*words):
            found = self.json("launch", "--dry-run", *words)
            return found["level"], found["type"], found["prompt"].split("\n")[0]

        self.assertEqual(understood("task"), ("low", "workers", "task"))
        self.assertEqual(understood("high", "task"), ("high", "workers", "task"))
        self.assertEqual(understood("research", "task"), ("medium", "research", "task"))
        self.assertEqual(understood("minimal", "audit", "task"), ("minimal", "audit", "task"))
        self.assertEqual(understood("--level", "high", "task", "--type", "research"), ("high", "research", "task"))
        self.assertFalse(os.path.exists(self.home))

    def test_bad_input_gets_an_error_and_no_new_file(self):
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
        self.assertIn(
            "agent codex: 'codex' is not installed, or not on PATH: install it, or set `command`", self.errors
        )
        self.assertEqual(sorted(os.listdir(self.home)), before)
        for words, code, said in (
            (("status", "--latest", "x"), 64, "'x' is not a whole number"),
            (("status", "--latest"), 64, "--latest"),
            (("status", "--latest", "0"), 64, "1 or more"),
            (("logs", "tx-nosuch00"), 2, "no task 'tx-nosuch00'"),
            (("logs", "99999999"), 2, "no attempt had the PID 99999999"),
            (("wait", "99999999"), 125, "no attempt had the PID 99999999"),
            (("stop", "99999999"), 2, "no attempt had the PID 99999999"),
            (("stop",), 64, "give the tasks to stop"),
            (("retry", "tx-nosuch00"), 2, "tx-nosuch00"),
        ):
            with self.subTest(words):
                self.txlite(*words, code=code)
                self.assertIn(said, self.errors)

    def test_several_in_one_second_keep_their_names(self):
        launched = [self.launch(f"task {number}", then="sleep 60") for number in range(3)]
        reports = {self.one(one)["report"] for one in launched}
        self.assertEqual(reports, {one["report"] for one in launched})
        self.assertEqual(len(reports), 3)
        self.assertEqual(len(self.json("stop", "--all")), 3)
        self.assertEqual(len(self.reports()), 3)

    def test_it_outlives_its_shell_and_holds_nothing_of_it(self):
        self.environment["THEN"] = "touch begun; while test ! -e go; do sleep 0.02; done"
        command = f"{sys.executable} -m txlite launch --json task; kill -9 0"
        shell = subprocess.run(["setsid", "bash", "-c", command], cwd=self.directory, env=self.environment,
                               capture_output=True, timeout=60)  # fmt: skip  # it ends, so nobody holds the pipe
        launched = json.loads(shell.stdout)
        wait_until(lambda: os.path.exists(self.path("begun")), "the agent to start")
        with open(self.path("go"), "w"):
            pass
        self.assertEqual(self.wait_for(launched)["status"], "done")

    def test_no_run_takes_it_and_none_waits_for_it(self):
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

    def test_waiting_and_its_exit_codes(self):
        self.environment["THEN"] = "exit 7"
        self.assertIn("failed, exit 7", self.txlite("launch", "--wait", "task", code=7))
        self.environment["THEN"] = "sleep 60"
        self.assertIn("it ran longer than 0.2 s", self.txlite("launch", "--wait", "--timeout", "0.2", "task", code=124))
        launched = self.launch("task", then=f"sleep {self.nap}")
        wait_until(lambda: running(self.nap), "the agent to start")
        self.txlite("wait", "--timeout", "0.1", launched["id"], code=124)
        self.assertIn(f"{launched['id']} still not ended after 0.10s", self.errors)
        self.txlite("stop", str(launched["pid"]))
        self.txlite("wait", launched["id"], code=143)
        good, bad = self.launch("good"), self.launch("bad", then="exit 3")
        self.txlite("wait", good["id"], str(bad["pid"]), code=1)
        self.assertEqual([one["code"] for one in self.json("wait", good["id"], bad["id"], code=1)], [0, 3])
        self.txlite("wait", good["id"], good["id"])

    def test_an_interrupt_leaves_the_waiting_and_not_the_task(self):
        self.environment["THEN"] = "sleep 60"
        waiting = self.start("launch", "--wait", "task", start_new_session=True)
        pid = int(waiting.stdout.readline().split()[1])
        os.killpg(waiting.pid, signal.SIGINT)
        out, error = waiting.communicate(timeout=60)
        self.assertEqual(waiting.returncode, 130)
        self.assertIn(b"goes on in the background", error)
        self.assertEqual(self.json("status")[0]["status"], "running")
        self.assertTrue(is_running(pid))

    def test_they_wait_their_turn(self):
        first = self.launch("first", "--max-parallel", "1", then="while test ! -e go; do sleep 0.02; done")
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

    def test_a_turn_that_a_dead_worker_had_is_free(self):
        first = self.launch("first", "--max-parallel", "1", "--kill-after", "0.2", then="sleep 60")
        second = self.launch("second", "--max-parallel", "1")
        os.kill(first["pid"], signal.SIGKILL)
        self.assertEqual(self.wait_for(second)["status"], "done")

    def test_a_signal_to_the_pid_that_was_told_stops_it(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            launched = self.launch("task", then=f"sleep {self.nap}")
            wait_until(lambda: running(self.nap), "the agent to start")
            os.kill(launched["pid"], number)
            self.txlite("wait", launched["id"], code=143 if number != signal.SIGQUIT else 137)
            row = self.one(launched)
            self.assertEqual((row["status"], row["note"]), ("cancelled", f"it was stopped by {number.name}"))
            self.assertEqual(running(self.nap), [])

    def test_retry_launches_again(self):
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

    def test_a_launch_from_inside_an_agent_outlives_its_attempt(self):
        inner = f"{sys.executable} -m txlite launch -q --agent shell 'touch begun; sleep {self.nap}' > inner"
        self.txlite("run", "--from", self.batch(inner))
        wait_until(lambda: os.path.exists(self.path("begun")), "the inner agent to start")
        self.assertEqual(self.json("status", "--latest", "1")[0]["status"], "running")
        wait_until(lambda: running(self.nap), "its sleep")
        self.txlite("stop", self.read("inner").strip())
        self.assertEqual(running(self.nap), [])

    def test_killed_workers_are_lost_at_once_and_their_trees_end(self):
        inner = f"setsid sh -c 'env -i sleep {self.nap}' & sleep {self.nap}"
        for how in ("stop", "reconcile"):
            launched = self.launch("task", "--kill-after", "0.5", then=inner)
            wait_until(lambda: len(running(self.nap)) == 2, "the agent's tree")
            self.kill(launched)
            self.assertEqual(self.one(launched)["status"], "lost")
            self.txlite("wait", launched["id"], code=125)
            self.txlite(*((how, launched["id"]) if how == "stop" else (how,)))
            self.assertEqual(running(self.nap), [])
            row = self.one(launched)
            self.assertEqual(row["status"], "cancelled" if how == "stop" else "lost")
            self.assertIn("**Outcome:** lost (its worker died)", self.read(row["report"]))
            self.assertIn(f"_{launched['pid']}_codex_task", row["report"])
            self.assertNotIn("{{", self.read(row["report"]))

    def test_stop_ends_a_worker_that_was_stopped_and_only_ours(self):
        launched = self.launch("task", "--kill-after", "0.3", then=f"trap '' TERM; sleep {self.nap} & wait")
        wait_until(lambda: running(self.nap), "the agent to start")
        os.kill(launched["pid"], signal.SIGSTOP)
        self.txlite("stop", str(os.getpid()), code=2)
        self.environment["THEN"] = ""
        (row,) = self.json("stop", launched["id"])
        self.assertEqual(row["status"], "cancelled")
        self.assertEqual(running(self.nap), [])
        self.assertEqual(self.json("stop", launched["id"])[0]["status"], "cancelled")
        queued = self.txlite("add", "-q", "x").strip()
        self.txlite("stop", queued, code=1)
        self.assertIn("does not run", self.errors)

    def test_the_foreground(self):
        self.environment["THEN"] = "printf 'no newline'; exit 4"
        found = self.start("launch", "--foreground", "task")
        out, error = found.communicate(timeout=60)
        self.assertEqual(found.returncode, 4)
        self.assertRegex(out.decode(), r"^hello from \d+\nno newline\n?$")
        self.assertIn("failed, exit 4: workers/", error.decode())
        self.environment["THEN"] = f"sleep {self.nap}"
        found = self.start("launch", "--foreground", "task")
        wait_until(lambda: running(self.nap), "the agent to start")
        found.send_signal(signal.SIGINT)
        self.assertEqual((found.wait(60), running(self.nap)), (130, []))
        self.assertEqual(self.json("status")[0]["status"], "cancelled")


class Refusals(Launching):
    """What went wrong before, each once."""

    def test_a_caller_that_ignores_its_children(self):
        code = (
            "import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
        )
        found = subprocess.run([sys.executable, "-c", code, sys.executable, "-m", "txlite", "launch", "--json", "task"],
                               cwd=self.directory, env=self.environment, capture_output=True, timeout=60)  # fmt: skip
        self.assertEqual((found.returncode, found.stderr), (0, b""))
        self.assertEqual(self.wait_for(json.loads(found.stdout))["status"], "done")

    def test_an_older_database_is_read(self):
        from unittest import mock

        from txlite.store import schema

        with mock.patch.multiple(schema, MIGRATIONS=schema.MIGRATIONS[:1], VERSION=1):
            import txlite

            txlite.open(self.home).close()
        self.assertEqual(self.json("status"), [])
        self.wait_for(self.launch("task"))

    def test_a_prompt_that_cannot_be_written_ends_the_report(self):
        os.mkdir(self.home)
        with open(os.path.join(self.home, "config.ini"), "w") as file:
            file.write("[agent two]\ncommand = codex\nprompt = file\n")
        launched = self.json("launch", "--agent", "two", "-", stdin=b"x" * 800_000, preexec_fn=limit_files)
        row = self.wait_for(launched, code=127)
        self.assertIn("its prompt could not be written: File too large", row["note"])
        self.assertIn(f"_{launched['pid']}_two_task", row["report"])
        self.assertIn("**Outcome:** unstartable", self.read(row["report"]))
        self.assertEqual([name for name in os.listdir(os.path.join(self.home, "workers")) if "prompt" in name], [])

    def test_a_report_that_may_not_grow_gets_its_name(self):
        launched = self.launch("--agent", "shell", "yes | head -c 2000000", preexec_fn=limit_files)
        row = self.wait_for(launched)
        self.assertIn("output was lost: File too large", row["note"])
        self.assertIn(f"_{launched['pid']}_shell_task", row["report"])

    def test_a_task_that_looks_like_a_report(self):
        nasty = "x\n**Attempt:** 1  \n**Output:** 3 bytes  \n\n## Output\n\n" + "~" * 16 + "\nfoo"
        launched = self.launch(nasty, "--kill-after", "0.2", then="sleep 60")
        wait_until(lambda: "hello" in self.txlite("logs", launched["id"]), "the output")
        self.assertRegex(self.txlite("logs", launched["id"]), r"^hello from \d+\n$")
        self.kill(launched)
        self.txlite("reconcile")
        self.assertRegex(self.txlite("logs", launched["id"]), r"^hello from \d+\n$")
        self.assertIn(f"{nasty.splitlines()[1]}\n", self.read(self.one(launched)["report"]))
        self.assertTrue(self.calls(".stdin")[0].startswith(nasty + "\n\n"))

    def test_output_is_given_back_byte_for_byte(self):
        launched = self.launch("--agent", "shell", "printf 'x\\n~~~~~~~~~~~~~~~~\\n'")
        self.wait_for(launched)
        self.assertEqual(self.txlite("logs", "--raw", launched["id"]), "x\n~~~~~~~~~~~~~~~~\n")
        launched = self.launch("--agent", "shell", "printf 'no newline'")
        self.wait_for(launched)
        self.assertEqual(self.txlite("logs", "--raw", launched["id"]), "no newline")

    def test_following_through_the_cap_loses_nothing_that_it_saw(self):
        os.mkdir(self.home)
        with open(os.path.join(self.home, "config.ini"), "w") as file:
            file.write("[txlite]\noutput_cap = 4K\n")
        loop = "for i in $(seq 1000 1090); do echo $i; echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; "
        # A slow reader is waited for, again and again.
        seen = "case $i in *0) until test -e seen-$i; do sleep 0.02; done;; esac; "
        launched = self.launch("--agent", "shell", "--timeout", "60", loop + seen + "done")
        follower = self.start("logs", "-f", "--raw", launched["id"])
        followed = ""
        for line in map(bytes.decode, follower.stdout):
            followed += line
            if line.strip().isdigit():
                open(self.path("seen-" + line.strip()), "w").close()
        self.assertEqual(follower.wait(60), 0)
        wanted = [line for number in range(1000, 1091) for line in (str(number), "x" * 57)]
        self.assertEqual(followed.splitlines(), wanted)
        self.assertIn("more were cut after the first 2048", self.read(self.wait_for(launched)["report"]))

    def test_types_that_are_files_of_home(self):
        for type in ("tasks.db", "tasks.db-journal", "tasks.db.lock", "config.ini", "wake", ".x"):
            self.txlite("launch", "--type", type, "task", code=64)
        self.wait_for(self.launch("--type", "audit", "task"))
        self.assertIn("\n/audit/\n", self.read(os.path.join(self.home, ".gitignore")))

    def test_a_dead_worker_is_lost_while_it_is_recovered(self):
        launched = self.launch(
            "--kill-after", "60", "task", then="trap '' TERM; touch begun; while :; do sleep 0.1; done"
        )
        wait_until(lambda: os.path.exists(self.path("begun")), "the agent to start")
        self.kill(launched)
        recovering = self.start("reconcile")
        lock = os.path.join(self.home, "locks", self.one(launched)["worker"])
        from txlite.system.liveness import is_held

        wait_until(lambda: is_held(lock), "somebody to recover it")
        self.assertEqual(self.one(launched)["status"], "lost")
        self.txlite("wait", launched["id"], code=125)
        while recovering.poll() is None:  # its sleeps come and go while we look
            for pid in tree_of(launched, self.home):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self.assertEqual(recovering.returncode, 0)

    def test_an_end_of_its_own_is_not_changed_by_a_late_stop(self):
        import txlite

        launched = self.launch("task", then="exit 3")
        self.wait_for(launched, code=3)
        with txlite.open(self.home) as store:
            self.assertFalse(store.stop(launched["attempt"]))
        self.assertEqual(self.json("stop", launched["id"])[0]["status"], "failed")

    def test_an_interrupt_before_it_began(self):
        import fcntl

        self.wait_for(self.launch("first"))
        locks = os.path.join(self.home, "locks")
        wait_until(lambda: not os.listdir(locks), "its worker to leave")
        with open(os.path.join(self.home, "tasks.db.lock"), "rb+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            launching = self.start("launch", "--foreground", "second")
            wait_until(lambda: [name for name in os.listdir(locks) if name.startswith("worker-")], "its worker")
            launching.send_signal(signal.SIGINT)
            self.assertEqual(launching.wait(60), 130)
        row = wait_until(lambda: [row for row in self.json("status") if row["task"] == "second" and row["endedAt"]],
                         "its end")[0]  # fmt: skip
        self.assertEqual((row["status"], row["note"]), ("cancelled", "its launch was interrupted"))
        self.assertEqual(len(self.calls(".stdin")), 1)

    def test_a_refused_retry_leaves_nothing(self):
        launched = self.launch("task", then="sleep 60")
        before = [sorted(os.listdir(os.path.join(self.home, name))) for name in ("locks", "wake")]
        self.txlite("retry", launched["id"], code=1)
        self.assertEqual(before, [sorted(os.listdir(os.path.join(self.home, name))) for name in ("locks", "wake")])

    def test_launched_workers_that_left_are_collected(self):
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

    def test_a_narrow_one_is_not_passed_for_ever(self):
        first = self.launch("1", "--max-parallel", "2", then="while test ! -e go; do sleep 0.02; done")
        narrow = self.launch("2", "--max-parallel", "1")
        wide = self.launch("3", "--max-parallel", "2")
        self.wait_for_states("waiting", "waiting", "running")
        with open(self.path("go"), "w"):
            pass
        self.txlite("wait", first["id"], narrow["id"], wide["id"])

    def test_an_agents_own_word_counts(self):
        tool = f"{sys.executable} -m txlite"
        launched = self.launch("--agent", "shell", f"{tool} fail $TXLITE_TASK --reason broken-build")
        row = self.wait_for(launched, code=1)
        self.assertEqual((row["status"], row["note"]), ("failed", "broken-build"))
        launched = self.launch("--agent", "shell", f"{tool} update $TXLITE_TASK --status done; echo after; exit 3")
        self.assertEqual(self.wait_for(launched)["status"], "done")
        self.assertIn("after", self.txlite("logs", launched["id"]))

    def test_nothing_is_stopped_between_two_attempts(self):
        task = self.txlite("add", "-q", "--", "exit 1").strip()
        run = self.start("run", "--max-attempts", "9")
        wait_until(lambda: self.json("show", task)["failures"] >= 2, "two attempts")
        self.txlite("pause")  # or the next may begin before we have asked
        wait_until(lambda: self.json("show", task)["status"] == "backlog", "the end of an attempt")
        self.txlite("stop", task, code=1)
        self.assertIn("`txlite cancel", self.errors)
        self.txlite("cancel", task)
        run.wait(60)

    def test_a_reader_that_goes_stops_the_foreground(self):
        self.environment["THEN"] = "for i in $(seq 200); do echo line; sleep 0.05; done; sleep 600"
        found = self.start("launch", "--foreground", "task")
        found.stdout.readline()
        found.stdout.close()
        self.assertNotEqual(found.wait(60), 0)
        self.assertEqual(self.json("status")[0]["status"], "cancelled")

    def test_logs_of_what_never_stops_writing(self):
        os.mkdir(self.home)
        with open(os.path.join(self.home, "config.ini"), "w") as file:
            file.write("[txlite]\noutput_cap = 64K\n")
        launched = self.launch("--agent", "shell", "yes")
        wait_until(lambda: os.path.getsize(launched["report"]) > 60_000, "output")
        self.assertIn("y\ny\n", self.txlite("logs", launched["id"]))

    def test_a_head_keeps_its_length_though_the_task_grew(self):
        from txlite.reports.header import OUTPUT, Header, make_head

        heading = Header("tx-00000000", "title", 7, "shell", "2025-10-24T15:00:00.000Z", "/", "short")
        for template in ("", "# Mine: {{TASK_DESCRIPTION}}\n"):
            before = make_head(heading._replace(template=template))
            for words in ("x" * 10_000, "y\n" * 3000, ""):
                after = make_head(heading._replace(template=template, text=words), size=len(before))
                self.assertEqual((len(after), after[-len(OUTPUT) :]), (len(before), OUTPUT))


def limit_files():
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (1_400_000, 1_400_000))


def tree_of(launched, home):
    """The PIDs that carry the mark of an attempt."""
    import txlite
    from txlite.system import process, process_tree

    with txlite.open(home, read_only=True) as store:
        uuid = store.uuid
    return [pid for pid in process.table() if process_tree.is_marked(pid, uuid, launched["attempt"])]


class Logs(Launching):
    def test_following_from_the_start_to_the_end(self):
        launched = self.launch("task", then="while test ! -e go; do sleep 0.02; done; echo '\033[31mred'; echo last")
        follower = self.start("logs", "-f", launched["id"])
        self.assertIn(b"hello", follower.stdout.readline())
        with open(self.path("go"), "w"):
            pass
        self.assertEqual(follower.communicate(timeout=60)[0], b"\\x1b[31mred\nlast\n")
        self.assertEqual(follower.returncode, 0)
        said = self.read(os.path.join(self.home, "workers", os.path.basename(self.one(launched)["report"])))
        self.assertIn("\033[31mred\nlast\n~~~~", said)
        self.assertTrue(self.txlite("logs", str(launched["pid"])).endswith("\\x1b[31mred\nlast\n"))
        self.assertTrue(self.txlite("logs", "--raw", launched["id"]).endswith("\033[31mred\nlast\n"))
        self.assertEqual(self.json("cleanup", "--compress-age", "0")["compressed"], 1)
        self.assertTrue(self.one(launched)["report"].endswith("_codex_task.md.gz"))
        self.assertTrue(self.txlite("logs", str(launched["pid"])).endswith("\\x1b[31mred\nlast\n"))
        os.unlink(self.one(launched)["report"])
        self.assertIn("last\n", self.txlite("logs", launched["id"]))
        self.assertIn("moved or deleted: this is the end of its output", self.errors)
        self.assertIsNone(self.one(launched)["report"])

    def test_a_task_of_the_queue(self):
        again = "test -e second || { touch second; until test -e go; do sleep 0.02; done; exit 1; }"
        task = self.txlite("add", "-q", "--", f"echo one; {again}").strip()
        self.txlite("logs", task, code=2)
        self.assertIn("has not run yet", self.errors)
        waiting, follower = self.start("wait", task), self.start("logs", "-f", task)
        run = self.start("run")
        self.assertEqual(follower.stdout.readline(), b"one\n")
        with open(self.path("go"), "w"):
            pass
        self.assertEqual(run.wait(60), 0)
        self.assertEqual(follower.communicate(timeout=60)[0], b"one\n")
        self.assertEqual(waiting.wait(60), 0)
        self.assertEqual(self.json("logs", task)["output"], "one\n")
        self.assertEqual([row["status"] for row in self.json("status")], ["done", "failed"])

    def test_status_filters(self):
        for type in ("workers", "research", "audit"):
            self.wait_for(self.launch(f"a task of {type}", "--type", type))
        self.assertEqual([row["type"] for row in self.json("status")], ["audit", "research", "workers"])
        self.assertEqual([row["type"] for row in self.json("status", "--latest", "2")], ["audit", "research"])
        for arguments in (("--workers",), ("--research",), ("--type", "audit")):
            (row,) = self.json("status", *arguments)
            self.assertEqual(row["type"], arguments[-1].lstrip("-"))
            self.assertTrue(os.path.dirname(row["report"]).endswith("/" + row["type"]))
        self.assertEqual(self.json("status", "--stats")["types"], {"audit": 1, "research": 1, "workers": 1})
        out = self.txlite("status", "--all")
        self.assertEqual(out.count("\n"), 4)
        self.assertNotIn("\x1b", out)
        self.assertIn("3 done", self.txlite("status", "--stats"))


class Agents(Launching):
    def configure(self, *lines):
        os.makedirs(self.home, exist_ok=True)
        with open(os.path.join(self.home, "config.ini"), "w") as file:
            file.write("\n".join(lines))

    def test_claude_is_built_in_and_config_changes_single_options(self):
        self.environment["CLAUDECODE"] = "1"
        self.wait_for(self.launch("task", "--agent", "claude", then='echo "nested: $CLAUDECODE."'))
        self.assertEqual(self.calls(".argv"), ["--print\n--permission-mode\nacceptEdits\n--effort\nlow\n"])
        self.assertIn("nested: .\n", *self.reports().values())
        self.configure("[txlite]", "agent = claude", "[agent claude]", "levels =", "  turbo = --model fast",
                       "search = --web", "command = claude {search} {level}")  # fmt: skip
        found = self.json("launch", "--dry-run", "turbo", "research", "task")
        self.assertEqual(found["argv"], ["claude", "--web", "--model", "fast"])
        self.txlite("launch", "low", "task", code=64)
        self.assertIn("claude knows turbo", self.errors)

    def test_prompts_as_argument_and_as_file(self):
        self.configure(
            "[agent one]", "command = codex --message {prompt} --end", "prompt = argument", "[agent two]",
            "command = codex", "prompt = file", "set = THEN=cat $1 > seen; ls -l $1; false",
        )  # fmt: skip
        self.wait_for(self.launch("first", "--agent", "one"))
        self.assertRegex(*self.calls(".argv"), r"^--message\nfirst\n\n# Worker Task Report\n[^|]*--end\n$")
        launched = self.launch("second", "--agent", "two")
        self.txlite("wait", launched["id"], code=1)
        self.assertTrue(self.read("seen").startswith("second\n\n# Worker Task Report"))
        self.assertIn("-rw-------", self.txlite("logs", launched["id"]))
        self.assertEqual([name for name in os.listdir(os.path.join(self.home, "workers")) if "prompt" in name], [])
        self.txlite("launch", "--agent", "one", "-", stdin=b"x" * 200_000, code=64)
        self.assertIn("the system takes 131,071 as an argument: set `prompt = stdin`", self.errors)
        self.assertEqual(len(self.json("list")), 2)
        self.txlite("run", "--agent", "one", "--from", self.batch("x" * 140_000), code=64)
        self.assertEqual(len(self.json("list")), 2)

    def test_shell(self):
        found = self.txlite("launch", "--wait", "--agent", "shell", "echo $((40 + 2)) $TXLITE_TASK; exit 9", code=9)
        task = found.split("Task: ")[1].split()[0]
        self.assertEqual(self.txlite("logs", task), f"42 {task}\n")
        self.assertIn("_shell_task.md", found)

    def test_own_templates_go_first_and_are_rendered_once(self):
        os.makedirs(self.path(".txlite/templates"))
        with open(self.path(".txlite/templates/worker-task.md"), "w") as file:
            file.write("# Mine: {{TASK_DESCRIPTION}} at {{DATE}}\n{{END_TIME}} {{DURATION}} {{EXIT_CODE}}"
                       " {{WORKER_PID}}\n## For the agent\n{{TOPIC}} {{UNKNOWN}}\n")  # fmt: skip
        launched = self.launch("{{EXIT_CODE}} stays")
        text = self.read(self.wait_for(launched)["report"])
        self.assertRegex(text, r"^# Mine: \{\{EXIT_CODE\}\} stays at \d{4}-\d\d-\d\d\n"
                         rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d [\d.]+s 0 {launched['pid']}\n\n\*\*ID:")  # fmt: skip
        self.assertNotIn("## For the agent", text)
        (prompt,) = self.calls(".stdin")
        self.assertTrue(prompt.endswith("## For the agent\n{{EXIT_CODE}} stays {{UNKNOWN}}\n"), prompt)
        self.wait_for(self.launch("--template", "code-review", "other"))
        self.assertTrue(any("# Code Review" in prompt for prompt in self.calls(".stdin")))


class Copies(Launching):
    def test_one_file_with_all_of_it(self):
        self.txlite("pack", "tool.pyz")
        environment = {name: value for name, value in self.environment.items() if name != "PYTHONPATH"}
        packed = [sys.executable, "tool.pyz"]
        run = subprocess.run([*packed, "run", "--from", "-"], input=b"true\n", cwd=self.directory, env=environment,
                             capture_output=True, timeout=60)  # fmt: skip
        self.assertEqual(run.stdout.splitlines()[-1], b"1 done", run.stderr)
        launch = subprocess.run([*packed, "launch", "--wait", "task"], cwd=self.directory, env=environment,
                                capture_output=True, timeout=60)  # fmt: skip
        self.assertEqual(launch.returncode, 0, launch.stderr)
        self.assertTrue(any("# Worker Task Report" in prompt for prompt in self.calls(".stdin")))
        self.txlite("pack", "/nonexistent/tool.pyz", code=69)
        self.assertFalse(re.search(r"\.new", str(os.listdir(self.directory))))

    def test_bin_takes_nothing_from_the_working_directory(self):
        with open(self.path("select.py"), "w") as file:
            file.write("raise SystemExit('shadowed')")
        out = subprocess.run([os.path.join(ROOT, "bin", "txlite"), "--version"], cwd=self.directory, text=True,
                             env={**self.environment, "PYTHONPATH": ""}, capture_output=True)  # fmt: skip
        self.assertRegex(out.stdout, r"^txlite \d", out.stderr)


if __name__ == "__main__":
    unittest.main()
