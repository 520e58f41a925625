"""A home of another version is opened, reported and continued by this one.

    python3 tests/campaigns/upgrade.py DIR      a checkout of the other version

The other version makes a home with tasks of every kind, runs a batch, a launched task and a loop with an agent, and is
killed in the middle of a second batch. Then both versions are asked, verb by verb. What must be the same: the exit
codes, all that the JSON of the other said, but for what depends on the moment, and the export, byte for byte. Then this
one clears up, runs the same batch to its end and adds to the home.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PATIENCE = 120.0  # seconds
BATCH = "".join(f"echo line {number}; exit {int(number == 3)}\n" for number in range(12))
LONG = "".join(f"test -e go || sleep 600; echo {number}\n" for number in range(6))
AGENT = '[agent stand]\ncommand = sh -c "cat > work; txlite done $TXLITE_TASK"\n[agent bad]\ncommand = sh -c "exit 3"\n'
# What depends on the moment of asking.
MOMENT = re.compile(r'"age": [\d.e-]+|"(lastHeartbeatAt|now)": "[^"]*"')


class Place:
    """A working directory with a home, and the versions that are run there."""

    def __init__(self, other: str) -> None:
        self.directory = tempfile.mkdtemp(prefix="txlite-upgrade-")
        self.home = os.path.join(self.directory, ".txlite")
        self._versions = {"other": os.path.abspath(other), "this": ROOT}
        self._kept = {name: text for name, text in os.environ.items() if not name.startswith(("TXLITE", "PYTHON"))}

    def start(self, version: str, *arguments: str, stdin: str = "") -> subprocess.Popen[str]:
        environment = {**self._kept, "PYTHONPATH": self._versions[version]}
        process = subprocess.Popen(
            [sys.executable, "-m", "txlite", *arguments], cwd=self.directory, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdin
        if stdin:
            process.stdin.write(stdin)
        process.stdin.close()
        process.stdin = None
        return process

    def ask(self, version: str, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
        process = self.start(version, *arguments, stdin=stdin)
        out, error = process.communicate(timeout=PATIENCE)
        return process.returncode, out, error

    def do(self, version: str, *arguments: str, stdin: str = "", codes: Sequence[int] = (0,)) -> str:
        code, out, error = self.ask(version, *arguments, stdin=stdin)
        if code not in codes:
            raise SystemExit(f"{version}: {' '.join(arguments)} exited with {code}: {out}{error}")
        return out

    @contextlib.contextmanager
    def copied(self) -> Iterator[None]:
        """Have a copy in the home's place for a while."""
        os.rename(self.home, self.home + ".kept")
        subprocess.run(["cp", "-a", self.home + ".kept", self.home], check=True)
        try:
            yield
        finally:
            shutil.rmtree(self.home)
            os.rename(self.home + ".kept", self.home)

    def add(self, *arguments: str) -> str:
        return self.do("other", "add", "-q", *arguments).strip()


def furnish(place: Place) -> list[str]:
    """Have the other version make a home with something of everything; the ids of some tasks."""
    place.do("other", "init")
    with open(os.path.join(place.home, "config.ini"), "w", encoding="utf-8") as file:
        file.write(AGENT)
    for words in (["init", "-q"], ["config", "user.name", "x"], ["config", "user.email", "x@example.org"],
                  ["commit", "-q", "--allow-empty", "-m", "first"]):  # fmt: skip
        subprocess.run(["git", *words], cwd=place.directory, check=True)
    place.do("other", "ralph", "--agent", "stand", "--workers", "1")
    place.add("a task for the loop", "-d", "with a description\nof two lines", "--verify", "grep -q two work")
    place.do("other", "ralph", "--agent", "stand")
    place.do("other", "run", "--from", "-", "--max-attempts", "2", stdin=BATCH, codes=(1,))
    launched = json.loads(place.do("other", "launch", "--agent", "bad", "--json", "launch it"))["id"]
    place.do("other", "wait", launched, codes=(3,))
    parent = place.add("a parent", "--score", "7")
    child = place.add("its child", "--parent", parent)
    waiting = place.add("it waits", "--after", child)
    later = place.add("for later", "--at", "2099-01-01")
    needy = place.add("needs what nobody has", "--needs", "gpu")
    blocked = place.add("blocked by a person")
    place.do("other", "update", blocked, "--status", "blocked")
    place.do("other", "claim", parent, "somebody", "--lease", "60")
    return [launched, parent, child, waiting, later, needy, blocked]


def interrupt(place: Place) -> None:
    """Kill the other version, all of it, in the middle of a batch."""
    run = place.start("other", "run", "--workers", "2", "--from", "-", stdin=LONG)
    deadline = time.monotonic() + PATIENCE
    while json.loads(place.do("other", "status", "--stats", "--json"))["tasks"].get("active", 0) < 3:
        if time.monotonic() > deadline:
            raise SystemExit("the batch did not begin")
        time.sleep(0.05)
    workers = json.loads(place.do("other", "worker", "list", "--json"))
    for pid in [run.pid, *(worker["pid"] for worker in workers if worker["pid"])]:
        os.kill(pid, signal.SIGKILL)
    run.communicate()


def questions(tasks: list[str]) -> list[list[str]]:
    """Those that change nothing, and those that look for the lost, which recovers them."""
    plain = [
        *(["show", task] for task in tasks),
        ["list"], ["list", "--status", "failed"], ["ready"], ["ready", "--limit", "2"], ["claims"],
        ["claims", "--expired"], ["worker", "list"], ["worker", "status"], ["history"], ["history", tasks[1]],
        ["ralph", "--report"], ["launch", "--dry-run", "--agent", "stand", "high", "x"],
        ["ralph", "--dry-run", "--agent", "stand"],
    ]  # fmt: skip
    wrong = [["show", "tx-nothing"], ["lst"], ["add"], ["update", tasks[0], "--score", "x"], ["claim", tasks[1], "me"]]
    looking = [["cleanup", "--stats"], ["wait", tasks[0]], ["status", "--stats"], ["status", "--all"]]
    return [["export", "-"], *([*words, "--json"] for words in plain), *plain, *wrong, ["logs", tasks[0]], *looking]


def compare(place: Place, tasks: list[str]) -> int:
    """Ask the other version about a copy, for it recovers what is lost, and then this one; how many answers differ.
    What is printed for people may, what JSON says may have more in it, and errors, too."""
    differing = 0
    asked = questions(tasks)
    with place.copied():
        answers = {"other": [place.ask("other", *words) for words in asked]}
    answers["this"] = [place.ask("this", *words) for words in asked]
    for words, one, two in zip(asked, answers["other"], answers["this"]):
        before, now = (reduce(words, out) for _, out, _ in (one, two))
        if one[0] != two[0] or not is_in(before, now):
            differing += 1
            print(f"txlite {' '.join(words)}: exit {one[0]}, now {two[0]}")
            old, new = (json.dumps(answer, indent=1).splitlines() for answer in (before, now))
            print("\n".join(list(difflib.unified_diff(old, new, "other", "this", lineterm="", n=1))[:30]))
    print(f"{len(asked)} questions, {differing} answered otherwise")
    return differing


def reduce(words: list[str], out: str) -> object:
    """What an answer says that may not change: of JSON all but what depends on the moment, of an export all."""
    if "--json" in words and out:
        return json.loads(MOMENT.sub('"moment": 0', out))
    return out if words[0] == "export" else None


def is_in(before: object, now: object) -> bool:
    """Whether all of an answer is in another one, which may have more keys; prompts say their time."""
    if isinstance(before, dict) and isinstance(now, dict):
        return all(key in now and (key == "prompt" or is_in(value, now[key])) for key, value in before.items())
    if isinstance(before, list) and isinstance(now, list):
        return len(before) == len(now) and all(map(is_in, before, now))
    return before == now


def carry_on(place: Place, tasks: list[str]) -> bool:
    """Have this version clear up and finish what the other began; whether all is as it must be."""
    with open(os.path.join(place.directory, "go"), "w", encoding="ascii"):
        pass
    place.do("this", "claim:release", tasks[1], "somebody")
    place.do("this", "cancel", tasks[4])  # a run would wait for its time
    said = place.do("this", "run", "--workers", "2", "--from", "-", stdin=LONG, codes=(0, 1))
    continued = "6 tasks were added before" in said
    counts = json.loads(place.do("this", "status", "--stats", "--json"))["tasks"]
    place.do("this", "add", "from this version", "--after", tasks[1])
    findings = json.loads(place.do("this", "doctor", "--json", codes=(0, 1)))
    broken = [one for one in findings.get("findings", findings) if one.get("level") == "broken"]
    good = continued and not broken and not counts.get("active")
    print(f"continued: {continued}; tasks: {counts}; broken: {broken}")
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", metavar="DIR")
    args = parser.parse_args()
    place = Place(args.other)
    tasks = furnish(place)
    interrupt(place)
    differing = compare(place, tasks)
    good = carry_on(place, tasks) and not differing
    if good:
        shutil.rmtree(place.directory)
    else:
        print(f"looked at in {place.directory}")
    print("ok" if good else "FAILED")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
