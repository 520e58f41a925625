"""Where home is, and which one is not trusted."""

from __future__ import annotations

import os
import unittest

from ..case import Case
from .case import DatabaseCase


class Location(Case):
    def test_home_is_found(self) -> None:
        self.txlite("init")
        below = self.path("a/b")
        os.makedirs(below)
        self.txlite("add", "from below", cwd=below)
        self.assertEqual([task["title"] for task in self.json("list")], ["from below"])
        self.txlite("--home", self.path("other"), "add", "elsewhere")
        self.assertEqual(len(self.json("list", "--home", self.path("other"))), 1)
        self.environment["TXLITE_HOME"] = self.path("other")
        self.assertEqual(self.json("list")[0]["title"], "elsewhere")


class Trust(DatabaseCase):
    def test_homes_that_others_can_write(self) -> None:
        os.chmod(self.home, 0o777)
        self.assert_refused("can be written by others")
        os.chmod(self.home, 0o700)
        self.write_config("[agent x]\ncommand = true\n")
        os.chmod(os.path.join(self.home, "config.ini"), 0o666)
        self.txlite("run", code=69)

    @unittest.skipIf(os.geteuid(), "needs root, to give files away")
    def test_homes_of_others(self) -> None:
        os.chown(self.home, 65534, 65534)
        self.assert_refused("belongs to user 65534")

    def test_broken_configuration(self) -> None:
        self.write_config("nonsense\n")
        self.txlite("add", "y", code=64)
        self.assertIn("config.ini", self.errors)

    def test_a_home_that_cannot_be_made(self) -> None:
        self.txlite("--home", "/proc/home", "add", "x", code=69)
        self.txlite("--home", self.batch(), "add", "x", code=69)
        self.assertIn("not a directory", self.errors)


if __name__ == "__main__":
    unittest.main()
