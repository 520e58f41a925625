"""RALPH's overhead: a task of `txlite ralph` with an agent that does next to nothing, beside a bare shell loop of the
same git commands, which gets half as much again and 50 ms; and its pace with 10,000 tasks in the queue.

Start and exit are included, spread over the tasks. Without git the agent is `true`; else it writes one file.
"""

from __future__ import annotations

import argparse
import functools
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import homes
import pairs
from pairs import Measurement

ALLOWANCE = 50.0  # ms a task
FACTOR = 1.5
SIZE = 1.25
AGENT = "echo $$ > file-$$"
LOOPS = {
    "without git": "{agent}",
    "commits": "git status --porcelain; {agent}; git add -A; git commit -q -m 'Complete it'",
    "worktrees": "git worktree add -q -b task ../tree main; (cd ../tree; {agent}; git add -A; git commit -q -m x;"
    " git rebase -q main); git merge -q --ff-only task; git worktree remove ../tree; git branch -q -d task",
}
OPTIONS = {"without git": ["--no-commit"], "commits": [], "worktrees": ["--worktrees"]}


def make_place(scratch: str, kind: str) -> str:
    """A directory to work in: a repository, where one is needed."""
    directory = os.path.join(tempfile.mkdtemp(dir=scratch), "repository")
    os.mkdir(directory)
    if kind != "without git":
        setup = "git init -q -b main; git config user.name x; git config user.email x@example.org; echo x > first;"
        subprocess.run(["sh", "-ec", setup + "git add -A; git commit -q -m first"], cwd=directory, check=True)
    return directory


def run_shell(scratch: str, kind: str, tasks: int) -> float:
    """Milliseconds a task of the bare loop."""
    directory = make_place(scratch, kind)
    agent = "true" if kind == "without git" else f"sh -c '{AGENT}'"
    script = f"for n in $(seq {tasks}); do {LOOPS[kind].format(agent=agent)}; done"
    return 1000 * pairs.seconds(lambda: pairs.run(["sh", "-ec", script], directory, homes.environment(""))) / tasks


def run_loop(scratch: str, kind: str, tasks: int, queued: int) -> float:
    """Milliseconds a task of ours, with so many in the queue."""
    directory = make_place(scratch, kind)
    home = homes.make(os.path.dirname(directory), 0)
    with open(os.path.join(home, "config.ini"), "w", encoding="ascii") as file:
        command = "true" if kind == "without git" else f"sh -c '{AGENT}'"
        file.write(f"[agent nothing]\ncommand = {command}\n")
    from txlite.store.store import open_store

    with open_store(home) as store:
        store.add_many({"title": f"task {number}", "directory": directory} for number in range(queued))
    environment = {**homes.environment(home), "PYTHONPATH": homes.PACKAGE}
    argv = [sys.executable, "-m", "txlite", "ralph", "--agent", "nothing", "--max-tasks", str(tasks), *OPTIONS[kind]]
    return 1000 * pairs.seconds(lambda: pairs.run(argv, directory, environment)) / tasks


def measure(args: argparse.Namespace) -> Iterator[Measurement]:
    tasks, rounds, many = (10, 2, 1000) if args.short else (40, 7, 10_000)
    loop = functools.partial(run_loop, args.scratch)
    judged = not args.short
    for kind in LOOPS:
        shell, ours = pairs.alternate(
            rounds,
            functools.partial(run_shell, args.scratch, kind, tasks),
            functools.partial(loop, kind, tasks, tasks),
        )
        yield Measurement(f"{kind}, bare loop", shell, " ms")
        yield Measurement(f"{kind}, txlite ralph", ours, " ms")
        shares = pairs.ratios(ours, (FACTOR * one + ALLOWANCE for one in shell))
        yield Measurement(f"{kind}, ralph : what it may take", shares, at_most=1.0, judged=judged)
    large, small = pairs.alternate(rounds, lambda: loop("commits", tasks, many), lambda: loop("commits", tasks, tasks))
    what = f"commits, {many:,} tasks in the queue : {tasks}"
    yield Measurement(what, pairs.ratios(large, small), at_most=SIZE, judged=judged)


if __name__ == "__main__":
    sys.exit(homes.bench(__doc__, measure))
