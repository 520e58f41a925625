"""Cycles in a directed graph that may be large. Used by `merging`."""

from __future__ import annotations

from array import array
from bisect import bisect_left

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def find_cycle(edges: Iterable[tuple[int, int]]) -> list[int]:
    """Return a way that leads back to its beginning, or nothing; `edges` in the order of their first ends.

    Each node is walked through once. Memory: some 30 bytes an edge.
    """
    nodes, starts, targets = _read(edges)
    ends = starts[1:]
    ends.append(len(targets))
    on_way, is_over = bytearray(len(nodes)), bytearray(len(nodes))
    for root in range(len(nodes)):
        way = [] if is_over[root] else [root]
        while way:
            place = way[-1]
            on_way[place] = 1
            if starts[place] == ends[place]:
                on_way[place], is_over[place] = 0, 1
                way.pop()
                continue
            target = targets[starts[place]]
            starts[place] += 1  # what was tried
            following = bisect_left(nodes, target)
            if following == len(nodes) or nodes[following] != target or is_over[following]:
                continue
            if on_way[following]:
                return [nodes[each] for each in way[way.index(following) :]]
            way.append(following)
    return []


def _read(edges: Iterable[tuple[int, int]]) -> tuple[array[int], array[int], array[int]]:
    """The nodes with edges, ascending; where the edges of each begin; where they lead."""
    nodes, starts, targets = array("q"), array("q"), array("q")
    for node, target in edges:
        if not nodes or nodes[-1] != node:
            nodes.append(node)
            starts.append(len(targets))
        targets.append(target)
    return nodes, starts, targets
