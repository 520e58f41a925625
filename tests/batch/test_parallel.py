"""A few lines that are written for GNU parallel, run with it and with `txlite run` on the same files."""

from __future__ import annotations

import os
import shutil
import sys
import unittest

from ..case import ROOT, Case

sys.path.insert(0, os.path.join(ROOT, "tests", "campaigns"))
import parallel

TYPED = (
    "parallel -k -N2 cp {1} {2} ::: abc copy1 def copy2",
    "cd nasty && parallel -0 'cat -- {} > ../{/.}.out' ::: *",
)


@unittest.skipUnless(shutil.which("parallel") and shutil.which("bash"), "GNU parallel is not installed")
class SideBySide(Case):
    def test_the_same_comes_out(self) -> None:
        lines = tuple(line for line in parallel.LINES if line.typed in TYPED)
        self.assertEqual(len(lines), len(TYPED))
        self.assertEqual(parallel.compare(lines, self.directory, show=False), [])


if __name__ == "__main__":
    unittest.main()
