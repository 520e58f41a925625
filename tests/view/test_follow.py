"""`logs` and `status`: what is seen of an attempt while it runs and afterwards."""

from __future__ import annotations

import json
import os
import shutil
import unittest
from typing import Any
from unittest import mock

import txlite
from txlite.errors import StoreLost
from txlite.execution.stopping import end_of, find_target, wait_for
from txlite.model import Lane
from txlite.reports.header import Header
from txlite.reports.report import Report
from txlite.system import clock
from txlite.view.follow import follow

from ..case import Case, wait_until
from ..execution.case import LaunchCase
from .screen import Terminal


class Logs(LaunchCase):
    def test_following_from_the_start_to_the_end(self) -> None:
        launched = self.launch("task", then="while test ! -e go; do sleep 0.05; done; echo '\033[31mred'; echo last")
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

    def test_a_task_of_the_queue(self) -> None:
        again = "test -e second || { touch second; until test -e go; do sleep 0.05; done; exit 1; }"
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

    def test_where_the_home_goes_nobody_waits_any_longer(self) -> None:
        task = self.store().add("never run", command="true").id
        with txlite.open(self.home, read_only=True) as store:
            target = find_target(store, task)
            os.rename(self.home, self.home + ".gone")
            with self.assertRaisesRegex(StoreLost, "tasks.db was deleted or replaced .*: nothing is there now"):
                wait_for(store, [target], 1)
            os.mkdir(self.home)
            shutil.copy(os.path.join(self.home + ".gone", "tasks.db"), self.home)
            with self.assertRaisesRegex(StoreLost, "what is there now is another one's"):
                follow(store, target, lambda data: None, look=mock.Mock(side_effect=[None] * 3))

    def test_a_task_that_is_tried_again_while_nobody_looks_is_followed_all_the_same(self) -> None:
        store = self.store()
        directory = os.path.join(self.home, "workers")
        os.makedirs(directory)

        def begin() -> int:
            return store.assignments.claim_next("somebody", [Lane("command")], "shell").claim.token

        def end(token: int, words: bytes, outcome: Any) -> None:
            report = Report(directory, clock.stamp(), Header(task, "", token, "shell", clock.now(), "/", "true"))
            report.write(words)
            store.assignments.finish(token, report.finish(txlite.Result(outcome), token), 9)

        def end_both(*_: object) -> None:
            if begun:
                end(begun.pop(), first, "lost")
                end(begin(), b"the second\n", "done")

        asked: list[bool] = []

        def look_at_the_end(*arguments: Any) -> Any:
            if asked:  # the first one is followed by then
                end_both()
            asked.append(True)
            return end_of(*arguments)

        for first, look in ((b"the first\n", end_both), (b"", lambda _: None)):
            task = store.add("of two attempts", command="true").id
            told: list[bytes] = []
            begun = [begin()]
            seen = end_of if first else look_at_the_end
            with mock.patch("txlite.view.follow.end_of", seen):
                ended = follow(store, find_target(store, task), told.append, look=look)
            self.assertEqual((b"".join(told), ended.state), (first + b"the second\n", "done"))

    def test_following_through_the_cap_loses_nothing_that_it_saw(self) -> None:
        os.mkdir(self.home)
        self.write_config("[txlite]\noutput_cap = 4K\n")
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

    def test_logs_of_what_never_stops_writing(self) -> None:
        os.mkdir(self.home)
        self.write_config("[txlite]\noutput_cap = 64K\n")
        launched = self.launch("--agent", "shell", "yes")
        wait_until(lambda: os.path.getsize(launched["report"]) > 60_000, "output")
        self.assertIn("y\ny\n", self.txlite("logs", launched["id"]))


EVENTS: tuple[dict[str, Any], ...] = (
    {"type": "system", "subtype": "init", "session_id": "5e55", "model": "fable", "cwd": "/w"},
    {"type": "assistant", "message": {"content": [{"type": "text", "text": "I look."}]}},
    {"type": "assistant", "message": {"content": [
        {"type": "tool_use", "id": "t1", "name": "Edit", "input": {"file_path": "/w/a.py", "new_string": "x"}}]}},
    {"type": "user", "message": {"content": [{"type": "tool_result", "tool_use_id": "t1", "content": "done"}]}},
    {"type": "result", "subtype": "success", "is_error": False, "result": "I look.", "num_turns": 3,
     "total_cost_usd": 0.25, "usage": {"input_tokens": 1200, "output_tokens": 30}},
)  # fmt: skip


class Events(LaunchCase):
    """`logs` of an agent that writes events."""

    def setUp(self) -> None:
        super().setUp()
        self.lines = [json.dumps(event) for event in EVENTS]
        halves = ("\n".join(self.lines[:3]), "\n".join(self.lines[3:]))
        for number, words in enumerate(halves):
            with open(self.path(f"events-{number}"), "w") as file:
                file.write(words + "\n")
        with open(self.path("path/claude"), "w") as file:
            file.write("#!/bin/sh\ncat events-0; until test -e go; do sleep 0.05; done; cat events-1\n")

    def go(self) -> None:
        with open(self.path("go"), "w"):
            pass

    def test_in_words_and_as_it_came(self) -> None:
        launched = self.launch("--agent", "claude", "a task")
        words, raw = (self.start("logs", "-f", *more, launched["id"]) for more in ((), ("--raw",)))
        seen = [words.stdout.readline().decode() for _ in range(3)]
        self.assertEqual(seen, ["[model fable, session 5e55]\n", "I look.\n", "\u2192 Edit: /w/a.py\n"])
        self.assertEqual([raw.stdout.readline().decode().rstrip() for _ in range(3)], self.lines[:3])
        self.assertEqual(self.txlite("logs", "--raw", launched["id"]).splitlines(), self.lines[:3])
        self.go()
        self.assertEqual(
            words.communicate(timeout=60)[0].decode(),
            "    done\nI look.\n[ended: 3 turns, $0.25]\n",
        )
        self.assertEqual(raw.communicate(timeout=60)[0].decode().splitlines(), self.lines[3:])
        self.assertEqual((words.returncode, raw.returncode), (0, 0))
        self.assertEqual(self.txlite("logs", "--raw", launched["id"]).splitlines(), self.lines)
        self.txlite("cleanup", "--compress-age", "0")
        self.assertEqual(os.listdir(os.path.join(self.home, "events")), [f"{launched['attempt']}.jsonl.gz"])
        self.assertEqual(self.txlite("logs", "--raw", launched["id"]).splitlines(), self.lines)
        self.txlite("cleanup", "--age", "0")
        self.assertEqual(os.listdir(os.path.join(self.home, "events")), [])
        self.assertIn("I look.", self.txlite("logs", "--raw", launched["id"]))
        self.assertIn("moved or deleted", self.errors)

    def test_what_it_has_done_so_far(self) -> None:
        launched = self.launch("--agent", "claude", "a task")
        shown = Terminal(self, "logs", "-f", launched["id"])
        shown.wait_for(r"^\u2192 Edit: /w/a.py$")
        shown.wait_for(r"^\[\d+s\]$")
        self.assertEqual(self.json("logs", launched["id"])["changed"], [])
        self.go()
        words = "3 turns, 1.2k tokens in, 30 out, $0.25, changed a.py"
        self.assertEqual(shown.end().splitlines()[-2:], ["[ended: 3 turns, $0.25]", f"[{words}]"])
        found = self.json("logs", launched["id"])
        self.assertEqual((found["changed"], found["usage"]["cost"]), (["a.py"], 0.25))
        again = Terminal(self, "logs", launched["id"]).end()
        self.assertIn(f"[ended: 3 turns, $0.25]\ntxlite: {words}\n", again + "\n")


class Silent(Case):
    def test_who_neither_writes_nor_computes_is_shown_to_be_silent(self) -> None:
        txlite.open(self.home).close()
        self.write_config("[agent idle]\ncommand = sh {prompt}\nprompt = file\n")
        os.mkdir(os.path.join(self.home, "templates"))
        with open(os.path.join(self.home, "templates", "ralph-task.md"), "w") as file:
            file.write("{{TASK_TITLE}}\n")
        script = "echo hello; until test -e go; do read x < fifo; done; echo again; until test -e end; do echo; done"
        os.mkfifo(self.path("fifo"))
        task = self.txlite("add", "-q", script).strip()
        loop = self.start("ralph", "--agent", "idle", "--no-commit", "--stall", "20s")

        def current() -> Any:
            return self.json("list")[0]["currentAttempt"] or {}

        wait_until(lambda: current().get("silentSince"), "silence")
        self.assertRegex(self.txlite("list"), r"silent for \d+s")
        self.assertRegex(self.txlite("show", task), r"running, .*silent for \d+s")
        self.assertTrue(self.json("status")[0]["silentSince"])
        open(self.path("go"), "w").close()
        with open(self.path("fifo"), "w") as fifo:
            fifo.write("\n")
        wait_until(lambda: not current()["silentSince"], "life")
        open(self.path("end"), "w").close()
        self.assertEqual(loop.wait(60), 0)


class Status(LaunchCase):
    def test_status_filters(self) -> None:
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


if __name__ == "__main__":
    unittest.main()
