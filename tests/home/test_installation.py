"""Copies of the package: as one file, as a directory, under any name, called from anywhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import unittest

from ..case import ROOT
from ..execution.case import LaunchCase


class Copies(LaunchCase):
    def test_one_file_with_all_of_it(self) -> None:
        self.txlite("pack", "tool.pyz")
        environment = {name: value for name, value in self.environment.items() if name != "PYTHONPATH"}
        packed = [sys.executable, "tool.pyz"]
        run = subprocess.run([*packed, "run", "--from", "-"], input=b"true\n", cwd=self.directory, env=environment,
                             capture_output=True, timeout=60)  # fmt: skip
        self.assertEqual(run.stdout.splitlines()[-1], b"1 done", run.stderr)
        launch = subprocess.run([*packed, "launch", "--wait", "task"], cwd=self.directory, env=environment,
                                capture_output=True, timeout=60)  # fmt: skip
        self.assertEqual(launch.returncode, 0, launch.stderr)
        self.assertTrue(any("# Worker Task Report" in prompt for prompt in self.calls(".stdin")))
        self.txlite("pack", "/nonexistent/tool.pyz", code=69)
        self.assertFalse(re.search(r"\.new", str(os.listdir(self.directory))))

    def test_bin_takes_nothing_from_the_working_directory(self) -> None:
        with open(self.path("select.py"), "w") as file:
            file.write("raise SystemExit('shadowed')")
        out = subprocess.run([os.path.join(ROOT, "bin", "txlite"), "--version"], cwd=self.directory, text=True,
                             env={**self.environment, "PYTHONPATH": ""}, capture_output=True)  # fmt: skip
        self.assertRegex(out.stdout, r"^txlite \d", out.stderr)


if __name__ == "__main__":
    unittest.main()
