"""`say`: a person's word, told to an agent that runs and listens, and to each one that begins."""

from __future__ import annotations

import os
import sys
import time
import unittest
from unittest import mock

import txlite
from txlite.agents.open_input import OpenInput
from txlite.errors import Refused
from txlite.execution.conversation import EXPLAINED, HEADING, LIVE, PATIENCE, ROOM, Conversation, add_messages
from txlite.execution.saying import say
from txlite.model import Message
from txlite.store.messages import LONGEST
from txlite.system import clock

from ..case import Case, wait_until
from .case import Output

# Listens until there is a file `go`; then it ends, unless more was said meanwhile.
LISTENER = f"""#!{sys.executable}
import os, sys
from tests.stand_ins.claude import Claude
claude = Claude(sys.argv[1:])
with open("prompt", "w") as file:
    file.write(claude.read_prompt())
claude.begin()
while not os.path.exists("go"):
    words = claude.hear(0.02)
    if words:
        claude.answer("I hear: " + words, (10, 0, 1))
claude.finish("all done")
words = claude.hear(None)
if words:
    claude.begin()
    claude.finish("one more: " + words)
    claude.hear(None)
"""
READER = "[agent reader]\ncommand = sh -c 'cat > prompt-$TXLITE_TOKEN; test -e go'\n"


class Said(Case):
    def setUp(self) -> None:
        super().setUp()
        os.mkdir(self.path("stand"))
        with open(self.path("stand/claude"), "w") as file:
            file.write(LISTENER)
        os.chmod(self.path("stand/claude"), 0o755)
        self.environment["PATH"] = self.path("stand") + ":" + self.environment["PATH"]
        txlite.open(self.home).close()
        self.write_config(READER)

    def told(self, task: str) -> list[int | None]:
        return [one["attempt"] for one in self.json("show", task)["messages"]]

    def test_an_agent_that_listens_is_told_at_once(self) -> None:
        task = self.txlite("add", "-q", "a task").strip()
        for verb in ("run", "ralph"):
            more = ("--no-commit",) if verb == "ralph" else ()
            run = self.start(verb, "--agent", "claude", *more)
            wait_until(lambda: self.read("prompt"), "the agent")
            self.assertEqual(self.txlite("say", task, "use\tthe", "other\nlibrary"),
                             f"{task}: claude, which runs, is told now\n")  # fmt: skip
            heard = f"I hear: {LIVE}use\\tthe other\\nlibrary"
            wait_until(lambda: heard.replace("\\t", "\t").replace("\\n", "\n") in self.txlite("logs", task), "the word")
            self.assertIn("[a person said: use\\tthe other\\nlibrary]\n", self.txlite("logs", task))
            with open(self.path("go"), "w"):
                pass
            began = time.monotonic()
            self.assertEqual(run.wait(60), 0, run.stderr.read())
            self.assertLess(time.monotonic() - began, 30, "its input ends with its work")
            self.assertEqual(self.json("show", task)["status"], "done")
            if verb == "run":
                self.txlite("reset", task)
                for name in ("go", "prompt"):
                    os.unlink(self.path(name))
        self.assertIn(HEADING, self.read("prompt"))
        first, second = (one["attempt"] for one in self.json("show", task)["attempts"])
        self.assertEqual(self.told(task), [first, second])

    def test_who_begins_is_told_all_that_was_said(self) -> None:
        task = self.txlite("add", "-q", "a task").strip()
        self.assertEqual(self.txlite("say", task, "first"), f"{task}: its next attempt is told\n")
        said = self.json("say", task, "-", stdin=b"second\n  thing\n")
        self.assertEqual((said["words"], said["attempt"]), ("second\n  thing\n", None))
        self.assertEqual(self.txlite("show", task).count("waits for the next attempt"), 2)
        self.txlite("run", "--agent", "reader", "--max-attempts", "1", code=1)
        self.txlite("say", task, "third")
        self.txlite("reset", task)
        with open(self.path("go"), "w"):
            pass
        self.txlite("run", "--agent", "reader")
        first, second = (one["attempt"] for one in self.json("show", task)["attempts"])
        self.assertEqual(self.told(task), [first, first, second])
        words = self.read(f"prompt-{second}")
        self.assertIn(f"a task\n\n{HEADING}\n\n{EXPLAINED}\n\n- ", words)
        for part in (": first\n", ": second\n    thing\n", ": third\n"):
            self.assertIn(part, words)
        self.assertNotIn("third", self.read(f"prompt-{first}"))

    def test_what_nobody_would_read_is_refused(self) -> None:
        command, task = (self.txlite("add", "-q", *words).strip() for words in (("--", "true"), ("a task",)))
        self.txlite("say", command, "hello", code=1)
        self.assertIn("is a command, which nobody can tell anything", self.errors)
        self.txlite("say", task, " ", code=64)
        self.assertIn("the message is empty", self.errors)
        self.txlite("say", task, "-", code=64, stdin=b"x" * 10_001)
        self.assertIn("the message has 10,001 characters and agents are told 10,000 at most: put", self.errors)
        self.txlite("say", task, code=64)
        self.txlite("say", "tx-none", "hello", code=2)
        self.txlite("say", task, "hello", code=1, env={**self.environment, "TXLITE_TASK": task})
        self.assertIn(f"a person's word, and this is an attempt of {task}", self.errors)
        self.txlite("done", task)
        self.txlite("say", task, "hello", code=1)
        self.assertIn(f"is done, and no agent will read it: `txlite reset {task}`", self.errors)
        self.assertEqual(self.told(task), [])

    def test_who_says_something_as_the_task_ends_learns_that_nobody_has_read_it(self) -> None:
        with self.store() as store:
            task = store.add("a task").id
            add = store.messages.add
            store.messages.add = lambda *words: (add(*words), store.done(task))[0]  # type: ignore[method-assign]
            with self.assertRaisesRegex(Refused, f"is done by now, and no agent has read it: `txlite reset {task}`"):
                say(store, task, "hello")
            self.assertEqual([one.words for one in store.messages.waiting(task)], ["hello"])


class InAPrompt(unittest.TestCase):
    """What was said is in a prompt, as far as there is room for it."""

    def told(self, *words: str) -> list[str]:
        """What stands behind the prompt for messages of these words, a line each."""
        messages = [Message(number, "tx-a", "2026-11-28T20:00:00Z", said, None) for number, said in enumerate(words)]
        prompt = add_messages("the task\n", messages)
        self.assertTrue(prompt.startswith(f"the task\n\n{HEADING}\n\n{EXPLAINED}\n\n- "))
        return prompt.split("\n")[6:-1]

    def test_the_last_are_told_and_how_many_there_were_before(self) -> None:
        self.assertEqual(add_messages("the task\n", []), "the task\n")
        lines = self.told(*(f"said {number}" for number in range(25)))
        self.assertEqual((lines[0], len(lines)), ("- 5 earlier messages: `txlite show tx-a`", 21))
        self.assertTrue(lines[1].endswith(": said 5") and lines[-1].endswith(": said 24"))
        lines = self.told(*("é" * LONGEST for _ in range(5)))
        self.assertEqual((lines[0], len(lines)), ("- 4 earlier messages: `txlite show tx-a`", 2))
        self.assertEqual(len(self.told("x" * ROOM)), 1, "the last one always")


class Listening(Case):
    """What is said to an agent that listens, and when its input ends."""

    def setUp(self) -> None:
        super().setUp()
        self.queue = txlite.open(self.home)
        self.addCleanup(self.queue.close)
        self.task = self.queue.add("a task").id
        self.input, self.report = OpenInput(), Output()
        self.input.say("the prompt")
        self.reading = self.input.open()
        os.set_blocking(self.reading, False)  # an input that is still open raises an error
        self.addCleanup(os.close, self.reading)
        self.conversation = Conversation(self.queue, self.task, 7, self.report, self.input)
        self.addCleanup(self.conversation.end)

    def read(self, name: str = "") -> str:
        return os.read(self.reading, 1 << 20).decode()

    def test_what_is_said_as_it_ends_has_it_go_on(self) -> None:
        self.assertIn("the prompt", self.read())
        self.queue.messages.add(self.task, "wait")
        self.assertTrue(self.conversation.end_turn())
        self.assertIn(LIVE + "wait", self.read())
        self.assertFalse(self.conversation.end_turn())
        self.assertEqual(self.read(), "", "its input has ended")
        self.queue.messages.add(self.task, "too late")
        self.conversation.listen()
        self.assertEqual([one.attempt for one in self.queue.messages.of(self.task)], [7, None])

    def test_one_that_reads_to_the_end_first_gets_it(self) -> None:
        self.read()
        self.conversation.listen()
        now = time.monotonic()
        with mock.patch.object(clock, "monotonic", lambda: now + PATIENCE + 1):
            self.conversation.listen()
        self.assertEqual(self.read(), "")

    def test_one_that_answers_is_waited_for(self) -> None:
        self.conversation.is_answering = True
        now = time.monotonic()
        with mock.patch.object(clock, "monotonic", lambda: now + PATIENCE + 1):
            self.conversation.listen()
        self.assertTrue(self.input.is_open)

    def test_more_than_a_pipe_takes(self) -> None:
        words = "x" * (3 << 20)
        self.input.say(words)
        self.input.close()
        self.assertFalse(self.input.is_open)
        got = b""
        while True:
            self.input.flush()
            data = os.read(self.reading, 1 << 16)
            if not data:
                break
            got += data
        self.assertEqual(got.count(b"\n"), 2)
        self.assertIn(words.encode(), got)

    def test_one_that_is_gone_and_one_that_is_started_again(self) -> None:
        again = self.input.open()
        self.assertIn(b"the prompt", os.read(again, 1 << 20))
        os.close(again)
        self.input.say("nobody reads this")
        self.input.close()


if __name__ == "__main__":
    unittest.main()
