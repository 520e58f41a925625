"""Which of a pane's blocks stand on the screen: those around the one that is chosen."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .panes import Block
    from .sight import Sight


def height_of(blocks: Sequence[Block]) -> int:
    """Return how many lines they take."""
    return sum(len(block.lines) for block in blocks)


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
