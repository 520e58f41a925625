"""What git's tests share: a repository of their own, seen as `git` sees it, without a loop."""

from __future__ import annotations

import os
from unittest import mock

from txlite.git.command import by_itself
from txlite.git.repository import Repository

from ..case import Case


class TreeCase(Case):
    """A repository with one commit, on `main`, and a home within it that git must not see."""

    def setUp(self) -> None:
        super().setUp()
        person = {
            "GIT_AUTHOR_NAME": "A Person", "GIT_AUTHOR_EMAIL": "person@example.org",
            "GIT_COMMITTER_NAME": "A Person", "GIT_COMMITTER_EMAIL": "person@example.org",
        }  # fmt: skip
        unset = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, **person}
        changed = mock.patch.dict(os.environ, {**unset, **alone}, clear=True)
        changed.start()
        self.addCleanup(changed.stop)
        self.tree = Repository(self.directory, self.home, by_itself)
        self.tree.act("init", "-q", "-b", "main")
        self.write(".txlite/tasks.db", "never committed\n")
        self.start_commit = self.commit("first", file="one\n")

    def write(self, name: str, text: str) -> None:
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)

    def read(self, name: str) -> str:
        with open(self.path(name)) as file:
            return file.read()

    def commit(self, message: str, **files: str) -> str:
        """Write these files and commit them; the commit."""
        for name, text in files.items():
            self.write(name, text)
        self.tree.act("add", "-A", *self.tree.everything())
        self.tree.act("commit", "-q", "-m", message)
        return self.tree.head()

    def commit_elsewhere(self, branch: str, message: str, **files: str) -> str:
        """The same on a branch that begins here, while the tree stays on `main`."""
        self.tree.act("checkout", "-q", "-b", branch)
        commit = self.commit(message, **files)
        self.tree.act("checkout", "-q", "main")
        return commit
