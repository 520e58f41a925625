"""A table that fits a terminal: columns that say nothing are left out, then those that say least, until the others have
room; so no line wraps. Used for terminals alone; a pipe gets all of it (`table`)."""

from __future__ import annotations

from .. import text
from ..system.named_tuple import NamedTuple
from .terminal import colour, width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

GAP = 2  # columns between two


class Column(NamedTuple):
    """One column. Its cells are safe for a terminal."""

    heading: str
    cells: Sequence[str]
    rank: int = 0  # the higher, the sooner it is left out; 0 stays
    is_number: bool = False
    least: int = 0  # columns to which it may be cut; 0: it may not
    colours: Sequence[str] = ()  # for each cell a colour (SGR codes), or ""

    @property
    def natural(self) -> int:
        """How wide it is where there is room."""
        return max(map(text.columns, (self.heading, *self.cells)))

    @property
    def narrowest(self) -> int:
        """How wide it must be."""
        return min(self.natural, max(self.least, len(self.heading))) if self.least else self.natural


def print_fitted(columns: Sequence[Column], indent: str = "") -> None:
    """Print columns that stand on this terminal, below their headings, where they have any."""
    room = width() - len(indent)
    chosen = choose_columns(columns, room)
    widths = share_width(chosen, room)
    if any(column.heading for column in chosen):
        print(colour(indent + _line([(column, column.heading) for column in chosen], widths), "2"))
    for row in range(len(columns[0].cells)):
        cells = [(column, column.cells[row]) for column in chosen]
        codes = [column.colours[row] if column.colours else "" for column in chosen]
        print(indent + _line(cells, widths, codes))


def choose_columns(columns: Sequence[Column], room: int) -> list[Column]:
    """Return those that have room beside each other."""
    chosen = [column for column in columns if not column.rank or any(column.cells)]
    while _width_of([column.narrowest for column in chosen]) > room and any(column.rank for column in chosen):
        least = max(chosen, key=lambda column: column.rank)
        chosen.remove(least)
    return chosen


def share_width(columns: Sequence[Column], room: int) -> list[int]:
    """Return how wide each is: what is left when all have what they must have goes to the first in rank."""
    widths = [column.narrowest for column in columns]
    left = room - _width_of(widths)
    for place in sorted(range(len(columns)), key=lambda place: columns[place].rank):
        more = max(min(columns[place].natural - widths[place], left), 0)
        widths[place] += more
        left -= more
    return widths


def _width_of(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _line(cells: Sequence[tuple[Column, str]], widths: Sequence[int], codes: Sequence[str] = ()) -> str:
    parts = []
    for place, ((column, cell), room) in enumerate(zip(cells, widths)):
        words = text.shorten(cell, room)
        padding = " " * (room - text.columns(words))
        if place == len(cells) - 1 and not column.is_number:
            padding = ""
        painted = colour(words, codes[place]) if codes and codes[place] else words
        parts.append(padding + painted if column.is_number else painted + padding)
    return (" " * GAP).join(parts).rstrip()
