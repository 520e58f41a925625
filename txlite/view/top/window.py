"""How lines are shared, and which of a pane's blocks stand on the screen: those around the one that is chosen."""

from __future__ import annotations

from ...system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .sight import Sight
    from .spans import Line


class Block(NamedTuple):
    """Lines that belong together, of one task or, without one, a heading."""

    task: str
    lines: list[Line]
    attempt: int = 0


def height_of(blocks: Sequence[Block]) -> int:
    """Return how many lines they take."""
    return sum(len(block.lines) for block in blocks)


def share(wanted: Sequence[int], room: int, favoured: int = -1) -> list[int]:
    """Return how many lines each gets of those that there are: no more than it wants, and else as many as the others;
    the favoured one twice as many."""
    shares = [0] * len(wanted)
    while room > 0 and shares != list(wanted):
        for place, most in enumerate(wanted):
            more = min(most - shares[place], 2 if place == favoured else 1, room)
            shares[place] += more
            room -= more
    return shares


def find_window(blocks: list[Block], sight: Sight, pane: str, room: int) -> list[Block]:
    """Return the blocks that have room, the last one cut if need be; in the pane that is looked at the chosen one is
    among them, and what stood there before stays where it was, if it can."""
    chosen = sight.chosen() if pane == sight.pane else None
    place = next((number for number, block in enumerate(blocks) if block.task == chosen), 0)
    sight.tops[pane] = top = _find_top(blocks, min(sight.tops.get(pane, 0), place), place, room)
    return _cut_to(blocks[top:], room)


def _find_top(blocks: list[Block], top: int, place: int, room: int) -> int:
    if place and top == place and not blocks[place - 1].task:
        top -= 1  # with the heading above it
    while top < place and height_of(blocks[top : place + 1]) > room:
        top += 1
    while top and height_of(blocks[top - 1 :]) <= room:
        top -= 1  # no room is left free below the last one
    return top


def _cut_to(blocks: list[Block], room: int) -> list[Block]:
    shown: list[Block] = []
    for block in blocks:
        if room <= 0:
            break
        shown.append(block if len(block.lines) <= room else block._replace(lines=block.lines[:room]))
        room -= len(block.lines)
    return shown
