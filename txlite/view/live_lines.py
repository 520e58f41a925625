"""Lines at the end of a terminal that are drawn anew in their place, below what is said for good.

It promises that nothing has to be put right when its process is killed at any moment: the cursor stands in the line
below, no mode of the terminal is changed, and no line is wider than the terminal. Used by `progress`.
"""

from __future__ import annotations

import sys

from .. import text
from ..system.named_tuple import NamedTuple
from .terminal import colour, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class LiveLine(NamedTuple):
    """A line, without anything that a terminal could act on, and its colour (SGR codes, ECMA-48)."""

    words: str
    colour: str = ""


class LiveLines:
    """What stands at the end of the terminal at this moment, if anything does."""

    def __init__(self) -> None:
        self._drawn: list[LiveLine] = []
        self._is_lost = False  # the terminal went away

    def say(self, line: str) -> None:
        """Write a line for good, above those that are drawn anew."""
        self._write(self._back(), f"{line}\x1b[K\n", *map(_paint, self._drawn), "\x1b[J")

    def draw(self, lines: Sequence[LiveLine], last: str = "") -> None:
        """Have these lines, and a last one, stand there instead of those that do."""
        if not lines and not last and not self._drawn:
            return
        columns = size().columns - 1
        back = self._back()
        shown = [*lines, LiveLine(last)] if last else lines
        self._drawn = [line._replace(words=text.shorten(line.words, columns)) for line in shown[: size().lines - 1]]
        self._write(back, *map(_paint, self._drawn), "\x1b[J")

    def _back(self) -> str:
        """What leads to the first of the lines that are drawn; a terminal that became narrower has wrapped them."""
        columns = max(size().columns, 1)
        rows = sum(max(-(-text.columns(line.words) // columns), 1) for line in self._drawn)
        return f"\r\x1b[{rows}A" if rows else "\r"

    def _write(self, *parts: str) -> None:
        if self._is_lost:
            return
        try:
            sys.stdout.write("".join(parts))
            sys.stdout.flush()
        except OSError:
            self._is_lost = True


def _paint(line: LiveLine) -> str:
    return f"{colour(line.words, line.colour) if line.colour else line.words}\x1b[K\n"
