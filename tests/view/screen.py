"""A terminal for tests: a command's output, and what stands on the screen after it."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from typing import Any

from txlite import text

from ..case import PATIENCE, Case

# What txlite sends: colours, "up N lines", "clear to the end" of the line or of the screen; and plain text.
_PARTS = re.compile(r"\x1b\[([\d;]*)([A-Za-z])|(\r|\n)|([^\x1b\r\n]+)")
_TORN = re.compile(r"\x1b(?:[()]|\[\??[\d;]*)?\Z")  # of a sequence, the rest of which is yet to come


class Terminal:
    """A command in a terminal of so many columns and lines. `process`: the command's."""

    def __init__(self, case: Case, *arguments: str, columns: int = 80, lines: int = 24, **options: Any) -> None:
        self._ours, theirs = pty.openpty()
        case.addCleanup(os.close, self._ours)
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.columns = columns
        self.sent = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")()  # what is read may end within a character
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
            self.sent += self._decoder.decode(data)
        return draw(_TORN.sub("", self.sent))

    def wait_for(self, words: str) -> str:
        """Wait until these words, a regular expression, stand there; what does. What stands below them may be older:
        a terminal is read while it is drawn on."""
        deadline = time.monotonic() + PATIENCE
        while not re.search(words, shown := self.read(), re.M):
            assert time.monotonic() < deadline, f"waited in vain for {words!r} in\n{shown}"
            select.select([self._ours], [], [], 0.05)
        return shown

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


# What is sent to a vt100 that is drawn on as a whole (ECMA-48, and VT100's own): where to go, what to clear; the rest
# (attributes, keypad, character sets, regions) changes no text.
_WHOLE = re.compile(r"\x1b\[(\??[\d;]*)([A-Za-z])|\x1b[()][AB012]|\x1b([=>78DEM])|([\r\n\b\x0e\x0f\x07\x00])|([^\x1b])")


def draw_whole(sent: str, columns: int, lines: int) -> list[str]:
    """The lines that stand on a vt100 of this size; the second half of a wide character is ""."""
    cells = [[" "] * columns for _ in range(lines)]
    row = column = 0
    upper, lower = 0, lines - 1  # of the region that scrolls
    for codes, name, single, control, word in _WHOLE.findall(sent):
        numbers = [int(code) for code in codes.split(";") if code.isdigit()]
        first = numbers[0] if numbers else 0
        if name in ("H", "f"):
            row, column = max(first, 1) - 1, max(numbers[1], 1) - 1 if len(numbers) > 1 else 0
        elif name in ("A", "B"):
            row += max(first, 1) * (1 if name == "B" else -1)
        elif name in ("C", "D"):
            column += max(first, 1) * (1 if name == "C" else -1)
        elif name == "K":
            start, end = (0, column + 1) if first == 1 else (column, columns)
            cells[row][start:end] = [" "] * (end - start)
        elif name == "J":
            cells[row][column:] = [" "] * (columns - column)
            cells[row + 1 :] = [[" "] * columns for _ in cells[row + 1 :]]
        elif name == "r":
            upper, lower = (numbers[0] - 1, numbers[1] - 1) if len(numbers) > 1 else (0, lines - 1)
            row = column = 0
        elif single == "M" and row == upper:
            cells.insert(upper, [" "] * columns)
            del cells[lower + 1]
        elif single == "M":
            row -= 1
        elif control == "\r":
            column = 0
        elif control == "\b":
            column -= 1
        elif control == "\n" and row == lower:
            cells.insert(lower + 1, [" "] * columns)
            del cells[upper]
        elif control == "\n":
            row += 1
        elif word:
            width = text.columns(word)
            cells[row][column : column + width] = [word, ""][:width]
            column = min(column + width, columns - 1)
        row, column = min(max(row, 0), lines - 1), max(column, 0)
    return ["".join(line).rstrip() for line in cells]


def can_draw() -> bool:
    """Whether this Python has curses, and this system knows the terminals that tests are."""
    words = "import curses; curses.setupterm('vt100', 1)"
    return subprocess.run([sys.executable, "-S", "-c", words], capture_output=True, check=False).returncode == 0


class WholeTerminal:
    """A command that draws on all of a vt100. `process`: the command's."""

    def __init__(
        self, case: Case, *arguments: str, columns: int = 80, lines: int = 24, cwd: str = "", **environment: str
    ) -> None:
        self._ours, self.theirs = pty.openpty()
        case.addCleanup(self.hang_up)
        case.addCleanup(os.close, self.theirs)
        self.sent = b""
        self.resize(columns, lines)
        self.before = termios.tcgetattr(self.theirs)
        settings = {**case.environment, "TERM": "vt100", "LC_ALL": "C.UTF-8", **environment}
        for name in ("COLUMNS", "LINES"):
            settings.pop(name, None)
        self.process: subprocess.Popen[bytes] = case.start(
            *arguments,
            stdin=self.theirs,
            stdout=self.theirs,
            stderr=self.theirs,
            env=settings,
            cwd=cwd or case.directory,
        )

    def resize(self, columns: int, lines: int) -> None:
        """Have another size; who draws must be told by SIGWINCH, since it has no terminal that controls it."""
        self.columns, self.lines = columns, lines
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def hang_up(self) -> None:
        """Be a terminal no longer."""
        if self._ours >= 0:
            os.close(self._ours)
            self._ours = -1

    def press(self, keys: str) -> None:
        """Type something."""
        os.write(self._ours, keys.encode())

    def read(self) -> str:
        """What stands there after what has been sent so far."""
        while select.select([self._ours], [], [], 0)[0]:
            self.sent += os.read(self._ours, 1 << 16)
        sent = self.sent.decode(errors="ignore")  # which may end within a character
        return "\n".join(draw_whole(_TORN.sub("", sent), self.columns, self.lines))

    def wait_for(self, words: str) -> None:
        """Wait until these words, a regular expression, stand there."""
        deadline = time.monotonic() + PATIENCE
        while not re.search(words, shown := self.read(), re.M):
            assert time.monotonic() < deadline, f"waited in vain for {words!r} in\n{shown}"
            assert self.process.poll() is None, f"it ended with {self.process.poll()}:\n{shown}"
            select.select([self._ours], [], [], 0.05)

    def end(self) -> int:
        """Wait for the command's end; its exit code."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"it goes on and on:\n{self.read()}"
            self.read()
            time.sleep(0.01)
        self.read()
        return self.process.returncode
