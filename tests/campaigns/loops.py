"""The shell loops of a document about tx, word for word, with bin/ on PATH: each task is executed exactly once.

    python3 tests/campaigns/loops.py DOCUMENT [--rounds 10]

Takes the first bash block of DOCUMENT that calls `tx ready`, `tx claim` and `tx done`, and runs it as it stands with
3 workers and 5 tasks; then, in each round, with 8 workers and 60 tasks and no work between claim and release. Then
the block that calls `claude`, in a git repository with a stand-in for it: four tasks, four commits, and nothing of home
among them. Needs bash, git and jq.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


CLAUDE = """#!/bin/sh
task=$(printf '%s' "$*" | grep -o 'tx-[a-z0-9]*' | head -1)
tx show "$task" > "work-$task" && tx done "$task"
"""


def find_loop(path: str, *calls: str) -> str:
    with open(path, encoding="utf-8") as file:
        blocks = re.findall(r"^```bash\n(.*?)^```", file.read(), re.M | re.S)
    found: str = next(block for block in blocks if all(call in block for call in calls))
    return found


def tx(directory: str, environment: dict[str, str], *arguments: str) -> bytes:
    return subprocess.run(["tx", *arguments], cwd=directory, env=environment, stdout=subprocess.PIPE, check=True).stdout


def play(script: str, count: int) -> tuple[bool, float]:
    """Run the script on so many tasks; how often each was executed, and how long it took."""
    directory = tempfile.mkdtemp(prefix="txlite-loop-")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TXLITE_", "PYTHON"))}
    environment = {**kept, "PATH": f"{ROOT}/bin:{os.environ['PATH']}"}
    tx(directory, environment, "init")
    ids = [tx(directory, environment, "add", "--quiet", f"task {number}").decode().strip() for number in range(count)]
    started = time.monotonic()
    out = subprocess.run(["bash", "-c", script], cwd=directory, env=environment, stdout=subprocess.PIPE, check=True,
                         stdin=subprocess.DEVNULL, timeout=900).stdout.decode()  # fmt: skip
    took = time.monotonic() - started
    claimed = collections.Counter(re.findall(r"Claimed (tx-\w+)", out))
    states = {task["id"]: task["status"] for task in json.loads(tx(directory, environment, "list", "--json"))}
    wrong = [id for id in ids if claimed[id] != 1 or states[id] != "done"]
    if wrong:
        print(f"{directory}: not executed exactly once: {[(id, claimed[id], states[id]) for id in wrong]}")
    else:
        shutil.rmtree(directory)
    return not wrong, took


def play_ralph(script: str) -> tuple[bool, float]:
    """Run the loop that calls an agent on four tasks; whether there are four commits, and nothing of home in them."""
    directory = tempfile.mkdtemp(prefix="txlite-loop-")
    stand = tempfile.mkdtemp(prefix="txlite-stand-")
    with open(os.path.join(stand, "claude"), "w") as file:
        file.write(CLAUDE)
    os.chmod(file.name, 0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TXLITE_", "PYTHON"))}
    environment = {**kept, "PATH": f"{ROOT}/bin:{stand}:{os.environ['PATH']}"}

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=directory, check=True, stdout=subprocess.PIPE, text=True).stdout

    git("init", "-q")
    git("config", "user.name", "somebody")
    git("config", "user.email", "somebody@example.org")
    ids = [tx(directory, environment, "add", "--quiet", f"task {number}").decode().strip() for number in range(4)]
    started = time.monotonic()
    subprocess.run(["bash", "-c", script], cwd=directory, env=environment, stdout=subprocess.DEVNULL, check=True,
                   stdin=subprocess.DEVNULL, timeout=300)  # fmt: skip
    took = time.monotonic() - started
    states = {task["status"] for task in json.loads(tx(directory, environment, "list", "--json"))}
    commits = git("log", "--reverse", "--format=%s").splitlines()
    files = git("ls-files").split()
    good = (states, files, len(commits)) == ({"done"}, sorted(f"work-{task}" for task in ids), 4)
    if good:
        shutil.rmtree(directory)
        shutil.rmtree(stand)
    else:
        print(f"{directory}: {states}, {commits}, {files}")
    return good, took


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("document")
    parser.add_argument("--rounds", type=int, default=10)
    args = parser.parse_args()
    script = find_loop(args.document, "tx ready", "tx claim ", "tx done")
    busy = re.sub(r"\{1\.\.\d+\}", "{1..8}", re.sub(r"sleep \d+", "true", script))
    good = True
    for what, text, count in [("3 workers, 5 tasks", script, 5), *[("8 workers, 60 tasks", busy, 60)] * args.rounds]:
        once, took = play(text, count)
        good &= once
        print(f"{'ok' if once else 'FAILED':8} {what}  {took:.1f} s", flush=True)
    fine, took = play_ralph(find_loop(args.document, "tx ready", "claude ", "git commit"))
    print(f"{'ok' if fine else 'FAILED':8} an agent, 4 tasks, 4 commits  {took:.1f} s", flush=True)
    return 0 if good and fine else 1


if __name__ == "__main__":
    sys.exit(main())
