"""What the stand-ins of the night do, by the kind of their job; as agents, and as reviewers.

Their witness log has lines of job, token, event, PID and time (see `harness.Line`), and `spent.log` an object a line
for each result that one of them said, written before it is said and again behind it. Started by night.py, through
scripts `claude` and `codex`, each of which names its stand-in and the directory of the campaign.
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import time
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from tests.stand_ins.claude import Claude
from tests.stand_ins.codex import Codex

COSTLY_TOKENS = 40_000  # of an answer of the kind `costly`: $0.20
LIMIT = 3.0  # seconds for which a provider refuses


class NightCall:
    """One call of an agent or a reviewer."""

    def __init__(self, name: str, root: str, argv: list[str]) -> None:
        self._form: Claude | Codex = Claude(argv) if name == "claude" else Codex(argv)
        self._root = root
        self._prompt = self._form.read_prompt()
        found = re.search(r"job (\d+): ([a-z-]+)", self._prompt)
        if not found:
            sys.exit(f"this prompt names no job: {self._prompt[:300]!r}")
        self._job, self._kind = found.groups()
        self._is_reviewer = self._form.schema is not None
        self._token = os.environ["TXLITE_ATTEMPT"].rpartition(":")[2]  # a reviewer gets no token
        self._task = os.environ.get("TXLITE_TASK", "")
        self._random = random.Random(f"{self._job} {self._token} {self._is_reviewer}")
        self._module, self._data = f"src/job{self._job}.py", f"data/job{self._job}.txt"
        self._half = f"half{self._job}.txt"

    def run(self) -> None:
        self._form.begin()
        self._note("review" if self._is_reviewer else "start")
        self._note(f"by:{self._form.name}:{self._form.level or '-'}")
        if not self._is_reviewer:
            self._look()
        self._heed_limit()
        if self._is_reviewer:
            self._review()
        else:
            self._work()
            self._listen()

    # What it knows and says.

    def _note(self, event: str) -> None:
        line = f"{self._job} {self._token} {event} {os.getpid()} {time.time():.6f}\n"
        self._append("witness.log", line)

    def _append(self, name: str, line: str) -> None:
        file = os.open(os.path.join(self._root, name), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(file, line.encode())
        os.close(file)

    def _has(self, event: str) -> bool:
        lines = read(os.path.join(self._root, "witness.log")).splitlines()
        return any(line.split()[:3:2] == [self._job, event] for line in lines)

    def _heed_limit(self) -> None:
        """Refuse while the provider is limited; the first time, a job of the kind `limit` makes it so."""
        path = os.path.join(self._root, f"limit-{self._form.name}")
        until = float(read(path) or 0)
        if self._kind == "limit" and not self._is_reviewer and not self._has("limited"):
            self._note("limited")
            until = time.time() + LIMIT
            write(path, str(until))
        if until <= time.time():
            return
        self._note("refused")
        if isinstance(self._form, Codex):
            self._form.refuse_rate(round(until - time.time(), 3))
        self._form.refuse(until + 0.99)  # it says whole seconds

    def _say(self, words: str, verdict: dict[str, Any] | None = None) -> None:
        self._spend(False)
        self._form.finish(words, verdict)
        self._spend(True)

    def _spend(self, is_said: bool) -> None:
        """Write down what its result says."""
        entry = {"job": int(self._job), "token": int(self._token), "part": ("agent", "reviewer")[self._is_reviewer],
                 "agent": self._form.name, "said": is_said, "session": self._form.session,
                 **self._form.spent._asdict()}  # fmt: skip
        self._append("spent.log", json.dumps(entry) + "\n")

    def _answer(self, words: str, tool: str = "", used: tuple[int, int, int] | None = None) -> None:
        """One answer, whose tokens are such that each price of theirs is whole millionths of a dollar."""
        draw = self._random.randrange
        try:
            self._form.answer(words, used or (draw(100, 900) * 8, draw(900) * 8, draw(1, 90) * 8), tool)
        except SystemExit:  # its bound on money
            self._spend(True)
            self._note("bound")
            raise
        time.sleep(self._random.uniform(0.02, 0.15))
        self._hear(self._form.hear())

    def _hear(self, words: str | None) -> None:
        for heard in re.findall(r"heed-\d+", words or ""):
            self._note(f"heard:{heard}")

    def _listen(self) -> None:
        """Answer what is said to it behind its result, until nobody has more to say."""
        while self._form.is_talking and (words := self._form.hear(None)) is not None:
            self._form.begin()
            self._hear(words)
            self._answer("so be it")
            self._say("done")

    # What it does.

    def _look(self) -> None:
        """Say what is there from attempts before, and whether its work has landed."""
        for seen in re.findall(r"(half\d+\.\d+|job\d+|doubt\d+|flaw\d+)\.", read(self._module) + read(self._half)):
            self._note(f"saw:{seen}")
        for told in set(re.findall(r"remove-(?:doubt|flaw)\d+", self._prompt)):
            self._note(f"told:{told}")
        self._hear(self._prompt)
        log = subprocess.run(["git", "log", "--format=%s", "main"], stdout=subprocess.PIPE, check=False)
        if f"Complete {self._task}: ".encode() in log.stdout:
            self._note("again")

    def _work(self) -> None:
        for count in range(self._random.randrange(1, 4)):
            self._answer(f"step {count}", f"sed -n {count}p {self._module}")
        if self._kind == "costly":
            self._leave_half()
            for _ in range(5):
                self._answer("working hard", "make", (COSTLY_TOKENS, 0, 0))
        if self._fails():
            self._leave_half()
            if self._kind == "gate-once":
                write(self._data, f"half{self._job}.{self._token}. 1\nsum 0\n")
            self._note("erred")
            self._say("I did what I could")
            return
        flaw = self._find_flaw()
        write(self._module, f"VALUE = 'job{self._job}.'\n" + (f"FLAW = '{flaw}.'\n" if flaw else ""))
        write(self._data, f"a 1\njob{self._job}. {self._job}\nsum {int(self._job) + 1}\n")
        if os.path.exists(self._half):
            os.unlink(self._half)
        self._answer("it is done")
        self._note("worked")
        self._say("done")

    def _fails(self) -> bool:
        """Whether this is too hard for it, as it is."""
        level, name = self._form.level, self._form.name
        if self._kind == "hard":
            return level != "high"
        if self._kind == "hardest":
            return (name, level) != ("codex", "high")
        return self._kind == "gate-once" and not self._has("erred")

    def _find_flaw(self) -> str:
        """What is wrong with its work, until it is told to remove that."""
        for kind, flaw in (("flawed", "flaw"), ("doubted", "doubt")):
            if self._kind == kind and f"remove-{flaw}{self._job}" not in self._prompt:
                return f"{flaw}{self._job}"
        return ""

    def _leave_half(self) -> None:
        write(self._module, f"HALF = 'half{self._job}.{self._token}.'\n")
        write(self._half, f"half{self._job}.{self._token}.\n")
        self._note("left")

    def _review(self) -> None:
        self._answer("reading", "git diff")
        if f"job{self._job}." not in self._prompt:
            self._note("no-diff")
        flaw = re.search(rf"flaw{self._job}\.", self._prompt)
        self._note("rejects" if flaw else "approves")
        if flaw:
            self._say("", {"verdict": "rejected", "reason": f"remove-flaw{self._job} from {self._module}"})
        else:
            self._say("", {"verdict": "approved", "reason": "it is as it was asked for"})


def read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


def write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    NightCall(sys.argv[1], sys.argv[2], sys.argv[3:]).run()
