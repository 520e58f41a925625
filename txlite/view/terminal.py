"""The terminal: its width, its colours, and output that it can be trusted with.

It promises that `SafeOutput` lets nothing through that a terminal could act on, and that a reader who goes away stops
no work. Used by the rest of this room, and by the commands.
"""

from __future__ import annotations

import errno
import os
import sys

from .. import text
from ..errors import StoreUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


_lost: list[OSError] = []  # why stdout, or the file that it names, could not be written to its end


def size() -> os.terminal_size:
    """Return the terminal's columns and lines; 80 and 24 where it does not say."""
    import shutil

    columns, lines = shutil.get_terminal_size()
    return os.terminal_size((columns or 80, lines or 24))  # a terminal that does not know its size says 0


def width() -> int:
    """Return the terminal's width in columns; 80 where it does not say."""
    return size().columns


def room_for(others: int, least: int = 20, elsewhere: int = 100) -> int:
    """Return the columns that are left on a line beside so many others, at the least `least`; `elsewhere` where stdout
    is no terminal."""
    return max(width() - others, least) if sys.stdout.isatty() else elsewhere


def colour(cell: str, code: str) -> str:
    """Return `cell` with a colour (SGR codes, ECMA-48) on a terminal that may have one, by NO_COLOR (no-color.org)."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb":
        return cell
    return f"\x1b[{code}m{cell}\x1b[0m"


def say(line: str) -> None:
    """Print a line at once. When nobody reads any more, nothing more is printed, and the work goes on."""
    try:
        print(line, flush=True)
    except OSError as error:
        if error.errno != errno.EPIPE:
            _lost.append(error)
        mute()


def say_aside(line: str) -> None:
    """Print a line on stderr, beside what a command is asked for."""
    try:
        print(f"txlite: {text.printable(line)}", file=sys.stderr, flush=True)
    except OSError:
        pass  # nobody is left to tell; the exit code says it


def check_said() -> None:
    """Raise StoreUnavailable where something could not be written though somebody was there to read it."""
    if _lost:
        what = _lost[0].filename or "the output"
        raise StoreUnavailable(f"{what} could not be written: {_lost[0].strerror}: the work went on without it")


def note_lost(error: OSError) -> None:
    """Take note of why output could not be written: `check_said` tells it."""
    _lost.append(error)


def move_words() -> int:
    """Have all that is said to a person on stdout go to stderr, from now on; return a descriptor of stdout, for what is
    printed beside it; -1 where there is none."""
    if sys.stdout is None:
        return -1
    sys.stdout.flush()
    kept = os.dup(1)
    if sys.stderr is None:
        mute()
    else:
        os.dup2(2, 1)
    return kept


def mute() -> None:
    """Send stdout to nowhere: nobody reads it, and Python would try, and complain, once more at its exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def sleep_while_read(seconds: float) -> None:
    """Sleep. Raises BrokenPipeError as soon as nobody reads our output any more."""
    import select
    import time

    try:
        output = select.poll()
        output.register(sys.stdout.fileno(), 0)
        found = output.poll(seconds * 1000)
    except (OSError, ValueError):  # it is no file of the system's
        found = [(0, select.POLLNVAL)]
    if any(event & (select.POLLERR | select.POLLHUP) for _, event in found):
        raise BrokenPipeError(errno.EPIPE, "nobody reads our output")
    if found:  # a system that cannot tell of this kind of file
        time.sleep(seconds)


def output_writer(is_raw: bool) -> Callable[[bytes], None]:
    """Return what writes an agent's output to stdout, at once: byte for byte, or escaped as `SafeOutput` does."""
    return _write_raw if is_raw else SafeOutput().write


def _write_raw(data: bytes) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


class SafeOutput:
    """Standard output for what an agent wrote, with everything escaped that a terminal could act on."""

    def __init__(self) -> None:
        import codecs

        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def write(self, data: bytes) -> None:
        """Write what bytes of UTF-8 say, at once; a character that is cut off waits for its rest."""
        sys.stdout.write(text.printable_lines(self._decoder.decode(data)))
        sys.stdout.flush()
