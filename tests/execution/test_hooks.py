"""Hooks: what they are told, and that none of them delays, outlives or changes anything."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import unittest
from collections.abc import Iterator
from typing import Any
from unittest import mock

import txlite
from txlite.execution import hook_call, hooks
from txlite.execution.hook_call import HookCommands
from txlite.execution.hooks import Hooks, start_hooks

from ..case import Case, is_running, running, wait_until

TELL = 'cat >> {0}.json; echo >> {0}.json; echo "$TXLITE_EVENT $TXLITE_STATUS $TXLITE_MESSAGE" >> {0}'


class HookCase(Case):
    def lines(self, name: str) -> list[str]:
        return self.read(name).splitlines()

    def objects(self, name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines(name + ".json")]


class Told(HookCase):
    def test_each_kind_is_told_what_became_of_tasks(self) -> None:
        batch = self.batch("echo one", "exit 3")
        kinds = {kind: TELL.format(kind) for kind in ("finish", "failure", "idle")}
        options = [word for kind, command in kinds.items() for word in (f"--on-{kind}", command)]
        self.txlite("run", "--from", batch, "-j", "1", "--max-attempts", "1", *options, code=1)
        ends = [end for call in self.objects("finish") for end in call["tasks"]]
        self.assertEqual([(end["title"], end["to"], end["exitCode"]) for end in ends],
                         [("echo one", "done", 0), ("exit 3", "failed", 3)])  # fmt: skip
        self.assertEqual([line["id"] for line in map(json.loads, self.txlite("events", "--json").splitlines())
                          if line["to"] in ("done", "failed")], [end["id"] for end in ends])  # fmt: skip
        self.assertEqual(self.lines("failure"), ["failure failed failed: exit 3 (exit 3)"])
        self.assertEqual(self.lines("idle"), ["idle  nothing is left to do: 1 done, 1 failed"])
        idle = self.objects("idle")[0]
        self.assertEqual((idle["event"], idle["counts"], idle["left"]), ("idle", {"done": 1, "failed": 1}, 0))
        self.assertEqual(idle["home"], self.home)

    def test_what_is_configured_counts_unless_the_command_line_says_otherwise(self) -> None:
        self.txlite("init")
        self.write_config("[txlite]\non_finish = echo configured >> told\non_idle = echo idle >> told\n")
        self.txlite("run", "--", "true")
        self.assertEqual(sorted(self.lines("told")), ["configured", "idle"])
        self.txlite("run", "--on-finish", "", "--on-idle", "echo given >> told", "--", "true")
        self.assertEqual(self.lines("told")[2:], ["given"])
        self.write_config("[txlite]\non_finis = true\n")
        self.txlite("run", "--", "true", code=64)
        self.assertIn("did you mean 'on_finish'?", self.errors)

    def test_a_launched_task_and_a_worker_of_its_own_tell_theirs(self) -> None:
        launched = self.txlite("launch", "-q", "--agent", "shell", "--on-finish", TELL.format("finish"),
                               "--on-failure", TELL.format("failure"), "exit 4").strip()  # fmt: skip
        wait_until(lambda: self.lines("failure"), "both words of the launched")
        self.assertEqual([end["task"] for call in self.objects("finish") for end in call["tasks"]], [launched])
        self.write_config(f"[txlite]\non_idle = {TELL.format('idle')}\n")
        worker = self.start("worker", "start", "--on-finish", "echo told; exit 5")
        self.store().add(command="true")
        wait_until(lambda: self.lines("idle"), "the word that the worker is idle")
        worker.send_signal(signal.SIGTERM)
        self.assertEqual(worker.wait(60), 0)
        self.assertEqual(worker.stderr.read(), b"txlite: the hook on_finish failed (exit 5): told\n")
        self.assertEqual(self.objects("idle")[0]["counts"], {"done": 1})

    def test_a_run_that_stays_tells_each_time_that_it_is_idle_and_one_that_is_killed_nothing_more(self) -> None:
        command = "echo $PPID $TXLITE_MESSAGE >> idle"
        run = self.start("run", "--forever", "-j", "1", "--on-idle", command, "--on-finish", f"exec sleep {self.nap}")
        store = self.store()
        for number in (1, 2):
            store.add(command="true")
            wait_until(lambda number=number: len(self.lines("idle")) == number, "the word")
        self.assertIn("nothing is left to do: 1 done", self.lines("idle")[1])
        teller = int(self.lines("idle")[0].split()[0])
        run.kill()
        wait_until(lambda: not is_running(teller), "the companion that tells of idleness to leave")
        self.assertEqual(len(self.lines("idle")), 2)
        for pid in running(self.nap):  # its time is 30 seconds
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def test_ctrl_c_is_an_end_of_a_run_and_its_exit_code_stays(self) -> None:
        task = "echo 1 >> ran; until test -e go; do sleep 0.05; done"
        run = self.start("run", "--on-idle", 'echo "$TXLITE_MESSAGE" >> idle; exit 1', "--", task)
        wait_until(lambda: self.lines("ran"), "the task")
        self.store().add(command="true")
        run.send_signal(signal.SIGINT)
        while not run.stdout.readline().startswith(b"stopping"):
            self.assertIsNone(run.poll())
        with open(self.path("go"), "w"):
            pass
        self.assertEqual(run.wait(60), 130)
        self.assertEqual(self.lines("idle"), ["nothing runs any more: 1 done, 1 left"])


class Bounded(HookCase):
    """With times that a test can wait for."""

    @contextlib.contextmanager
    def hooked(
        self, command: str, patience: float = 30.0, limit: float = 30.0, moment: float | None = None
    ) -> Iterator[Hooks]:
        """A hook on_finish of a run that has nobody but us, who say that a task was done."""
        self.said: list[str] = []
        self.queue = store = txlite.open(self.home)  # the only one in this process, which forks
        self.addCleanup(store.close)
        limits = hook_call.LIMITS._replace(timeout=limit, kill_after=0.2)
        with (
            mock.patch.object(hook_call, "LIMITS", limits),
            mock.patch.multiple(
                hooks, PATIENCE=patience, MOMENT=patience / 2 if moment is None else moment, GRACE=60.0
            ),
        ):
            found = start_hooks(HookCommands(command), store, "run-1", lambda *_: True, self.hear)
            store.done(store.add("a task").id)
            try:
                yield found
            finally:
                found.close()
                store.close()

    def hear(self, words: str) -> None:
        self.said.append(words)

    def test_one_that_hangs_is_ended_at_the_end_of_its_run(self) -> None:
        with self.hooked(f"trap '' TERM; sleep {self.nap}", patience=0.2):
            wait_until(lambda: running(self.nap), "the hook")
        self.assertEqual(self.said, [
            "waiting for on_finish, 0.2 s at the most; Ctrl-C ends that",
            "on_finish had not ended 0.2 s after all else: it is ended",
        ])  # fmt: skip
        self.assertEqual(running(self.nap), [])

    def test_ctrl_c_ends_the_wait_for_one(self) -> None:
        def press(words: str) -> None:
            """Ctrl-C, as soon as the wait is said."""
            self.said.append(words)
            if words.startswith("waiting"):
                signal.raise_signal(signal.SIGINT)

        self.addCleanup(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, signal.default_int_handler))
        with mock.patch.object(self, "hear", press), self.hooked(f"exec sleep {self.nap}", patience=600, moment=0.1):
            wait_until(lambda: running(self.nap), "the hook")
        self.assertEqual(self.said, [
            "waiting for on_finish, 600 s at the most; Ctrl-C ends that",
            "on_finish was told to end by Ctrl-C: it is ended",
        ])  # fmt: skip
        self.assertEqual(running(self.nap), [])

    def test_one_that_outlasts_its_time_is_ended_and_reported_once(self) -> None:
        for limit in (0.2, 2.0, 20.0):  # on a busy machine it may have said nothing yet
            with self.hooked(f"echo waiting; trap '' TERM; sleep {self.nap}", limit=limit) as found:
                look = found.beside(lambda _: None)
                wait_until(lambda: (look(False), self.said)[1], "the report")
                self.assertEqual(running(self.nap), [])
                self.queue.done(self.queue.add("another").id)
            if self.said != [f"the hook on_finish was ended after {limit:g} s"]:
                break
        self.assertEqual(self.said, [f"the hook on_finish was ended after {limit:g} s: waiting"])

    def test_what_it_leaves_running_is_ended_with_it(self) -> None:
        with self.hooked(f"(setsid sleep {self.nap} &) ; (exec env -i setsid -f sleep {self.nap})"):
            pass
        self.assertEqual((self.said, running(self.nap)), ([], []))

    def test_whatever_it_does_with_its_streams_it_succeeds_or_its_last_line_is_told(self) -> None:
        for command, said in (
            ("exec 0<&-; true", []),
            ("seq 1500000; echo '  the end  '; exit 7", ["the hook on_finish failed (exit 7): the end"]),
            ("nosuchcommand", ["nosuchcommand"]),
            ("echo > /dev/tty", ['"$TXLITE_TTY" is the terminal']),
        ):
            with self.hooked(command):
                pass
            self.assertEqual(len(self.said), len(said), (command, self.said))
            for told, word in zip(self.said, said):
                self.assertIn(word, told)

    def test_what_ends_while_one_is_called_is_told_together(self) -> None:
        path = self.path("told")
        with self.hooked(f"cat >> {path}; echo >> {path}; until [ -e {self.path('go')} ]; do sleep 0.05; done"):
            wait_until(lambda: self.read("told").endswith("\n"), "the first call")
            for id in self.queue.add_many(f"{number}" for number in range(50)):
                self.queue.done(id)
            with open(self.path("go"), "w"):
                pass
        calls = [json.loads(line) for line in self.lines("told")]
        self.assertEqual([len(call["tasks"]) for call in calls], [1, 50])
        self.assertEqual(calls[1]["message"], "50 tasks ended: 50 done")
        self.assertEqual(self.said, [])

    def test_the_death_of_its_companion_is_said_and_changes_nothing(self) -> None:
        with self.hooked(f"echo $PPID > {self.path('pid')}; exec sleep {self.nap}") as found:
            pid = int(wait_until(lambda: self.read("pid"), "the hook"))
            os.kill(pid, signal.SIGKILL)
            look = found.beside(lambda _: None)
            wait_until(lambda: (look(False), self.said)[1], "the word")
        self.assertEqual(self.said, ["on_finish is told nothing any more: its process was killed"])
        for left in wait_until(lambda: running(self.nap), "the hook, which nobody ends now"):
            os.kill(left, signal.SIGKILL)


if __name__ == "__main__":
    unittest.main()
