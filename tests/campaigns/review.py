"""A campaign on reviews: does nothing land that was not approved, and is no work lost, while everything is killed?

`txlite ralph --review` works on a queue over a git repository, and a person reviews beside it: approves, two at a time
or one twice, rejects with a reason, commits on a branch that waits, commits on the base branch, leaves changes in the
working tree for a while. The stand-in agent does its task round by round: a line in a file of its own for each reason
it was told, a line in a file that all write at its own place, and for some a line at the end of a ledger, where they
conflict; told of a conflict it begins anew at the tip, and takes along what a person had committed. Meanwhile SIGKILL
hits everything at once, the loop and the approvals, at random moments and in the middle of chosen git commands, and
everything is started again. Judged:

  nothing is on the base branch but what a person had approved by then (looked at after each step, and at the end);
  a linear history, one commit for each task, with its title; a green gate at each commit;
  in the end each task is done, and its file has the lines of all its rounds: what was rejected was gone on with;
  each reason was in the prompt of the next attempt; an agent runs once for each round, but for those cut off;
  the person's own commits, on the base branch and on branches that waited, are there;
  nothing is left: processes, locks, worktrees, branches, claims; `git fsck` finds nothing broken.

With --steps an approval is killed at each of its git commands in turn, before it and after it, and made again.

Linux only (/proc). By hand:  python3 tests/campaigns/review.py [--tasks 20] [--kills 20] [--seed S] [--short] [--steps]
Prints its seed first; exit 0 if all promises held, else 1 with each violation named, and the directory is kept.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator

import harness

import txlite

LEFTOVER_PATIENCE = 20.0  # seconds until a process counts as left
AIM_PATIENCE = 2.0  # seconds to wait for the git command in which a kill is to hit
AIMS = ("merge", "rebase", "commit", "reset", "worktree\0add", "worktree\0remove", "update-ref", "merge-base", "status")
REJECTIONS = 2  # of a task, at the most, but for conflicts

GATE = r"""
import os, sys
top = os.path.dirname(os.path.abspath(__file__))
for name in sorted(os.listdir(top + "/jobs")):
    with open(top + "/jobs/" + name) as file:
        for line in file:
            if not line.startswith(("round ", "person ")):
                sys.exit(name + ": " + line)
with open(top + "/shared.py") as file:
    compile(file.read(), "shared.py", "exec")
if os.path.exists(top + "/ledger.txt"):
    with open(top + "/ledger.txt") as file:
        if any("<<<<" in line or ">>>>" in line for line in file):
            sys.exit("ledger.txt: half merged")
"""

AGENT = r"""#!PYTHON -IS
import os, re, subprocess, sys, time
root = "ROOT"
prompt = sys.stdin.read()
job, kind = re.search(r"job (\d+): ([a-z]+)", prompt).groups()
log = os.open(root + "/witness.log", os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)

def witness(event):
    os.write(log, ("%s %s %s %d %.6f\n" % (job, os.environ["TXLITE_TOKEN"], event, os.getpid(), time.time())).encode())

def add(path, line):
    text = open(path).read() if os.path.exists(path) else ""
    if line not in text.splitlines():
        with open(path, "w") as file:
            file.write(text + line + "\n")

witness("start")
reasons = re.findall(r"reason-(\d+)", prompt)
for reason in reasons:
    witness("saw:" + reason)
if "conflicts with" in prompt:
    witness("conflict")
    subprocess.run(["git", "reset", "-q", "--hard", "main"], check=True)
time.sleep(0.05)
known = "job%s.rounds" % job
for round in ["0", *open(root + "/" + known).read().split()] if os.path.exists(root + "/" + known) else ["0"]:
    add("jobs/%s.txt" % job, "round %s of job%s." % (round, job))
for reason in reasons:
    add("jobs/%s.txt" % job, "round %s of job%s." % (reason, job))
if "conflicts with" in prompt and os.path.exists(root + "/job%s.person" % job):
    for line in open(root + "/job%s.person" % job).read().splitlines():
        add("jobs/%s.txt" % job, line)  # which was on the branch that is begun anew
with open("shared.py") as file:
    text = file.read()
with open("shared.py", "w") as file:
    file.write(text.replace("slot_%s = None\n" % job, "slot_%s = 'job%s.'\n" % (job, job)))
if kind == "append":
    add("ledger.txt", "job%s." % job)
witness("end")
"""


# git, which kills who started it at its Nth call, before or after it has done its work.
KILLING_GIT = r"""#!/bin/sh
count=$(($(cat "ROOT/count") + 1))
echo $count > "ROOT/count"
test $count != "$(cut -d' ' -f1 "ROOT/kill")" && exec REAL "$@"
test "$(cut -d' ' -f2 "ROOT/kill")" = after && REAL "$@"
echo "$@" >> "ROOT/killed.log"
kill -9 $PPID
"""


class Campaign:
    """One queue over one repository, a person, and what was done to all of it."""

    def __init__(self, scene: harness.Scene, options: argparse.Namespace) -> None:
        self.scene = scene
        self.options = options
        self.random, self.path, self.violations = scene.random, scene.path, scene.violations
        self.top = self.path("repository")
        self.home = os.path.join(self.top, ".txlite")
        self.environment = scene.environment(
            PATH=f"{self.path('bin')}:{os.environ['PATH']}", GIT_CONFIG_GLOBAL=self.path("gitconfig"),
            GIT_CONFIG_NOSYSTEM="1", PYTHONPYCACHEPREFIX=self.path("compiled"),
        )  # fmt: skip
        self.loop: subprocess.Popen[bytes] | None = None
        self.numbers: dict[str, int] = {}  # of the jobs, by the ids of their tasks
        self.titles: dict[str, str] = {}
        self.rejections: Counter[str] = Counter()
        self.reasons: dict[str, list[int]] = {}  # by which each task was rejected, in order
        self.asked: dict[str, set[str]] = {}  # commits whose approval was asked for, by task; "" is any
        self.last_reason = 0
        self.mine: list[str] = []  # the person's own lines, by what they are in
        self.counts: Counter[str] = Counter()

    def prepare(self) -> None:
        self.write("gitconfig", "[user]\n\tname = Campaign\n\temail = campaign@example.org\n")
        self.write("bin/agent", AGENT.replace("PYTHON", sys.executable).replace("ROOT", self.scene.directory))
        os.chmod(self.path("bin/agent"), 0o700)
        self.write("repository/check.py", GATE)
        self.write("repository/jobs/0.txt", "round 0 of job0.\n")
        self.write("repository/.gitignore", "*.pyc\n__pycache__/\n.txlite/\n")
        slots = "".join(f"slot_{slot} = None\n# 1\n# 2\n# 3\n\n" for slot in range(1, self.options.tasks + 1))
        self.write("repository/shared.py", slots)
        self.git("init", "-q", "-b", "main")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "The beginning")
        self.start = self.git("rev-parse", "HEAD").strip()
        self.txlite("init")
        self.write("repository/.txlite/config.ini", f"[agent scripted]\ncommand = {self.path('bin/agent')}\n")
        with txlite.open(self.home) as store:
            ids: list[str] = []
            for number in range(1, self.options.tasks + 1):
                kind = "own" if self.options.steps else self.random.choice(("own", "own", "append"))
                title = f"write the part (job {number}: {kind})"
                is_alone = self.options.steps or not ids or self.random.random() > 0.2
                after = [] if is_alone else [self.random.choice(ids)]
                task = store.add(title, directory=self.top, after=after)
                ids.append(task.id)
                self.numbers[task.id], self.titles[task.id] = number, title

    def write(self, name: str, text: str, mode: str = "w") -> None:
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), mode, encoding="utf-8") as file:
            file.write(text)

    def git(self, *words: str, top: str = "", code: int | None = 0) -> str:
        done = subprocess.run(["git", *words], cwd=top or self.top, env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, check=False)  # fmt: skip
        if code is not None and done.returncode != code:
            raise RuntimeError(f"git {' '.join(words)}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode("utf-8", "surrogateescape")

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-S", "-m", "txlite", "--home", self.home, *words]

    def txlite(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        done = subprocess.run(self.command(*words), cwd=self.top, env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, check=False, timeout=120)  # fmt: skip
        if b"Traceback" in done.stderr or done.returncode == 70:
            self.violations.append(f"txlite {' '.join(words)}: {done.stderr.decode(errors='replace')[-300:]}")
        return done

    # The loop, the person, and the kills.

    def start_loop(self) -> None:
        words = [
            "ralph",
            "--agent",
            "scripted",
            "--review",
            "--verify",
            f"{sys.executable} -IS check.py",
            "--workers",
            "2",
            "--forever",
        ]
        words += ["--kill-after", "1s", "--max-failures", "1000", "--max-attempts", "50"]
        self.loop = self.scene.start(self.command(*words), "loop.log", self.top, self.environment)

    def drive(self) -> None:
        self.start_loop()
        deadline = time.monotonic() + self.options.seconds_limit
        while time.monotonic() < deadline:
            if self.loop and self.loop.poll() is not None:
                self.violations.append(f"the loop ended with {self.loop.returncode}")
                return
            waiting = self.look()
            if waiting is None:
                break
            if waiting:
                self.review(waiting)
            else:
                time.sleep(0.1)
            if sum(self.scene.kills.values()) < self.options.kills and self.random.random() < 0.3:
                self.kill()
            self.check_landed()
        else:
            self.violations.append(f"it did not end within {self.options.seconds_limit:g} s: {self.states()}")
        self.tidy()
        if self.loop:
            self.loop.send_signal(signal.SIGTERM)
            self.loop.wait(60)

    def states(self) -> Counter[str]:
        connection = harness.connect(self.home)
        found = Counter(row[0] for row in connection.execute("SELECT status FROM tasks"))
        connection.close()
        return found

    def look(self) -> list[dict] | None:
        """What waits for a review; None when all is done."""
        if set(self.states()) == {"done"}:
            return None
        done = self.txlite("review", "--json")
        return list(json.loads(done.stdout)) if done.returncode == 0 else []

    def review(self, waiting: list[dict]) -> None:
        one = self.random.choice(waiting)
        act = self.random.choices(("approve", "several", "twice", "reject", "mend", "commit", "draft"),
                                  (8, 4, 2, 4, 1, 2, 1))[0]  # fmt: skip
        self.counts[act] += 1
        if act == "several":
            self.approve(*self.random.sample(waiting, min(len(waiting), 3)))
        elif act == "twice":
            self.approve(one, times=2)
        elif act == "reject" and self.rejections[one["id"]] < REJECTIONS:
            self.reject(one["id"], "")
        elif act == "mend":
            self.mend(one)
        elif act == "commit":
            self.commit_on_base()
        elif act == "draft":
            self.leave_a_draft(one)
        else:
            self.approve(one)

    def approve(self, *several: dict, times: int = 1) -> None:
        """Approve, in as many processes at once, perhaps killed on the way; what conflicts is rejected."""
        ids = [one["id"] for one in several]
        for one in several:
            self.asked.setdefault(one["id"], set()).add(one["commit"])
        before = len(harness.read(self.path("approve.log")))
        running = [self.scene.start(self.command("approve", *ids), "approve.log", self.top, self.environment)
                   for _ in range(times)]  # fmt: skip
        if sum(self.scene.kills.values()) < self.options.kills and self.random.random() < 0.35:
            self.kill()
        for process in running:
            process.wait(120)
            if process.returncode not in (0, 1, -signal.SIGKILL):
                self.violations.append(f"approve ends with {process.returncode}")
        log = harness.read(self.path("approve.log"))[before:].decode(errors="replace")
        for id in ids:
            last = log.rpartition(f"{id} did not land: ")[2].split("\n")[0] if f"{id} did not land: " in log else ""
            if last.startswith("it conflicts") and self.random.random() < 0.8:
                self.reject(id, "it conflicts with what is there: ")

    def reject(self, id: str, why: str) -> None:
        self.last_reason += 1
        done = self.txlite("reject", id, f"{why}reason-{self.last_reason}")
        if done.returncode == 0:
            self.rejections[id] += 1
            self.reasons.setdefault(id, []).append(self.last_reason)
            self.write(f"job{self.numbers[id]}.rounds", f"{self.last_reason}\n", "a")

    def mend(self, one: dict) -> None:
        """Commit something on the branch that waits, and approve that."""
        place, number = os.path.join(self.home, "worktrees", one["id"]), self.numbers[one["id"]]
        line = f"person {self.last_reason} of job{number}.\n"
        try:
            with open(os.path.join(place, f"jobs/{number}.txt"), "a") as file:
                file.write(line)
            self.git("commit", "-qam", "by hand", top=place)
        except (OSError, RuntimeError):
            return  # a kill came between
        self.mine.append(line)
        self.write(f"job{number}.person", line, "a")
        self.approve({**one, "commit": self.git("rev-parse", "HEAD", top=place).strip()})

    def commit_on_base(self) -> None:
        if self.git("rev-parse", "-q", "--verify", "refs/heads/txlite-base/main", code=None):
            return  # it would go another way than what is held back for it, which is told, and for a person to merge
        self.last_reason += 1
        self.write(f"repository/mine/{self.last_reason}.txt", "mine\n")
        try:
            self.git("add", "mine")
            self.git("commit", "-qm", f"mine {self.last_reason}")
        except RuntimeError:  # a kill, or the loop, was there
            os.unlink(self.path(f"repository/mine/{self.last_reason}.txt"))
            self.git("reset", "-q", code=None)

    def leave_a_draft(self, one: dict) -> None:
        """Something that is not committed is in the working tree as work lands, and in its way, or not."""
        name = self.random.choice(("draft.txt", "check.py", "shared.py"))
        place = self.path(f"repository/{name}")
        draft = harness.read(place) + b"# a draft\n"
        self.write(f"repository/{name}", "# a draft\n", "a")
        self.approve(one)
        if harness.read(place) != draft:
            self.violations.append(f"a person's draft in {name} was changed")
        if name == "draft.txt":
            os.unlink(place)
        else:
            self.write(f"repository/{name}", self.git("show", f"HEAD:{name}"))

    def kill(self) -> None:
        what = "everything"
        if self.random.random() < 0.6:
            aim = self.random.choice(AIMS)
            if self.freeze(aim.encode()):
                what += f" in git {aim}".replace("\0", " ")
        else:
            time.sleep(self.random.uniform(0, 0.8))
        struck = self.scene.kill_all()
        if self.loop:
            self.loop.wait()
        self.scene.note_kill(what, struck)
        self.start_loop()

    def freeze(self, command: bytes) -> bool:
        """Stop the first git that is seen at this command, so that the kill hits it there."""
        deadline = time.monotonic() + AIM_PATIENCE
        while time.monotonic() < deadline:
            for name in filter(str.isdigit, os.listdir("/proc")):
                words = harness.read(f"/proc/{name}/cmdline")
                if words.startswith(b"git\0") and b"\0" + command + b"\0" in words and self.scene.is_ours(name):
                    time.sleep(self.random.choice((0, 0.002, 0.005)))
                    try:
                        os.kill(int(name), signal.SIGSTOP)
                        return True
                    except ProcessLookupError:
                        pass
            time.sleep(0.001)
        return False

    def check_landed(self) -> None:
        """Nothing is there, or held back for it, that nobody approved."""
        for branch in ("main", "txlite-base/main"):
            log = self.git("log", "--format=%s", f"{self.start}..{branch}", code=None)
            for id in re.findall(r"(?m)^Complete (tx-[a-z0-9]+): ", log):
                if id not in self.asked:
                    self.violations.append(f"{id} is on {branch}, and nobody had approved it")

    def tidy(self) -> None:
        """What is held back comes home, as with the next loop; what waits for nobody is cleaned up."""
        if self.loop:
            self.loop.send_signal(signal.SIGTERM)
            self.loop.wait(60)
        self.loop = None
        self.txlite("ralph", "--agent", "scripted", "--review", "--verify", "true")
        self.txlite("reconcile")
        self.txlite("cleanup", "--force", "--compress-only")

    def end(self) -> None:
        self.scene.clear(LEFTOVER_PATIENCE)


def check_history(campaign: Campaign) -> Iterator[str]:
    """The base branch, commit by commit, and the gate at each."""
    parent, own = campaign.start, Counter[str]()
    clone = campaign.path("clone")
    campaign.git("clone", "-q", "--no-local", campaign.top, clone)
    log = campaign.git("log", "-z", "--reverse", "--format=%H%x1f%P%x1f%B", f"{campaign.start}..main")
    for commit, parents, message in (entry.split("\x1f") for entry in log.split("\0") if entry):
        if parents != parent:
            yield f"commit {commit[:10]} has the parents {parents}: not linear"
        parent = commit
        found = re.match(r"Complete (tx-[a-z0-9]+): (.*)", message)
        if found:
            own[found[1]] += 1
            if found[2].strip() != campaign.titles.get(found[1]):
                yield f"commit {commit[:10]} says {message!r}"
        elif not message.startswith("mine "):
            yield f"commit {commit[:10]} is nobody's: {message!r}"
        campaign.git("checkout", "-q", "--detach", commit, top=clone)
        done = subprocess.run([sys.executable, "-IS", "check.py"], cwd=clone, capture_output=True, check=False)
        if done.returncode:
            yield f"the gate is red at {commit[:10]}: {done.stderr.decode(errors='replace').strip()[-200:]}"
    for id, number in campaign.numbers.items():
        if own[id] != 1:
            yield f"job {number} ({id}) has {own[id]} commits on the base branch"


def check_effects(campaign: Campaign) -> Iterator[str]:
    """The work of all rounds is there, once."""
    shared = campaign.git("show", "main:shared.py")
    every = "".join(campaign.git("show", f"main:jobs/{number}.txt", code=None) for number in campaign.numbers.values())
    for id, number in campaign.numbers.items():
        text = campaign.git("show", f"main:jobs/{number}.txt", code=None).splitlines()
        for reason in (0, *campaign.reasons.get(id, ())):
            count = text.count(f"round {reason} of job{number}.")
            if count != 1:
                yield f"job {number} ({id}): round {reason} is in its file {count} times"
        if shared.count(f"'job{number}.'") != 1:
            yield f"job {number} ({id}): its slot has not its mark"
    for line in campaign.mine:
        if line not in every:
            yield f"what a person committed on a branch is gone: {line.strip()}"
    for name in os.listdir(campaign.path("repository/mine")) if os.path.isdir(campaign.path("repository/mine")) else ():
        if not campaign.git("ls-tree", "main", f"mine/{name}"):
            yield f"what a person committed is gone: mine/{name}"


def check_agents(campaign: Campaign) -> Iterator[str]:
    """Each reason was told, and no agent ran more often than it had to."""
    lines = harness.read_witness(campaign.path("witness.log"))
    connection = harness.connect(campaign.home)
    rows = connection.execute(
        "SELECT t.id, a.id, a.agent, a.outcome, a.note FROM attempts a JOIN tasks t ON t.seq = a.task"
    )
    attempts = list(rows)
    claims = connection.execute("SELECT count(*) FROM claims").fetchone()[0]
    yield from harness.check_integrity(connection)
    connection.close()
    if claims:
        yield f"{claims} claims are left"
    for id, number in campaign.numbers.items():
        starts = [line.token for line in lines if line.task == number and line.event == "start"]
        saw = {line.event[4:] for line in lines if line.task == number and line.event.startswith("saw:")}
        cut = sum(one[3] in ("lost", "interrupted") for one in attempts if one[0] == id and one[2] != "review")
        failed = [one for one in attempts if one[0] == id and one[2] != "review" and one[3] == "failed"]
        reasons = campaign.reasons.get(id, [])
        for one in failed:
            yield f"job {number} ({id}): attempt {one[1]} failed: {one[4]}"
        if len(starts) > 1 + len(reasons) + cut:
            yield f"job {number} ({id}): {len(starts)} agents for {len(reasons)} rejections and {cut} cut off"
        for reason in reasons:
            if str(reason) not in saw:
                yield f"job {number} ({id}): nobody was told reason {reason}"


def check_left(campaign: Campaign) -> Iterator[str]:
    """What is left in the repository and in home."""
    if campaign.git("status", "--porcelain"):
        yield f"the working tree is not clean: {campaign.git('status', '--porcelain')[:200]}"
    for name in campaign.git("for-each-ref", "--format=%(refname)", "refs/heads").splitlines():
        if name != "refs/heads/main":
            yield f"a branch is left: {name}"
    for path in campaign.git("worktree", "list", "--porcelain").split("worktree ")[2:]:
        yield f"a worktree is registered still: {path.split()[0]}"
    worktrees = os.path.join(campaign.home, "worktrees")
    yield from (f"left in worktrees: {name}" for name in (os.listdir(worktrees) if os.path.isdir(worktrees) else ()))
    for directory, _, names in os.walk(os.path.join(campaign.top, ".git")):
        for name in names:
            if name == "packed-refs.lock":
                continue  # of a git that was killed as it deleted a ref: the next of ours that does so removes it
            if not name.startswith("txlite-") and (name.endswith((".lock", ".new")) or ".txlite-" in name):
                yield f"left: {directory}/{name}"
    done = subprocess.run(["git", "fsck", "--full", "--no-dangling"], cwd=campaign.top, env=campaign.environment,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)  # fmt: skip
    if done.returncode:
        yield f"git fsck: {done.stdout.decode()[:200]}"


def sweep(campaign: Campaign) -> Iterator[str]:
    """Kill approvals at each of their git commands; every task is for one kill, and the base moves with each. What a
    person has not committed lies in its working tree all the while."""
    campaign.prepare()
    loop = campaign.txlite("ralph", "--agent", "scripted", "--review", "--verify", "true", "--workers", "4")
    if loop.returncode != 1:
        yield f"the loop ended with {loop.returncode}"
    campaign.write(
        "bin/git", KILLING_GIT.replace("ROOT", campaign.scene.directory).replace("REAL", str(shutil.which("git")))
    )
    campaign.write("repository/draft.txt", "a draft\n")
    campaign.write("repository/check.py", "# a draft\n", "a")
    draft = campaign.git("diff") + campaign.git("status", "--porcelain")
    when, step = "before", 0
    for one in json.loads(campaign.txlite("review", "--json").stdout):
        step += 1
        campaign.write("count", "0\n")
        campaign.write("kill", f"{step} {when}\n")
        os.chmod(campaign.path("bin/git"), 0o700)
        killed = campaign.txlite("approve", one["id"])
        os.chmod(campaign.path("bin/git"), 0o600)
        named = (
            f"killed {when} git command {step} ({harness.read(campaign.path('killed.log')).decode().splitlines()[-1:]})"
        )
        if killed.returncode != -signal.SIGKILL:  # it has no more commands
            if when == "after":
                print(f"{step - 1} commands, before and after", flush=True)
                return
            when, step = "after", 0
            continue
        campaign.scene.kill_all()
        subject = f"Complete {one['id']}: "
        before = campaign.git("log", "--format=%s", "main").count(subject)
        again = campaign.txlite("approve", one["id"])
        if again.returncode:
            yield f"{named}: the next approval ends with {again.returncode}: {again.stderr.decode()[:300]}"
        elif campaign.git("log", "--format=%s", "main").count(subject) != 1 or before > 1:
            yield f"{named}: {one['id']} is not on main once"
        if campaign.git("diff") + campaign.git("status", "--porcelain") != draft:
            yield f"{named}: a person's draft, or more, was changed: {campaign.git('status', '--porcelain')[:200]}"
        if os.path.exists(os.path.join(campaign.home, "worktrees", one["id"])):
            yield f"{named}: its worktree is left: {again.stderr.decode()[:200]}"
    yield f"there were too few tasks: give more than {campaign.options.tasks} with --tasks"


CHECKS = (check_history, check_effects, check_agents, check_left)


def main(argv: list[str]) -> int:
    parser = harness.make_parser("Review what txlite ralph did, kill everything, and check it.")
    parser.add_argument("--tasks", type=int, help="(20)")
    parser.add_argument("--kills", type=int, help="(20)")
    parser.add_argument("--seconds-limit", type=float, default=400, metavar="N", help="(400)")
    parser.add_argument("--short", action="store_true", help="five tasks, three kills")
    parser.add_argument("--steps", action="store_true", help="kill approvals at each of their git commands (80 tasks)")
    options = parser.parse_args(argv)
    options.tasks = options.tasks or (5 if options.short else 80 if options.steps else 20)
    options.kills = (3 if options.short else 20) if options.kills is None else options.kills
    scene = harness.Scene("review", options)
    campaign = Campaign(scene, options)
    found: list[str] = []
    if options.steps:
        harness.play(lambda: found.extend(sweep(campaign)), end=campaign.end)
    else:
        harness.play(campaign.prepare, campaign.drive, end=campaign.end)
    checks = () if options.steps else CHECKS
    violations = [*scene.violations, *found, *(said for check in checks for said in check(campaign))]
    kills = ", ".join(f"{count} {kind}" for kind, count in scene.kills.items()) or "none"
    acts = ", ".join(f"{count} {act}" for act, count in campaign.counts.items())
    return scene.conclude(violations, f"{options.tasks} tasks; kills: {kills}; reviews: {acts}; seed {options.seed}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
