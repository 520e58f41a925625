"""`cleanup` asks on a terminal, and takes only yes for yes."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import select
import signal
import subprocess
import termios
import unittest

from txlite.reports import archive, retention

from ..case import PATIENCE
from ..reports.case import ReportsCase


class Asking(ReportsCase):
    """On a terminal it asks; elsewhere it does not."""

    def on_a_terminal(self, answer: bytes | None, *arguments: str, code: int = 0) -> str:
        """What a cleanup shows whose user types this once it is asked."""
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        process = self.start("cleanup", *arguments, stdin=theirs, stdout=theirs, start_new_session=True)
        os.close(theirs)
        shown = self.watch(ours, answer)
        self.assertEqual(process.wait(60), code, shown)
        self.errors = process.stderr.read().decode()
        return shown.decode().replace("\r\n", "\n")

    def watch(self, ours: int, answer: bytes | None = None) -> bytes:
        """What is shown until nobody has the terminal any more; once it is asked, this is typed."""
        shown = b""
        while select.select([ours], [], [], PATIENCE)[0]:
            try:
                data = os.read(ours, 65536)
            except OSError:  # EIO: the other side is closed
                break
            if not data:
                break
            shown += data
            if answer and shown.endswith(b"[y/N] "):
                os.write(ours, answer)
                answer = None
        return shown

    def test_yes_and_everything_else(self) -> None:
        paths = [self.report(number, 8) for number in range(3)]
        paths += [self.report(number, 4) for number in range(10, 12)]
        before = self.files()
        for answer in (b"n\n", b"\x04", b"yea\n"):
            shown = self.on_a_terminal(answer)
            self.assertIn(
                "\ndelete 3 reports (2.6 KB), compress 2 (1.8 KB)\nDelete 3 and compress 2 reports? [y/N] ", shown
            )
            self.assertTrue(shown.endswith("\nnothing was changed\n"), shown)
            self.assertEqual(shown.count("workers/"), 5)
            self.assertEqual(self.files(), before)
        self.assertFalse(os.path.exists(os.path.join(self.home, retention.LOCK)))
        self.assertIn("\ndeleted 3 reports (2.6 KB), compressed 2 (saved ", self.on_a_terminal(b"Yes\n"))
        self.assertEqual([bool(archive.find(path)) for path in paths], [False] * 3 + [True] * 2)
        self.assertEqual(self.on_a_terminal(None), "nothing to clean up\n")

    def test_interrupted_at_the_question(self) -> None:
        self.report(1, 8)
        before = self.files()
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        process = self.start("cleanup", stdin=theirs, stdout=theirs)
        os.close(theirs)
        shown = b""
        while not shown.endswith(b"Delete 1 report? [y/N] "):
            shown += os.read(ours, 65536)
        for _ in range(12):  # one that comes just before the read begins is heard after the next
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
                break
        self.assertEqual(process.poll(), 130)
        self.assertEqual(self.files(), before)

    def test_many_are_not_all_shown_and_force_does_not_ask(self) -> None:
        for number in range(25):
            self.report(number, 8)
        shown = self.on_a_terminal(b"n\n")
        self.assertEqual((shown.count("workers/"), shown.count("and 5 more\n")), (20, 1))
        self.assertEqual(self.on_a_terminal(None, "--dry-run").count("would delete"), 25)
        self.assertRegex(self.on_a_terminal(None, "--force"), r"^deleted 25 reports \(22 KB\)\n$")

    def test_json_stays_json(self) -> None:
        path = self.report(1, 8)
        self.assertEqual([one["action"] for one in self.json("cleanup", "--dry-run")["files"]], ["delete"])
        for answer, deleted in ((b"n\n", 0), (b"y\n", 1)):
            ours, theirs = pty.openpty()
            settings = termios.tcgetattr(theirs)
            settings[3] &= ~termios.ECHO
            termios.tcsetattr(theirs, termios.TCSANOW, settings)
            os.write(ours, answer)
            process = self.start("cleanup", "--json", stdin=theirs, stdout=theirs)
            os.close(theirs)
            self.assertEqual(process.wait(60), 0)
            self.assertIn("Delete 1 report? [y/N] ", process.stderr.read().decode())
            self.assertEqual(json.loads(self.watch(ours))["deleted"], deleted)  # which may come in pieces
            os.close(ours)
        self.assertIsNone(archive.find(path))


if __name__ == "__main__":
    unittest.main()
