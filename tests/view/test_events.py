"""`events`: each change once and in order, from a number on, as it comes; and how following one ends."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import unittest
from typing import Any
from unittest import mock

from txlite.errors import StoreUnavailable
from txlite.model import Lane
from txlite.view import event_stream

from ..case import Case, wait_until


class Events(Case):
    def told(self, *arguments: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.txlite("events", "--json", *arguments).splitlines()]

    def follow(self, *arguments: str) -> Any:
        """Start a reader; it has begun once it says so by what is in its file `told`."""
        with open(self.path("told"), "wb") as file:
            return self.start("events", "--follow", "--json", *arguments, stdout=file)

    def numbers(self) -> list[int]:
        """Of the lines that it has told so far."""
        return [json.loads(line)["id"] for line in self.read("told").splitlines()]

    def test_each_change_from_a_number_on(self) -> None:
        store = self.store()
        one, two = store.add_many([{"title": "first", "command": "exit 3"}, "second"])
        assignment = store.assignments.claim_next("w", [Lane("command")], "shell")
        assert assignment
        store.update(two, status="failed")
        self.txlite("delete", two)
        told = self.told("--since", "0")
        self.assertEqual([(line["id"], line["task"], line["from"], line["to"]) for line in told], [
            (1, one, None, "backlog"), (2, two, None, "backlog"), (3, one, "backlog", "active"),
            (4, two, "backlog", "failed"), (5, two, "failed", None),
        ])  # fmt: skip
        self.assertEqual((told[0]["title"], told[1]["title"], told[2]["attempt"]), ("first", None, 1))
        self.assertEqual(self.told("--since", "3"), told[3:])
        self.assertEqual(self.told("--since", "1", "--limit", "2"), told[1:3])
        self.assertEqual(self.told("--limit", "2"), told[3:])
        self.assertEqual(self.told("--since", "5"), [])
        self.assertRegex(self.txlite("events", "--limit", "1"), rf"^ +5  \S+  {two}  failed -> \(deleted\)\n$")
        self.txlite("events", "--since", "6", code=2)
        self.assertIn("the newest is 5", self.errors)

    def test_the_end_of_an_attempt_tells_how(self) -> None:
        self.txlite("run", "--max-attempts", "1", "--", "exit 3", code=1)
        end = self.told()[-1]
        self.assertEqual((end["from"], end["to"], end["outcome"], end["exitCode"]), ("active", "failed", "failed", 3))
        self.assertTrue(os.path.exists(os.path.join(self.home, end["report"])))
        self.assertRegex(end["run"], "^run-")
        self.assertIn("active -> failed", self.txlite("events"))
        self.assertIn("(failed, exit 3)  exit 3", self.txlite("events"))

    def test_following_waits_for_a_database_and_is_ended_by_ctrl_c(self) -> None:
        reader = self.follow()
        self.assertIn(b"waiting for it", reader.stderr.readline())
        store = self.store()
        for number in (1, 2, 3):
            store.add(f"task {number}")
            wait_until(lambda number=number: self.numbers()[-1:] == [number], "the line")
        reader.send_signal(signal.SIGINT)
        self.assertEqual(reader.wait(60), 130)
        self.assertEqual(self.numbers(), [1, 2, 3])
        self.assertEqual(reader.stderr.read(), b"txlite: interrupted\n")

    def test_following_begins_now_ends_at_a_limit_or_with_its_reader(self) -> None:
        store = self.store()
        store.add("before")
        reader = self.start("events", "-f", "--limit", "2")
        from_the_first = self.start("events", "-f", "--since", "0")
        self.assertIn(b"before", from_the_first.stdout.readline())
        from_the_first.stdout.close()
        self.assertEqual(from_the_first.wait(60), 128 + signal.SIGPIPE)  # though nothing came any more
        wait_until(lambda: (store.add("now"), reader.poll() is not None)[1], "its end")
        first, second = (int(line.split()[0]) for line in reader.stdout.read().splitlines())
        self.assertEqual((first > 1, second), (True, first + 1))

    def test_a_database_that_is_replaced_ends_it(self) -> None:
        self.store().add("one")
        reader = self.follow("--since", "0")
        wait_until(self.numbers, "the first line")
        shutil.copy(self.home + "/tasks.db", self.path("other"))
        os.replace(self.path("other"), self.home + "/tasks.db")
        self.assertEqual(reader.wait(60), 69)
        self.assertIn(b"was deleted or replaced while it was in use", reader.stderr.read())
        self.assertEqual(self.numbers(), [1])

    def test_a_database_that_cannot_be_read_for_a_moment_is_waited_for(self) -> None:
        store = self.store()
        ids = store.add_many(["one", "two"])
        fails = [StoreUnavailable("busy"), StoreUnavailable("busy")]
        since = store.history.since

        def read(*arguments: int) -> Any:
            if fails:
                raise fails.pop()
            return since(*arguments)

        with contextlib.ExitStack() as stack:
            out, error = (stack.enter_context(one(io.StringIO())) for one in (
                contextlib.redirect_stdout, contextlib.redirect_stderr))  # fmt: skip
            stack.enter_context(mock.patch("txlite.view.event_stream.open_store", lambda *_, **__: store))
            stack.enter_context(mock.patch.object(store.history, "since", read))
            event_stream.EventStream(0, 2, True).follow(self.home)
        self.assertEqual([json.loads(line)["task"] for line in out.getvalue().splitlines()], ids)
        self.assertEqual(error.getvalue(), "txlite: busy: trying again for 60 s\n")


if __name__ == "__main__":
    unittest.main()
