"""Copies of the package: as one file, as a directory, under any name, called from anywhere."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys
import unittest
import zipfile
from collections.abc import Callable

from ..case import ROOT, WITHOUT_SITE
from ..execution.case import LaunchCase


class Copies(LaunchCase):
    def test_one_file_with_all_of_it(self) -> None:
        self.txlite("pack", "tool.pyz")
        environment = {name: value for name, value in self.environment.items() if name != "PYTHONPATH"}
        packed = [sys.executable, *WITHOUT_SITE, "tool.pyz"]
        run = subprocess.run([*packed, "run", "--from", "-"], input=b"true\n", cwd=self.directory, env=environment,
                             capture_output=True, timeout=60)  # fmt: skip
        self.assertEqual(run.stdout.splitlines()[-1], b"1 done", run.stderr)
        launch = subprocess.run([*packed, "launch", "--wait", "task"], cwd=self.directory, env=environment,
                                capture_output=True, timeout=60)  # fmt: skip
        self.assertEqual(launch.returncode, 0, launch.stderr)
        self.assertTrue(any("# Worker Task Report" in prompt for prompt in self.calls(".stdin")))
        self.txlite("pack", "/nonexistent/tool.pyz", code=69)
        self.assertFalse(re.search(r"\.new", str(os.listdir(self.directory))))

    def test_the_same_code_is_the_same_file(self) -> None:
        self.txlite("pack", "one.pyz", umask=0o022)
        seeded = {**self.environment, "PYTHONHASHSEED": "1"}
        self.txlite("pack", "two.pyz", env=seeded, umask=0o000)
        subprocess.run([sys.executable, *WITHOUT_SITE, "two.pyz", "pack", "three.pyz"], cwd=self.directory, check=True,
                       env={**self.environment, "PYTHONPATH": ""}, stdout=subprocess.DEVNULL)  # fmt: skip
        first, *others = (pathlib.Path(self.path(name)).read_bytes() for name in ("one.pyz", "two.pyz", "three.pyz"))
        self.assertEqual([first] * 2, others)
        self.assertEqual([os.stat(self.path(name)).st_mode & 0o777 for name in ("one.pyz", "two.pyz")], [0o755] * 2)
        with zipfile.ZipFile(self.path("one.pyz")) as archive:
            self.assertEqual({oct(entry.external_attr >> 16) for entry in archive.infolist()}, {"0o100644"})

    def rewrite(self, change: Callable[[str, bytes], bytes]) -> str:
        """What a packed copy says of itself, each of its files changed."""
        with zipfile.ZipFile(self.path("tool.pyz")) as archive, zipfile.ZipFile(self.path("new.pyz"), "w") as new:
            for name in archive.namelist():
                new.writestr(name, change(name, archive.read(name)))
        return subprocess.run([sys.executable, *WITHOUT_SITE, "new.pyz", "--version"], cwd=self.directory, text=True,
                              env={**self.environment, "PYTHONPATH": ""}, capture_output=True).stdout  # fmt: skip

    def test_this_python_runs_what_is_compiled_and_others_the_sources(self) -> None:
        self.txlite("pack", "tool.pyz")
        known = self.txlite("--version")
        self.assertEqual(self.rewrite(lambda name, data: b"never (" if name.endswith(".py") else data), known)
        self.assertEqual(self.rewrite(lambda name, data: b"\0" * 16 if name.endswith(".pyc") else data), known)

    def test_what_pip_installs_has_every_file(self) -> None:
        """It takes what pyproject.toml names: without a file of the page `ralph` cannot begin."""
        told = pathlib.Path(ROOT, "pyproject.toml").read_text()
        patterns = json.loads(told.partition("[tool.setuptools.package-data]\ntxlite = ")[2].partition("\n")[0])
        package = pathlib.Path(ROOT, "txlite")
        files = {path for path in package.rglob("*") if path.is_file() and path.suffix != ".py"}
        files = {path for path in files if "__pycache__" not in path.parts}
        self.assertGreater(len(files), 20)
        self.assertEqual(files - {path for one in patterns for path in package.glob(one)}, set())

    def test_bin_takes_nothing_from_the_working_directory(self) -> None:
        with open(self.path("select.py"), "w") as file:
            file.write("raise SystemExit('shadowed')")
        out = subprocess.run([os.path.join(ROOT, "bin", "txlite"), "--version"], cwd=self.directory, text=True,
                             env={**self.environment, "PYTHONPATH": ""}, capture_output=True)  # fmt: skip
        self.assertRegex(out.stdout, r"^txlite \d", out.stderr)


if __name__ == "__main__":
    unittest.main()
