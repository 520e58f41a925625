"""A campaign on a whole night: two providers, limits, escalation, a reviewer, a person, bounds on money, and kills.

`txlite ralph --agent claude,codex` works on a queue of tasks over a git repository whose gate really checks it. The
agents are stand-ins that take the options of the real claude and codex and write events of their forms
(tests/stand_ins); what they do is in night_agent.py, and depends on the kind of a task: some make their provider refuse
for a while, some are too hard for a low level or for one of the agents, some are done in a way that the reviewer or the
person rejects until the flaw is named, some would cost more than they may. Between the loops a person approves and
rejects what waits for a review. Meanwhile SIGKILL hits everything, the loop or the approval, at random moments, and the
same command line is typed again. Judged at the end, by git, by the database, and by what the stand-ins wrote down:

  every task is done, or put aside with the reason that it must have;
  the base branch has one commit for each done task, a linear history, a green gate at each commit, nothing of what was
  rejected or failed; nothing is lost, and nothing is left: processes, worktrees, branches, claims, damage;
  each attempt was made by the agent and at the level that its number and the ladder ask for, and a limit cost no try;
  what was rejected came back, with the reason in its prompt, as often as it was rejected;
  what is said of costs is what the stand-ins said, to the millionth of a dollar, and what nobody said is unknown.

Linux only (/proc). By hand:  python3 tests/campaigns/night.py [--tasks 30] [--workers 3] [--kills 10] [--seed S]
--short is for CI. Prints its seed first; exit 0 if all promises held, else 1 with each violation named, and the
directory is kept.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import time
from collections import Counter
from typing import NamedTuple

import harness
import night_checks
from checkout import GATE

import txlite

LEFTOVER_PATIENCE = 20.0  # seconds until a process counts as left
ATTEMPTS = 5
LADDER = "high,codex:high"
TASK_BOUND = "0.30"  # dollars, of the kind `costly`
NIGHT_BOUND = "0.60"  # dollars, of the first loop of a night
PRICE = "input=1.25 cached=0.125 output=10"  # of codex, which says no money
DEPENDENT_SHARE = 0.2
APPROVAL_KILLED = 0.3  # the share of the kills that hit a person's command
# kind -> weight, when all kinds are there
KINDS = {"plain": 10, "limit": 2, "hard": 2, "hardest": 1, "flawed": 2, "doubted": 1, "gate-once": 2, "costly": 1}
FIRST = ("doubted",) * 5 + ("limit",) * 4 + ("hard",) * 2 + ("hardest", "flawed", "flawed", "costly", "costly",
                                                             "gate-once")  # fmt: skip
SHORT = ("doubted", "limit", "hard", "flawed", "costly", "hardest", "plain", "plain")


class NightJob(NamedTuple):
    """One task, as the campaign means it."""

    number: int
    kind: str
    id: str
    after: int | None  # the number of the job that it waits for


class NightCampaign:
    """One queue over one repository, and what was done to it."""

    def __init__(self, scene: harness.Scene, options: argparse.Namespace) -> None:
        self.scene, self.options = scene, options
        self.path, self.random = scene.path, scene.random
        self.top = self.path("repository")
        self.home = os.path.join(self.top, ".txlite")
        self.violations = scene.violations
        self.reviewer = self.random.choice(("claude", "codex", "claude:high"))
        self.jobs: list[NightJob] = []
        self.starts = 0
        self.rejected: Counter[str] = Counter()  # by the person: id -> how often
        self.said: list[tuple[int, str, float]] = []  # by the person: job, word, when
        self.process: subprocess.Popen[bytes] | None = None
        self.environment = scene.environment(
            PATH=f"{self.path('bin')}:{os.environ['PATH']}", GIT_CONFIG_GLOBAL=self.path("gitconfig"),
            GIT_CONFIG_NOSYSTEM="1", PYTHONPYCACHEPREFIX=self.path("compiled"),
        )  # fmt: skip

    # The repository, the agents and the queue.

    def prepare(self) -> None:
        self._write("gitconfig", "[user]\n\tname = Campaign\n\temail = campaign@example.org\n")
        agent = os.path.join(harness.REPOSITORY, "tests", "campaigns", "night_agent.py")
        for name in ("claude", "codex"):
            words = shlex.join([sys.executable, "-I", "-S", agent, name, self.scene.directory])
            self._write(f"bin/{name}", f'#!/bin/sh\nexec {words} "$@"\n')
            os.chmod(self.path(f"bin/{name}"), 0o700)
        self._write("repository/check.py", GATE)
        self._write("repository/ledger.txt", "job0.\n")
        self._write("repository/src/base.py", "VALUE = 0\n")
        self._write("repository/data/base.txt", "a 1\nb 2\nsum 3\n")
        self._write("repository/.gitignore", "*.pyc\n__pycache__/\n.txlite/\n")
        self.git("init", "-q", "-b", "main")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "The beginning")
        self.start = self.git("rev-parse", "HEAD").strip()
        self.txlite("init")
        self._write("repository/.txlite/config.ini", f"[agent codex]\nprice = {PRICE}\n")
        self._add(self._draw_kinds())

    def _write(self, name: str, text: str) -> None:
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def _draw_kinds(self) -> list[str]:
        count = self.options.tasks
        kinds = list(SHORT if self.options.short else FIRST)[:count]
        kinds += self.random.choices(list(KINDS), list(KINDS.values()), k=count - len(kinds))
        self.random.shuffle(kinds)
        return kinds

    def _add(self, kinds: list[str]) -> None:
        with txlite.open(self.home) as store:
            for number, kind in enumerate(kinds, 1):
                others = [job for job in self.jobs if job.kind != "costly"]
                earlier = self.random.choice(others) if others and self.random.random() < DEPENDENT_SHARE else None
                gate = f"{self.gate()} && grep -q job{number}[.] src/job{number}.py"
                task = store.add(
                    f"write part {number} (job {number}: {kind})", directory=self.top, verify=gate,
                    after=[earlier.id] if earlier else [],
                )  # fmt: skip
                self.jobs.append(NightJob(number, kind, task.id, earlier.number if earlier else None))
        for job in self.jobs:
            if job.kind == "costly":
                self.txlite("update", job.id, "--max-cost", TASK_BOUND, "--agent", "claude")

    def gate(self) -> str:
        return f"{sys.executable} -IS check.py"

    def git(self, *words: str, top: str = "", code: int | None = 0) -> str:
        done = subprocess.run(
            ["git", *words], cwd=top or self.top, env=self.environment, stdin=subprocess.DEVNULL,
            capture_output=True, check=False,
        )  # fmt: skip
        if code is not None and done.returncode != code:
            raise RuntimeError(f"git {' '.join(words)}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode("utf-8", "surrogateescape")

    def txlite(self, *words: str, code: int | None = 0) -> str:
        """What it prints; a code that is not this one is a violation."""
        done = subprocess.run(
            self._command(*words), cwd=self.top, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True,
            check=False, timeout=120,
        )  # fmt: skip
        if code is not None and done.returncode != code:
            said = done.stderr.decode(errors="replace").strip()
            self.violations.append(f"`{' '.join(words)}` ends with {done.returncode}: {said}")
        return done.stdout.decode(errors="replace")

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-S", "-m", "txlite", "--home", self.home, *words]

    # The loop, the person, and the kills.

    def drive(self) -> None:
        """Run loops, and be the person between them, until nothing is left to do."""
        deadline = time.monotonic() + self.options.seconds_limit
        while time.monotonic() < deadline:
            if not self._run_loop() or not self._look_through():
                return
        self.violations.append(f"it did not end within {self.options.seconds_limit:g} s")

    def _run_loop(self) -> bool:
        """One loop to its end, or until it is killed; False where it ended as it may not."""
        words = ["ralph", "--agent", "claude,codex", "--escalate", LADDER, "--review"]
        words += ["--reviewer", self.reviewer]
        words += ["--verify", self.gate(), "--workers", str(self.options.workers), "--max-attempts", str(ATTEMPTS)]
        words += ["--timeout", "20s", "--settle", "1s", "--kill-after", "1s", "--max-failures", "1000"]
        if not self.starts:
            words += ["--max-cost", NIGHT_BOUND]
        self.starts += 1
        process = self.process = self.scene.start(self._command(*words), "loop.log", self.top, self.environment)
        has_ended = self._wait(process, 0.7)
        if not has_ended:
            self._say()
            has_ended = self._wait(process, self.random.uniform(0.1, 2))
        if has_ended:
            log = harness.read(self.path("loop.log")).decode(errors="replace")
            if process.returncode in (0, 1) and "Traceback" not in log:
                return True
            self.violations.append(f"the loop ended with {process.returncode}: {log.strip().splitlines()[-1:]}")
            return False
        self.scene.note_kill("everything", self.scene.kill_all())
        process.wait()
        return True

    def _wait(self, process: subprocess.Popen[bytes], patience: float) -> bool:
        """Wait for the end of a process; False where a kill is due before it."""
        is_to_be_killed = sum(self.scene.kills.values()) < self.options.kills
        try:
            process.wait(patience if is_to_be_killed else self.options.seconds_limit)
        except subprocess.TimeoutExpired:
            if not is_to_be_killed:
                raise
            return False
        return True

    def _say(self) -> None:
        """A word to the agents of a task."""
        job, words = self.random.choice(self.jobs), f"heed-{len(self.said) + 1}"
        told = self.txlite("say", job.id, words, "--json", code=None)
        if told:  # it may be done by now
            self.said.append((job.number, words, time.time()))

    def _look_through(self) -> bool:
        """Approve and reject what waits for it; whether anything is left to do, for the loop or the person."""
        by_id = {job.id: job for job in self.jobs}
        waiting = json.loads(self.txlite("review", "--json"))
        good: list[str] = []
        for entry in waiting if self.random.random() < 0.8 else waiting[:2]:
            job = by_id[entry["id"]]
            if job.kind == "doubted" and not self.rejected[job.id]:
                self.rejected[job.id] += 1
                self.txlite("reject", job.id, f"remove-doubt{job.number}, please")
            elif job.kind == "flawed" and entry["unjudged"] and not self.rejected[job.id]:
                self.rejected[job.id] += 1  # its reviewer was killed
                self.txlite("reject", job.id, f"remove-flaw{job.number}, please")
            else:
                good.append(job.id)
        while good:
            size = self.random.choice((1, len(good)))
            self._approve(good[:size])
            good = good[size:]
        connection = harness.connect(self.home)
        sql = """SELECT count(*) FROM tasks
            WHERE status IN ('active', 'review') OR status = 'backlog' AND open_blockers = 0"""
        (left,) = connection.execute(sql).fetchone()
        connection.close()
        return bool(left)

    def _approve(self, ids: list[str]) -> None:
        kills = sum(self.scene.kills.values())
        if kills < self.options.kills and self.random.random() < APPROVAL_KILLED:
            process = self.scene.start(self._command("approve", *ids), "approve.log", self.top, self.environment)
            try:
                process.wait(self.random.uniform(0.1, 1))
            except subprocess.TimeoutExpired:
                self.scene.note_kill("approval", self.scene.kill_all())
                process.wait()
            return
        self.txlite("approve", *ids)

    def end(self) -> None:
        self.scene.clear(LEFTOVER_PATIENCE)
        if self.process:
            self.process.wait()


def parse(argv: list[str]) -> argparse.Namespace:
    parser = harness.make_parser("Give txlite ralph a night with two providers, and check it.")
    parser.add_argument("--tasks", type=int, help="(30)")
    parser.add_argument("--workers", type=int, default=3, help="(3)")
    parser.add_argument("--kills", type=int, help="(10)")
    parser.add_argument("--seconds-limit", type=float, default=600, metavar="N", help="(600)")
    parser.add_argument("--short", action="store_true", help="eight tasks, two kills")
    options = parser.parse_args(argv)
    usual = (len(SHORT), 2) if options.short else (30, 10)
    options.tasks = usual[0] if options.tasks is None else options.tasks
    options.kills = usual[1] if options.kills is None else options.kills
    return options


def main(argv: list[str]) -> int:
    options = parse(argv)
    scene = harness.Scene("night", options)
    campaign = NightCampaign(scene, options)
    took = harness.play(campaign.prepare, campaign.drive, end=campaign.end)
    night = night_checks.NightFacts(campaign)
    violations = [*campaign.violations, *(found for check in night_checks.CHECKS for found in check(night))]
    print("\n".join(night_checks.tabulate(night)))
    kills = ", ".join(f"{count} {kind}" for kind, count in scene.kills.items()) or "none"
    figures = (
        f"{', '.join(f'{count} {state}' for state, count in Counter(night.status.values()).items())}; kills: {kills}; "
        f"{campaign.starts} loops, {len(night.attempts)} attempts, {len(night.commits)} commits, "
        f"reviewed by {campaign.reviewer}, {took:.1f} s without judging, seed {options.seed}"
    )
    return scene.conclude(violations, figures)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
