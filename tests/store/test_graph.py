"""Circles of dependencies are found, whatever the graph."""

from __future__ import annotations

import random
import unittest

from txlite.store.graph import find_cycle


class Cycles(unittest.TestCase):
    def test_by_chance(self) -> None:
        source = random.Random(3)
        for _ in range(300):
            size = source.randrange(2, 9)
            pairs = [source.sample(range(size), 2) for _ in range(source.randrange(2 * size))]
            edges = sorted({(pair[0], pair[1]) for pair in pairs})
            found = find_cycle(iter(edges))
            if found:
                self.assertTrue(set(zip(found, [*found[1:], found[0]])) <= set(edges))
            else:
                rest = set(edges)
                while any(rest):
                    ends = {target for _, target in rest} - {node for node, _ in rest}
                    self.assertTrue(ends, f"there is a cycle in {edges}")
                    rest = {edge for edge in rest if edge[1] not in ends}


if __name__ == "__main__":
    unittest.main()
