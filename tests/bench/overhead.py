"""RALPH's overhead: a task of `txlite ralph` with an agent that does next to nothing, beside a bare shell loop of the
same git commands, which gets half as much again and 50 ms; and its pace with 10,000 tasks in the queue.

Start and exit are included, spread over the tasks. Without git the agent is `true`; else it writes one file.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile

import homes
import pairs

ALLOWANCE = 0.050  # seconds a task
FACTOR = 1.5
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
    """Seconds a task of the bare loop."""
    directory = make_place(scratch, kind)
    agent = "true" if kind == "without git" else f"sh -c '{AGENT}'"
    script = f"for n in $(seq {tasks}); do {LOOPS[kind].format(agent=agent)}; done"
    return pairs.seconds(lambda: pairs.run(["sh", "-ec", script], directory, homes.environment(""))) / tasks


def run_loop(scratch: str, kind: str, tasks: int, queued: int) -> float:
    """Seconds a task of ours, with so many in the queue."""
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
    return pairs.seconds(lambda: pairs.run(argv, directory, environment)) / tasks


def main() -> int:
    args = homes.options(__doc__)
    tasks, rounds, many = (10, 2, 1000) if args.short else (40, 7, 10_000)
    met = True
    for kind in LOOPS:
        found = pairs.alternate(
            rounds,
            functools.partial(run_shell, args.scratch, kind, tasks),
            functools.partial(run_loop, args.scratch, kind, tasks, tasks),
        )
        pairs.report(f"{kind}, bare loop", [1000 * shell for shell, _ in found], unit=" ms")
        pairs.report(f"{kind}, txlite ralph", [1000 * ours for _, ours in found], unit=" ms")
        shares = [ours / (FACTOR * shell + ALLOWANCE) for shell, ours in found]
        met &= pairs.report(f"{kind}, share of its budget", shares, at_most=None if args.short else 1.0)
    found = pairs.alternate(
        rounds,
        lambda: run_loop(args.scratch, "commits", tasks, tasks),
        lambda: run_loop(args.scratch, "commits", tasks, many),
    )
    met &= pairs.report(f"{many:,} tasks : {tasks}, with commits", [large / small for small, large in found],
                        at_most=None if args.short else 1.25)  # fmt: skip
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
