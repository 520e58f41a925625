"""What `doctor` found, a line and its advice for each.

Used by the command `doctor`.
"""

from __future__ import annotations

from ..text import printable
from .terminal import colour, width

COLOURS = {"ok": "32", "limited": "33", "broken": "31"}  # by level
LEVEL_WIDTH, NAME_WIDTH = 9, 13
NARROWEST = 30  # columns for words


def print_finding(level: str, name: str, found: str, advice: str) -> None:
    """Print aligned columns, wrapped to the terminal's width; what to do on lines of its own."""
    margin = " " * (LEVEL_WIDTH + NAME_WIDTH)
    first, *others = _wrap(found, len(margin))
    coloured = colour(level, COLOURS[level]) + " " * (LEVEL_WIDTH - len(level))
    print(f"{coloured}{name:<{NAME_WIDTH}}{first}", flush=True)
    to_do = _wrap(advice, len(margin) + 2)
    for line in [*others, *(("  " if place else "> ") + line for place, line in enumerate(to_do))]:
        print(margin + line)


def _wrap(words: str, margin: int) -> list[str]:
    import textwrap

    room = max(width() - margin - 1, NARROWEST)
    return textwrap.wrap(printable(words), room, break_long_words=False, break_on_hyphens=False)
