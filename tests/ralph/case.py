"""What the loop's tests share: a repository with a home in it, and an agent that does as its task says."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from typing import Any

import txlite

from ..case import Case, share

# The prompt of a task is a script for sh: what its agent does.
SCRIPTED = "[agent scripted]\ncommand = sh {prompt}\nprompt = file\n"


class RepositoryCase(Case):
    """A git repository with a home in it, and an agent that does what its task's description says."""

    git = True

    def setUp(self) -> None:
        super().setUp()
        self.environment.update(GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_SYSTEM="/dev/null", LC_ALL="C.UTF-8")
        if self.git:
            self.make_repository()
        txlite.open(self.home).close()
        os.mkdir(os.path.join(self.home, "templates"))
        self.write(".txlite/templates/ralph-task.md", "{{TASK_DESCRIPTION}}\n")
        self.configure("")

    def make_repository(self) -> None:
        """One of a single commit, made by the first test and copied by all."""
        shutil.copytree(share("repository", self.make_first), self.directory, dirs_exist_ok=True)
        self.run_git("update-index", "-q", "--refresh")

    def make_first(self, directory: str) -> None:
        self.run_git("init", "-q", "-b", "main", "--template=")
        self.run_git("config", "user.name", "A Person")
        self.run_git("config", "user.email", "person@example.org")
        self.write("readme", "one\n")
        self.commit("first")
        shutil.move(self.directory, directory)
        os.mkdir(self.directory)

    def configure(self, more: str) -> None:
        self.write(".txlite/config.ini", SCRIPTED + more)

    def write(self, name: str, text: str) -> str:
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        return path

    def run_git(self, *words: str, code: int = 0) -> str:
        done = subprocess.run(
            ["git", *words], cwd=self.directory, env=self.environment, text=True, check=False, capture_output=True
        )
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout

    def commit(self, message: str) -> None:
        self.run_git("add", "-A", "--", ":/", ":(exclude).txlite")
        self.run_git("commit", "-q", "-m", message)

    def add(self, script: str, title: str = "a task", **more: Any) -> str:
        """A task whose agent runs this script; its id."""
        with txlite.open(self.home) as store:
            return store.add(title, description=script, **{"directory": self.directory, **more}).id

    def ralph(self, *options: str, code: int = 0, agent: str = "scripted", **more: Any) -> str:
        return self.txlite("ralph", "--agent", agent, "--max-attempts", "1", *options, code=code, **more)

    def log(self, branch: str = "main") -> list[str]:
        """The subjects of a branch, newest first."""
        return self.run_git("log", "--format=%s", branch).splitlines()

    def status_of(self, task: str) -> str:
        with txlite.open(self.home, read_only=True) as store:
            return store.get(task).status

    def attempts(self, task: str) -> list[txlite.Attempt]:
        with txlite.open(self.home, read_only=True) as store:
            return store.attempts(task)

    def last(self, task: str) -> txlite.Attempt:
        """The task's last attempt."""
        return self.attempts(task)[-1]

    def parked(self) -> list[str]:
        return self.run_git("for-each-ref", "--format=%(refname)", "refs/txlite").split()

    def assert_clean(self) -> None:
        self.assertEqual(self.run_git("status", "--porcelain", "--", ":/", ":(exclude).txlite"), "")

    def hook(self, name: str, script: str) -> None:
        path = self.write(f".git/hooks/{name}", "#!/bin/sh\n" + script + "\n")
        os.chmod(path, 0o755)


class WorktreesCase(RepositoryCase):
    """The same, each task in a worktree of its own."""

    def ralph(self, *options: str, **more: Any) -> str:
        return super().ralph("--worktrees", *options, **more)

    def meet(self) -> str:
        """A script that goes on when two tasks have come to it."""
        place = self.path(".txlite/meeting")
        os.makedirs(place, exist_ok=True)
        quoted = shlex.quote(place)
        return f": > {quoted}/$TXLITE_TASK; while set -- {quoted}/*; test $# -lt 2; do sleep 0.05; done"

    def left(self) -> list[str]:
        directory = os.path.join(self.home, "worktrees")
        return sorted(os.listdir(directory)) if os.path.isdir(directory) else []
