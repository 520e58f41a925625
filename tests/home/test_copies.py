"""A copied package works under any name, and bin/ finds it from where it lies."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import unittest

from ..case import ROOT, Case


class Names(Case):
    def copy(self, name: str, to: str) -> None:
        """Without what others compile there meanwhile."""
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(os.path.join(ROOT, name), self.path(to), ignore=ignored)

    def test_a_copied_package_works_under_any_name(self) -> None:
        self.copy("txlite", "vendored")
        out = subprocess.run(
            [sys.executable, "-m", "vendored", "run", "--from", "-"], input=b"echo hello\n", check=True,
            cwd=self.directory, env={**self.environment, "PYTHONPATH": self.directory}, capture_output=True,
        ).stdout  # fmt: skip
        self.assertIn(b"1 done", out)

    def test_the_launcher_in_bin_finds_the_package(self) -> None:
        os.mkdir(self.path(".tools"))
        for name in ("txlite", "bin"):
            self.copy(name, f".tools/{name}")
        os.symlink(self.path(".tools/bin/txlite"), self.path("link"))
        del self.environment["PYTHONPATH"]
        for command in (".tools/bin/txlite", "./link"):
            subprocess.run([command, "add", "x"], check=True, cwd=self.directory, env=self.environment, stdout=-3)
        self.assertTrue(os.path.exists(self.path(".tools/tasks.db")))
        with open(self.path(".tools/.gitignore")) as file:
            self.assertNotIn("*", file.read().split())


if __name__ == "__main__":
    unittest.main()
