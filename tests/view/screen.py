"""A terminal for tests: a command's output, and what stands on the screen after it."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from typing import Any

from ..case import PATIENCE, Case

# What txlite sends: colours, "up N lines", "clear to the end" of the line or of the screen; and plain text.
_PARTS = re.compile(r"\x1b\[([\d;]*)([A-Za-z])|(\r|\n)|([^\x1b\r\n]+)")


class Terminal:
    """A command in a terminal of so many columns and lines. `process`: the command's."""

    def __init__(self, case: Case, *arguments: str, columns: int = 80, lines: int = 24, **options: Any) -> None:
        self._ours, theirs = pty.openpty()
        case.addCleanup(os.close, self._ours)
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.columns = columns
        self.sent = ""
        environment = {**case.environment, "TERM": "xterm", "NO_COLOR": "1"}
        for name in ("COLUMNS", "LINES"):
            environment.pop(name, None)
        self.process: subprocess.Popen[bytes] = case.start(
            *arguments, stdout=theirs, stderr=theirs, env=environment, **options
        )
        os.close(theirs)

    def read(self) -> str:
        """What stands there after what has been sent so far."""
        while select.select([self._ours], [], [], 0)[0]:
            try:
                data = os.read(self._ours, 1 << 16)
            except OSError:  # its last process has gone
                break
            self.sent += data.decode()
        return draw(self.sent)

    def wait_for(self, words: str) -> str:
        """Wait until these words, a regular expression, stand there; what does."""
        deadline = time.monotonic() + PATIENCE
        while not re.search(words, self.read(), re.M):
            assert time.monotonic() < deadline, f"waited in vain for {words!r} in\n{self.read()}"
            select.select([self._ours], [], [], 0.05)
        return self.read()

    def end(self) -> str:
        """Wait for the command's end; what stands there then."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"it goes on and on:\n{self.read()}"
            self.read()
            time.sleep(0.01)
        return self.read()


def draw(sent: str) -> str:
    """Return the lines that stand on a screen without an upper end; each as long as it is: what would wrap is seen."""
    lines, row, column = [""], 0, 0
    for codes, name, control, words in _PARTS.findall(sent):
        if name == "A":
            row = max(row - int(codes or 1), 0)
        elif name == "J":
            lines[row:] = [lines[row][:column]]
        elif name == "K":
            lines[row] = lines[row][:column]
        elif control == "\r":
            column = 0
        elif control == "\n":
            row += 1
            lines.extend([""] * (row + 1 - len(lines)))
        elif words:
            lines[row] = lines[row][:column].ljust(column) + words + lines[row][column + len(words) :]
            column += len(words)
    return "\n".join(lines)
