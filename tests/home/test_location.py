"""Where home is, and which one is not trusted."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
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
        for mode in (0o777, 0o702):
            os.chmod(self.home, mode)
            self.assert_refused("can be written by others")
        os.chmod(self.home, 0o700)
        self.write_config("[agent x]\ncommand = true\n")
        os.chmod(os.path.join(self.home, "config.ini"), 0o666)
        self.txlite("run", code=69)

    @unittest.skipIf(os.geteuid(), "needs root, to give files away")
    def test_homes_of_others(self) -> None:
        os.chown(self.home, 65534, 65534)
        self.assert_refused("belongs to user 65534")

    @unittest.skipIf(os.geteuid(), "needs root, to give files away")
    def test_a_new_home_in_another_users_directory(self) -> None:
        self.environment["XDG_STATE_HOME"] = self.path("state")
        os.mkdir(self.path("theirs"))
        os.chown(self.path("theirs"), 65534, -1)
        self.txlite("add", "x", "--home", self.path("theirs/home"), code=69)
        self.assertIn(f"{self.path('theirs')} belongs to user 65534", self.errors)
        self.assertFalse(os.path.exists(self.path("theirs/home")))
        self.txlite("add", "x", "--home", self.path("theirs/home"), "--trust")
        self.txlite("add", "x", "--home", self.path("theirs/other"))

    def test_broken_configuration(self) -> None:
        self.write_config("nonsense\n")
        self.txlite("add", "y", code=64)
        self.assertIn("config.ini", self.errors)

    def test_a_home_that_cannot_be_made(self) -> None:
        self.txlite("--home", "/proc/home", "add", "x", code=69)
        self.txlite("--home", self.batch(), "add", "x", code=69)
        self.assertIn("not a directory", self.errors)


class Clones(DatabaseCase):
    """A home that came with a repository is somebody else's code, until a person trusts it."""

    def setUp(self) -> None:
        super().setUp()
        self.environment.update(XDG_STATE_HOME=self.path("state"), GIT_CONFIG_GLOBAL="/dev/null")
        self.write_config("[agent x]\ncommand = true\n")
        self.git("init", "-q")

    def git(self, *words: str, where: str = "") -> None:
        identity = ("-c", "user.name=x", "-c", "user.email=x@y.z", "-c", "protocol.file.allow=always")
        subprocess.run(["git", *identity, *words], cwd=where or self.directory, env=self.environment, check=True)

    def track(self, *names: str) -> None:
        self.git("add", "-f", "--", *names)
        self.git("commit", "-qm", "x")

    def test_one_that_git_tracks_is_refused_until_it_is_trusted(self) -> None:
        os.mkdir(self.path(".aaa"))
        for number in range(300):
            os.rename(self.batch(), self.path(f".aaa/{number}"))
        self.track(".aaa", ".txlite/.gitignore")
        self.txlite("list")
        self.track(".txlite/config.ini")
        self.assert_refused("git tracks .txlite/config.ini")
        self.assertIn("look at it, then say --trust once", self.txlite("doctor", code=1).replace("\n", " "))
        self.txlite("list", "--trust")
        self.txlite("add", "y")
        self.assertTrue(os.path.exists(self.path("state/txlite/trusted")))
        shutil.copytree(self.home, self.path("copy"))
        shutil.rmtree(self.home)
        os.rename(self.path("copy"), self.home)  # another one at the same place
        self.assert_refused("git tracks .txlite/config.ini")

    def test_nobody_else_says_what_is_trusted(self) -> None:
        self.track(".txlite/config.ini")
        self.txlite("list", "--trust")
        for place in ("state/txlite", "state/txlite/trusted"):
            mode = stat.S_IMODE(os.stat(self.path(place)).st_mode)
            self.assertFalse(mode & 0o077, oct(mode))
            os.chmod(self.path(place), mode | 0o002)
            self.txlite("list", code=69)
            self.assertIn("would say what you trust", self.errors)
            os.chmod(self.path(place), mode)
        self.txlite("list")

    def test_one_that_was_made_here_is_used_though_a_commit_takes_it_in(self) -> None:
        shutil.rmtree(self.home)
        self.txlite("add", "x")
        self.write_config("[agent x]\ncommand = true\n")
        self.track(".txlite/config.ini")
        self.assertEqual(len(self.json("list")), 1)

    def test_each_form_of_gits_index_is_understood(self) -> None:
        self.track(".txlite/tasks.db", ".txlite/config.ini")
        for version in "2", "3", "4":
            self.git("update-index", "--index-version", version)
            if version == "3":
                self.git("update-index", "--skip-worktree", ".txlite/tasks.db")
            self.txlite("list", code=69)
        self.git("update-index", "--split-index")
        self.txlite("list", code=69)
        os.rename(self.home, self.path("away"))
        self.git("worktree", "add", "-q", "--detach", self.path("tree"))
        self.git("-c", "advice.addEmbeddedRepo=false", "submodule", "--quiet", "add", self.directory, "sub")
        for place in "tree", "sub":
            self.txlite("list", "--home", self.path(place + "/.txlite"), code=69)
        os.symlink("tree/.txlite", self.home)
        self.txlite("list", code=69)

    def test_what_git_does_not_track_is_used_and_so_is_a_home_with_a_tracked_export(self) -> None:
        self.batch("x")
        self.track("batch")
        self.txlite("sync", "export")
        self.track(".txlite/tasks.jsonl")
        self.txlite("add", "y")


if __name__ == "__main__":
    unittest.main()
