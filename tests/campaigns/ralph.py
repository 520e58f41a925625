"""A campaign on RALPH: does a loop keep its promises over a real repository, with agents of every kind, and kills?

`txlite ralph` is given a queue of tasks over a git repository with files that a gate really checks. The stand-in
`claude` knows from a task's title what it has to do, and how: it edits files of its own and shared ones, commits by
itself, fails, hangs, exits 0 without the work, breaks the gate, prints a usage limit, ignores TERM, leaves children,
secrets, half-done merges and rebases, switches branches, says done and stays. Meanwhile SIGKILL hits everything of the
loop, its supervisor or a worker, at random moments and in the middle of chosen git commands, and the loop is started
again with the same command line. Judged at the end, by git, by the database, and by what the agents wrote into a
witness log themselves, one O_APPEND write a line:

  every task is done, or put aside with a true reason; those that can be done are done, and no others;
  the base branch: one commit `Complete ID: title` for each done task that changed something, and none for others; a
  linear history; a green gate at each commit; the effect of each done task, and nothing of any that was put aside;
  the working tree of the base branch is clean, and on it; home, secrets and done-files are in no commit of it;
  nothing is lost: what a failed attempt had left is parked, what a cut-off one had left was seen by the next, or is;
  no agent is started again for work that is on the base branch already;
  no two attempts of a task overlap, and in one working tree no two at all;
  nothing is left: processes, locks, worktrees, branches, claims; `git fsck` and `txlite doctor` find nothing broken;
  `ralph --report` counts what happened.

Linux only (/proc). By hand:  python3 tests/campaigns/ralph.py [--tasks 40] [--workers 4] [--kills 10] [--seed S]
With --workers 1 it works in place; --short is for CI. Prints its seed first; exit 0 if all promises held, else 1 with
each violation named, and the directory is kept.
"""

from __future__ import annotations

import argparse
import glob
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

import harness
from checkout import GATE, Commit, judge_commits, read_blobs, read_tree

import txlite

LEFTOVER_PATIENCE = 20.0  # seconds until a process counts as left
AIM_PATIENCE = 4.0  # seconds to wait for the git command in which a kill is to hit
UNEXPECTED_EXITS = 3  # of the loop, until the campaign gives up
ATTEMPTS = 3
SLOTS = 64  # of the shared modules, each for one task
DEPENDENT_SHARE = 0.2

# kind of kill -> weight
KILLS = {"everything": 12, "supervisor": 3, "worker": 3}
AIMED_SHARE = 0.6  # of the kills of everything: in the middle of a git command
AIMS = ("merge", "rebase", "commit", "reset", "checkout", "worktree\0add", "worktree\0remove", "add", "update-ref",
        "commit-tree", "clean")  # fmt: skip


class Kind(NamedTuple):
    """How a stand-in does its task."""

    weight: int
    ends: str  # done, failed, or either: done, or put aside for a conflict
    commits: bool = True  # whether there is anything to commit


KINDS = {
    "own": Kind(8, "done"),  # files of its own
    "edit": Kind(5, "done"),  # a line of its own in a module that others edit, too
    "append": Kind(5, "either"),  # a line at the end of a file to which others append
    "delete": Kind(3, "done"),
    "junk": Kind(3, "done"),  # untracked files with the names that nobody thinks of
    "commit": Kind(4, "done"),  # commits a part of it by itself
    "subdirectory": Kind(2, "done"),  # its directory lies below the top
    "command": Kind(2, "done"),  # a command, and no prompt
    "noop": Kind(2, "done", False),
    "fail-once": Kind(4, "done"),  # leaves a half of it and exits with 1; later it does it
    "nowork-once": Kind(2, "done"),  # exits with 0, and its own gate says no
    "gate-once": Kind(3, "done"),  # breaks the repository's gate
    "limit-once": Kind(2, "done"),  # its provider refuses, for two seconds
    "hang-once": Kind(2, "done"),  # sleeps, and ignores TERM: the stall limit
    "busy-once": Kind(1, "done"),  # writes for ever: the time limit
    "secret-once": Kind(2, "done"),
    "switch-once": Kind(2, "done"),  # leaves the branch
    "hide-once": Kind(2, "done"),  # commits, and goes back to where it was
    "merge-once": Kind(2, "done"),  # leaves a merge half done
    "rebase-once": Kind(2, "done"),  # leaves a rebase half done
    "stubborn": Kind(2, "done"),  # ignores TERM, and leaves a child that does
    "daemon": Kind(3, "done"),  # leaves children in sessions of their own
    "said-done": Kind(2, "done"),  # says done and stays
    "done-file": Kind(2, "done"),  # the same by a file, and exits with 1
    "result": Kind(2, "done"),  # prints its result and stays
    "fail": Kind(3, "failed"),
    "nowork": Kind(2, "failed"),
    "liar": Kind(2, "failed"),  # says done, and has done nothing
    "gate": Kind(2, "failed"),
    "secret": Kind(1, "failed"),
    "hang": Kind(1, "failed"),
}
SHORT = ("own", "own", "edit", "append", "append", "commit", "fail-once", "gate-once", "limit-once", "daemon",
         "said-done", "fail", "junk", "merge-once")  # fmt: skip
TITLES = ("write the part", "it's \"quoted\"", "costs $HOME and $(touch /tmp/PWNED)", "`touch PWNED` \\", "two\n lines",
          "-m --amend", "# a comment", "ümläut → ✓", "100 % %s {{TASK_ID}}", "; rm -rf *")  # fmt: skip

AGENT = r'''#!PYTHON -IS
"""The stand-in. Its witness log: lines of job, token, event, PID, time."""
import json, os, re, signal, subprocess, sys, time

root = "ROOT"
prompt = sys.stdin.readline() if "--input-format" in sys.argv else sys.stdin.read()
job, kind = re.search(r"job (\d+): ([a-z-]+)", prompt).groups()
token, task, home = os.environ["TXLITE_TOKEN"], os.environ["TXLITE_TASK"], os.environ["TXLITE_HOME"]
log = os.open(root + "/witness.log", os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
module, data = "src/job%s.py" % job, "data/job%s.txt" % job
if kind == "subdirectory":
    os.chdir("..")

def witness(event):
    os.write(log, ("%s %s %s %d %.6f\n" % (job, token, event, os.getpid(), time.time())).encode())

def has(event):
    with open(root + "/witness.log") as file:
        return any(line.split()[:3:2] == [job, event] for line in file)

def read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""

def write(path, words, mode="w"):
    with open(path, mode) as file:
        file.write(words)

def git(*words):
    return subprocess.run(["git", "-c", "maintenance.auto=false", *words],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode

def others():
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try:
                with open("/proc/" + name + "/cmdline", "rb") as file:
                    if (root + "/bin/claude").encode() in file.read().split(b"\0"):
                        with open("/proc/" + name + "/environ", "rb") as file:
                            surroundings = file.read().split(b"\0")
                        if IN_PLACE or b"TXLITE_TASK=" + task.encode() in surroundings:
                            yield name
            except OSError:
                pass

def half():
    write(module, "HALF = 'half%s.%s.'\n" % (job, token))
    write("half%s.txt" % job, "half%s.%s.\n" % (job, token))
    witness("left")

def own():
    write(module, "VALUE = 'job%s.'\n" % job)
    write(data, "a 1\njob%s. %s\nsum %d\n" % (job, job, int(job) + 1))

def leave_children(stubborn=False):
    loop = "trap '' TERM; " * stubborn + "n=0; while [ $n -lt 1500 ]; do sleep 0.2; n=$((n+1)); " \
        "echo %s %s beat $$ 0 >> %s/witness.log; done" % (job, token, root)
    for words in ([], ["env", "-i"]):
        subprocess.Popen([*words, "/bin/sh", "-c", loop, "MARKER:child"], start_new_session=True,
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

def stay():
    time.sleep(300)

def misbehave():
    """What kinds do that do not do their work; does not return."""
    what = kind.replace("-once", "")
    if what == "fail":
        half()
    elif what == "gate":
        half()
        write(data, "a 1\nhalf%s.%s. %s\nsum 0\n" % (job, token, job))
    elif what == "limit":
        print(json.dumps({"type": "rate_limit_event", "rate_limit_info":
            {"status": "rejected", "resetsAt": int(time.time()) + 2, "rateLimitType": "five_hour"}}))
        print(json.dumps({"type": "result", "subtype": "success", "is_error": True, "api_error_status": 429,
            "result": "You've hit your session limit"}), flush=True)
    elif what == "hang":
        half()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        stay()
    elif what == "busy":
        half()
        while True:
            print("working", flush=True)
            time.sleep(0.2)
    elif what == "secret":
        half()
        write(".env", "TOKEN=half%s.%s.\n" % (job, token))
        witness("erred")
        sys.exit(0)
    elif what == "switch":
        half()
        git("checkout", "-q", "-b", "side-%s-%s" % (job, token))
        git("add", module)
        git("commit", "-qm", "of job %s: elsewhere" % job)
        witness("erred")
        sys.exit(0)
    elif what == "hide":
        half()
        git("add", "-A", "--", module, "half%s.txt" % job)
        git("commit", "-qm", "of job %s: hidden" % job)
        git("checkout", "-q", "--detach", "HEAD~1")
    elif what in ("merge", "rebase"):
        start = subprocess.run(["git", "rev-parse", "HEAD"], stdout=subprocess.PIPE).stdout.decode().strip()
        branch = subprocess.run(["git", "rev-parse", "--abbrev-ref", "HEAD"],
                                stdout=subprocess.PIPE).stdout.decode().strip()
        if branch == "HEAD" or git("rev-parse", "-q", "--verify", "MERGE_HEAD") == 0:
            sys.exit(1)  # what an attempt that was cut off has left
        half()
        git("add", module)
        git("commit", "-qm", "of job %s: one side" % job)
        git("checkout", "-q", "-b", "side-%s-%s" % (job, token), start)
        write(module, "OTHER = 'half%s.%s.'\n" % (job, token))
        git("add", module)
        git("commit", "-qm", "of job %s: other side" % job)
        git("checkout", "-q", branch)
        git(*(["merge", "-q"] if what == "merge" else ["rebase", "-q"]), "side-%s-%s" % (job, token))
    elif what == "liar":
        half()
        subprocess.run(["txlite", "done", task])
    elif what == "nowork":
        write("half%s.txt" % job, "half%s.%s.\n" % (job, token))
        witness("left")
    witness("erred")
    sys.exit(0 if what in ("gate", "liar", "nowork") else 1)

for pid in others():
    witness("overlap:" + pid)
witness("start")
for seen in re.findall(r"(half\d+\.\d+|job\d+)\.", read(module) + read("half%s.txt" % job)):
    witness("saw:" + seen)
if kind != "noop" and subprocess.run(["git", "log", "--format=%s", "BASE"], stdout=subprocess.PIPE).stdout.decode() \
        .find("Complete %s: " % task) >= 0:
    witness("again")
if kind == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
time.sleep(int(job) * 37 % 11 / 40)
if kind.endswith("-once") and not has("erred") or kind in ("fail", "nowork", "liar", "gate", "secret", "hang"):
    if kind in ("hang-once", "busy-once"):
        witness("erred")
    misbehave()
for path in ("half%s.txt" % job, ".env"):
    if "half%s." % job in read(path):
        os.unlink(path)
if kind == "edit":
    path = "src/shared%d.py" % (int(job) % 2)
    write(path, re.sub("(?m)^slot_%s = .*$" % job, "slot_%s = 'job%s.'" % (job, job), read(path)))
elif kind == "append":
    if "job%s." % job not in read("ledger.txt"):
        write("ledger.txt", "job%s.\n" % job, "a")
elif kind == "delete":
    if os.path.exists("old/%s.txt" % job):
        os.unlink("old/%s.txt" % job)
elif kind == "junk":
    os.makedirs("junk %s" % job, exist_ok=True)
    for name in ("a b", "-rf", "new\nline", "\u00fc\u2713", ":(top)x", "'q'\"", "*"):
        write("junk %s/%s" % (job, name), "job%s.\n" % job)
elif kind == "commit":
    write(module, "VALUE = 'job%s.'\n" % job)
    git("add", module)
    git("commit", "-qm", "of job %s: a part" % job)
    own()
elif kind != "noop":
    own()
witness("worked")
if kind == "daemon":
    leave_children()
elif kind == "stubborn":
    leave_children(stubborn=True)
elif kind == "said-done":
    subprocess.run(["txlite", "done", task], check=True)
    witness("end")
    stay()
elif kind == "done-file":
    write(os.environ["TXLITE_DONE_FILE"], "done\n")
    witness("end")
    sys.exit(1)
elif kind == "result":
    print(json.dumps({"type": "result", "subtype": "success", "is_error": False, "result": "done"}), flush=True)
    witness("end")
    stay()
witness("end")
'''


class Job(NamedTuple):
    """One task, as the campaign means it."""

    number: int
    kind: str
    id: str
    title: str
    after: int | None  # the number of the job that it waits for


class Campaign:
    """One queue over one repository, and what was done to it."""

    def __init__(self, scene: harness.Scene, options: argparse.Namespace) -> None:
        self.scene = scene
        self.options = options
        self.directory, self.path, self.random, self.marker = scene.directory, scene.path, scene.random, scene.marker
        self.kills, self.violations = scene.kills, scene.violations
        self.top = self.path("repository")
        self.home = os.path.join(self.top, ".txlite")
        self.starts = 0
        self.unexpected_exits = 0
        self.jobs: list[Job] = []
        self.process: subprocess.Popen[bytes] | None = None
        self.environment = scene.environment(
            PATH=f"{self.path('bin')}:{os.environ['PATH']}", GIT_CONFIG_GLOBAL=self.path("gitconfig"),
            GIT_CONFIG_NOSYSTEM="1", PYTHONPYCACHEPREFIX=self.path("compiled"),
        )  # fmt: skip

    @property
    def is_in_place(self) -> bool:
        return bool(self.options.workers == 1)

    # The repository, the agent and the queue.

    def prepare(self) -> None:
        self._write("gitconfig", "[user]\n\tname = Campaign\n\temail = campaign@example.org\n")
        self._write("bin/claude", AGENT.replace("PYTHON", sys.executable).replace("ROOT", self.directory)
                    .replace("MARKER", self.marker).replace("IN_PLACE", str(self.is_in_place))
                    .replace("BASE", "main"))  # fmt: skip
        os.chmod(self.path("bin/claude"), 0o700)
        kinds = self._draw_kinds()
        self._write("repository/check.py", GATE)
        self._write("repository/ledger.txt", "job0.\n")
        self._write("repository/data/base.txt", "a 1\nb 2\nsum 3\n")
        self._write("repository/.gitignore", "*.pyc\n__pycache__/\n")
        for number in (0, 1):
            slots = "".join(f"slot_{slot} = None\n# 1\n# 2\n# 3\n\n" for slot in range(1, max(SLOTS, len(kinds)) + 1))
            self._write(f"repository/src/shared{number}.py", slots)
        for number in range(1, len(kinds) + 1):
            self._write(f"repository/old/{number}.txt", f"old{number}\n")
        self.git("init", "-q", "-b", "main")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "The beginning")
        self.start = self.git("rev-parse", "HEAD").strip()
        self.txlite("init")
        self._add(kinds)

    def _write(self, name: str, text: str) -> None:
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def _draw_kinds(self) -> list[str]:
        count = self.options.tasks
        if self.options.only:
            return [self.random.choice(self.options.only) for _ in range(count)]
        if self.options.short:
            kinds = list(SHORT[:count])
        else:
            kinds = list(KINDS)
            self.random.shuffle(kinds)
            kinds = kinds[:count]
        weights = [kind.weight for kind in KINDS.values()]
        kinds += self.random.choices(list(KINDS), weights, k=count - len(kinds))
        self.random.shuffle(kinds)
        return kinds

    def _add(self, kinds: list[str]) -> None:
        with txlite.open(self.home) as store:
            for number, kind in enumerate(kinds, 1):
                title = f"{self.random.choice(TITLES)} (job {number}: {kind})"
                earlier = None
                if self.jobs and self.random.random() < DEPENDENT_SHARE:
                    earlier = self.random.choice(self.jobs)
                directory = os.path.join(self.top, "src") if kind == "subdirectory" else self.top
                gate = self.gate("../check.py") if kind == "subdirectory" else None
                if kind.startswith(("nowork", "liar")):
                    gate = f"{self.gate()} && grep -q job{number}[.] src/job{number}.py"
                command = f"printf 'job%s.\\n' {number} > job{number}.txt" if kind == "command" else None
                task = store.add(
                    title, command=command, directory=directory, verify=gate, score=self.random.randrange(5),
                    after=[earlier.id] if earlier else [],
                )  # fmt: skip
                self.jobs.append(Job(number, kind, task.id, title, earlier.number if earlier else None))

    def gate(self, path: str = "check.py") -> str:
        return f"{sys.executable} -IS {path}"

    def git(self, *words: str, top: str = "", code: int | None = 0) -> str:
        done = subprocess.run(
            ["git", *words], cwd=top or self.top, env=self.environment, stdin=subprocess.DEVNULL,
            capture_output=True, check=False,
        )  # fmt: skip
        if code is not None and done.returncode != code:
            raise RuntimeError(f"git {' '.join(words)}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode("utf-8", "surrogateescape")

    def txlite(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-S", "-m", "txlite", "--home", self.home, *words], cwd=self.top, env=self.environment,
            stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=120,
        )  # fmt: skip

    # The loop, and the kills.

    def start_loop(self) -> subprocess.Popen[bytes]:
        limits = ["--timeout", "8s", "--stall", "4s", "--settle", "1s", "--kill-after", "1s"]
        command = [sys.executable, "-S", "-m", "txlite", "--home", self.home, "ralph", "--verify", self.gate()]
        command += ["--workers", str(self.options.workers), "--max-attempts", str(ATTEMPTS), *limits]
        command += ["--max-failures", "1000"]
        self.starts += 1
        with open(self.path("loop.log"), "ab") as output:
            output.write(b"--- start %d\n" % self.starts)
        self.process = self.scene.start(command, "loop.log", self.top, self.environment)
        return self.process

    def drive(self) -> None:
        """Run the loop to its end, killing on the way."""
        process = self.start_loop()
        deadline = time.monotonic() + self.options.seconds_limit
        while time.monotonic() < deadline:
            is_over = self._wait(process, self._next_kill())
            if not is_over and self._kill(process) and process.poll() is None:
                continue  # one of its workers only
            if process.poll() is None:
                continue
            if process.returncode != -signal.SIGKILL and self._is_finished(process.returncode):
                return
            if self.unexpected_exits >= UNEXPECTED_EXITS:
                return
            process = self.start_loop()
        self.violations.append(f"it did not end within {self.options.seconds_limit:g} s")

    def _next_kill(self) -> int | None:
        """How many agents must have been started for the next kill; None where there is none left."""
        done = sum(self.kills.values())
        if done >= self.options.kills:
            return None
        return int((done + 0.5) * 0.85 * self.options.tasks / self.options.kills)

    def _wait(self, process: subprocess.Popen[bytes], starts: int | None) -> bool:
        """Wait for the end of the loop, or for so many agents and a moment more; whether it has ended."""
        deadline = time.monotonic() + self.options.seconds_limit
        while time.monotonic() < deadline:
            if starts is not None and harness.read(self.path("witness.log")).count(b" start ") >= starts:
                deadline, starts = time.monotonic() + self.random.uniform(0, 1.5), None
            try:
                process.wait(0.05)
                return True
            except subprocess.TimeoutExpired:
                pass
        return False

    def _is_finished(self, code: int) -> bool:
        """Whether nothing is left to do, after it ended by itself."""
        log = harness.read(self.path("loop.log")).rpartition(b"--- start")[2].decode(errors="replace")
        said = [line for line in log.splitlines() if line.startswith(("txlite:", "error:")) or "Traceback" in line]
        connection = harness.connect(self.home)
        sql = "SELECT count(*) FROM tasks WHERE status = 'active' OR status = 'backlog' AND open_blockers = 0"
        left = connection.execute(sql).fetchone()[0]
        connection.close()
        if code in (0, 1) and not said and not left:
            return True
        self.unexpected_exits += 1
        why = " / ".join(said) or log.strip().splitlines()[-1:]
        self.violations.append(f"the loop ended with {code} and {left} tasks left: {why}")
        return False

    def _kill(self, process: subprocess.Popen[bytes]) -> bool:
        """Kill as the dice say; False if there was nobody."""
        kind = "everything" if self.options.aim else self.random.choices(list(KILLS), list(KILLS.values()))[0]
        what = kind
        if kind == "everything":
            if self.options.aim or self.random.random() < AIMED_SHARE:
                aim = self.random.choice(self.options.aim or AIMS).replace(" ", "\0")
                if self._freeze(aim.encode(), process):
                    what += f" in git {aim}".replace("\0", " ")
            struck = self.scene.kill_all()
        elif kind == "supervisor":
            struck = [process.pid] if harness.strike(process.pid) else []
        else:
            workers = [one.pid for one in self.scene.workers()]
            struck = [pid for pid in self.random.sample(workers, min(1, len(workers))) if harness.strike(pid)]
        if not struck:
            return False
        if kind != "worker":
            process.wait()
        self.scene.note_kill(what, struck)
        return True

    def _freeze(self, command: bytes, process: subprocess.Popen[bytes]) -> bool:
        """Stop the first git that is seen at this command, so that the kill hits it there."""
        known = {name for name in os.listdir("/proc") if name.isdigit()}
        deadline = time.monotonic() + AIM_PATIENCE
        while time.monotonic() < deadline and process.poll() is None:
            for name in os.listdir("/proc"):
                if not name.isdigit() or name in known:
                    continue
                words = harness.read(f"/proc/{name}/cmdline")
                if words.startswith(b"git\0") and b"\0" + command + b"\0" in words and self.scene.is_ours(name):
                    time.sleep(self.random.choice((0, 0.002, 0.005, 0.01)))
                    try:
                        os.kill(int(name), signal.SIGSTOP)
                        return True
                    except ProcessLookupError:
                        pass
            time.sleep(0.001)
        return False

    def end(self) -> None:
        self.scene.clear(LEFTOVER_PATIENCE)
        if self.process:
            self.process.wait()


class Facts:
    """What is judged, read once."""

    def __init__(self, campaign: Campaign) -> None:
        self.campaign = campaign
        self.lines = harness.read_witness(campaign.path("witness.log"))
        self.jobs = {job.number: job for job in campaign.jobs}
        connection = harness.connect(campaign.home)
        self.damage = list(harness.check_integrity(connection))
        self.status = dict(connection.execute("SELECT id, status FROM tasks"))
        self.claims = connection.execute("SELECT token, worker FROM claims").fetchall()
        sql = """SELECT t.id, a.id, a.outcome, coalesce(a.note, ''), a.started, a.ended, r.stage, r.landed, r.parked
            FROM attempts a JOIN tasks t ON t.seq = a.task LEFT JOIN trials r ON r.attempt = a.id ORDER BY a.id"""
        self.attempts: dict[str, list[Attempt]] = defaultdict(list)
        for row in connection.execute(sql):
            self.attempts[row[0]].append(Attempt._make(row))
        connection.close()
        log = campaign.git("log", "-z", "--reverse", "--format=%H%x1f%P%x1f%B", f"{campaign.start}..main")
        self.commits = [Commit(*entry.split("\x1f")) for entry in log.split("\0") if entry]
        self.tree = read_tree(campaign, "main")


class Attempt(NamedTuple):
    """A row of the database."""

    task: str
    token: int
    outcome: str | None
    note: str
    started: str
    ended: str | None
    stage: str | None
    landed: str | None
    parked: str | None


def expected_files(job: Job) -> dict[str, str | None]:
    """The effect of a job: a text that stands in each of these files; None where there is none of this name."""
    mark = f"job{job.number}."
    if job.kind == "noop":
        return {}
    if job.kind == "edit":
        return {f"src/shared{job.number % 2}.py": f"slot_{job.number} = '{mark}'\n"}
    if job.kind == "append":
        return {"ledger.txt": mark + "\n"}
    if job.kind == "delete":
        return {f"old/{job.number}.txt": None}
    if job.kind == "command":
        return {f"job{job.number}.txt": mark}
    if job.kind == "junk":
        names = ("a b", "-rf", "new\nline", "ü✓", ":(top)x", "'q'\"", "*")
        return {f"junk {job.number}/{name}": mark for name in names}
    return {f"src/job{job.number}.py": f"VALUE = '{mark}'\n", f"data/job{job.number}.txt": mark}


def check_outcomes(facts: Facts) -> Iterator[str]:
    """Every task is done or put aside, as it must be, and says why."""
    for job in facts.jobs.values():
        status, attempts = facts.status[job.id], facts.attempts[job.id]
        before = facts.jobs[job.after] if job.after else None
        named = f"job {job.number} ({job.kind}, {job.id})"
        if before and facts.status[before.id] != "done":
            if status != "backlog" or attempts:
                yield f"{named} is {status} after {len(attempts)} attempts though {before.id} is not done"
            continue
        ends = KINDS[job.kind].ends
        last = attempts[-1] if attempts else None
        if status not in ("done", "failed") or not last:
            yield f"{named} is {status}"
        elif status == "failed" and not last.note and last.outcome not in ("failed",):
            yield f"{named} was put aside without a reason"
        elif ends == "either" and status == "failed":
            if "conflict" not in last.note:
                yield f"{named} was put aside: {last.outcome}: {last.note}"
        elif ends != "either" and status != ends:
            why = "; ".join(f"{one.outcome}: {one.note[:200]}" for one in attempts)
            yield f"{named} is {status}: {why}"
    for token, worker in facts.claims:
        yield f"a claim is left: {token}, {worker}"
    yield from facts.damage


def check_history(facts: Facts) -> Iterator[str]:
    """The base branch, commit by commit."""
    parent = facts.campaign.start
    own: dict[str, list[Commit]] = defaultdict(list)
    ids = {job.id: job for job in facts.jobs.values()}
    for commit in facts.commits:
        if commit.parents != parent:
            yield f"commit {commit.id[:10]} has the parents {commit.parents}, and not {parent}: not linear"
        parent = commit.id
        found = re.match(r"Complete (tx-[a-z0-9]+): ", commit.message)
        if facts.campaign.is_in_place and is_own_commit(facts, commit):
            continue
        if not found or found[1] not in ids:
            yield f"commit {commit.id[:10]} is nobody's: {commit.message[:80]!r}"
            continue
        job = ids[found[1]]
        own[job.id].append(commit)
        subject = f"Complete {job.id}: {' '.join(job.title.split())}"
        if commit.message.strip() != subject:
            yield f"commit {commit.id[:10]} says {commit.message!r}, and not {subject!r}"
    for job in facts.jobs.values():
        named, count = f"job {job.number} ({job.kind}, {job.id}, {facts.status[job.id]})", len(own[job.id])
        wanted = int(facts.status[job.id] == "done" and KINDS[job.kind].commits)
        if count != wanted:
            yield f"{named} has {count} commits on the base branch, and not {wanted}"
        landed = [one.landed for one in facts.attempts[job.id] if one.landed]
        if count == 1 and own[job.id][0].id not in landed:
            yield f"{named}: its commit is {own[job.id][0].id[:10]}, and its attempts know {landed}"


def is_own_commit(facts: Facts, commit: Commit) -> bool:
    """Whether an agent made it itself, in the user's own working tree: there they stay, those of attempts that were cut
    off, too, because they might be the user's."""
    found = re.match(r"of job (\d+): ", commit.message)
    job = facts.jobs[int(found[1])] if found else None
    return job is not None and (job.kind == "commit" or any(one.outcome == "lost" for one in facts.attempts[job.id]))


def check_effects(facts: Facts) -> Iterator[str]:
    """What is in the tree at the end."""
    allowed: dict[int, set[str]] = defaultdict(set)
    for job in facts.jobs.values():
        files = expected_files(job)
        if facts.status[job.id] != "done":
            if job.kind == "delete" and f"old/{job.number}.txt" not in facts.tree:
                yield f"job {job.number} ({job.kind}) is {facts.status[job.id]}, and its effect is there"
            continue
        for path, text in files.items():
            allowed[job.number].add(path)
            found = facts.tree.get(path)
            if (found is None) != (text is None) or (text and found and found.count(text) != 1):
                yield f"job {job.number} ({job.kind}, {job.id}) is done, and its effect is not in {path!r}"
    for path, text in facts.tree.items():
        for number in set(map(int, re.findall(r"\bjob(\d+)\.", text))) - {0}:
            if path not in allowed[number]:
                status = facts.status[facts.jobs[number].id]
                yield f"job {number} ({facts.jobs[number].kind}) is {status}, and something of it is in {path!r}"
        for mark in set(re.findall(r"\bhalf\d+\.\d+", text)):
            yield f"what a failed attempt left is on the base branch: {mark} in {path!r}"
        if re.search(r"(^|/)(\.txlite|\.env$)", path):
            yield f"{path} is on the base branch"


def check_gate(facts: Facts) -> Iterator[str]:
    return judge_commits(facts.campaign, facts.commits)


def check_repository(facts: Facts) -> Iterator[str]:
    """What is left in it."""
    campaign = facts.campaign
    branch = campaign.git("symbolic-ref", "-q", "HEAD", code=None).strip()
    if branch != "refs/heads/main":
        yield f"the working tree is on {branch or 'no branch'}"
    changes = campaign.git("status", "--porcelain").splitlines()
    if changes:
        yield f"the working tree is not clean: {changes[:4]}"
    for name in ("MERGE_HEAD", "rebase-merge", "rebase-apply", "CHERRY_PICK_HEAD"):
        if os.path.lexists(os.path.join(campaign.top, ".git", name)):
            yield f"the working tree is left in the middle of something: {name}"
    done = subprocess.run(
        ["git", "fsck", "--full", "--no-dangling"], cwd=campaign.top, env=campaign.environment,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    complaints = [line for line in done.stdout.decode().splitlines() if not line.startswith("Checking")]
    if done.returncode or complaints:
        yield f"git fsck: {done.returncode}, {complaints[:3]}"
    for directory, _, names in os.walk(os.path.join(campaign.top, ".git")):
        for name in names:
            if name.startswith(("side-", "txlite-")):
                continue  # an agent's own; and ours, which stay, and are held or not
            if name.endswith((".lock", ".new")) or name == "locked":
                yield f"a lock is left: {os.path.relpath(os.path.join(directory, name), campaign.top)}"
    for path in campaign.git("worktree", "list", "--porcelain").split("worktree ")[2:]:
        yield f"a worktree is registered still: {path.split()[0]}"
    for path in glob.glob(os.path.join(campaign.home, "worktrees", "*")) + glob.glob(
        os.path.join(campaign.home, "worktrees", ".tx*")
    ):
        task = os.path.basename(path).lstrip(".").split(".")[0]
        yield f"left in worktrees of a task that is {facts.status.get(task)}: {os.path.basename(path)}"
    for name in campaign.git("for-each-ref", "--format=%(refname)", "refs/heads").splitlines():
        if not re.match(r"refs/heads/(main$|side-)", name):
            yield f"a branch is left: {name}"


def check_losses(facts: Facts) -> Iterator[str]:
    """What attempts left that did not pass is somewhere."""
    campaign = facts.campaign
    objects = [line.split(" ")[0] for line in campaign.git("rev-list", "--objects", "--all").splitlines()]
    texts = list(read_blobs(campaign, objects).values())
    for path in glob.glob(os.path.join(campaign.home, "worktrees", "**"), recursive=True):
        if os.path.isfile(path):
            texts.append(harness.read(path).decode("utf-8", "replace"))
    kept = set(re.findall(r"\bhalf\d+\.\d+", "\n".join(texts)))
    seen = {line.event[4:] for line in facts.lines if line.event.startswith("saw:")}
    left = {(line.task, line.token) for line in facts.lines if line.event == "left"}
    for job, token in sorted(left):
        (attempt,) = (one for one in facts.attempts[facts.jobs[job].id] if one.token == token)
        mark = f"half{job}.{token}"
        if mark not in kept and (attempt.outcome not in ("lost", "interrupted") or mark not in seen):
            yield f"job {job} ({facts.jobs[job].kind}): what attempt {token} ({attempt.outcome}) left is lost"
        elif attempt.outcome not in ("lost", "interrupted") and not attempt.parked:
            yield f"job {job} ({facts.jobs[job].kind}): attempt {token} ({attempt.outcome}) left work, and names no ref"
    refs = set(campaign.git("for-each-ref", "--format=%(refname)", "refs/txlite").splitlines())
    for attempts in facts.attempts.values():
        for attempt in attempts:
            if attempt.parked and attempt.parked not in refs:
                yield f"attempt {attempt.token} is parked as {attempt.parked}, which is no ref"


def check_order(facts: Facts) -> Iterator[str]:
    """Attempts follow each other."""
    current: dict[int, int] = {}
    late: Counter[tuple[int, int, int]] = Counter()
    for line in facts.lines:
        if line.event.startswith("overlap:"):
            yield f"job {line.task}: attempt {line.token} found agent {line.event[8:]} alive"
        elif line.event == "again":
            kind = facts.jobs[line.task].kind
            yield f"job {line.task} ({kind}): attempt {line.token} began after its work had landed"
        elif line.token < current.get(line.task, 0):
            late[line.task, line.token, current[line.task]] += 1
        elif line.event == "start":
            if line.token == current.get(line.task):
                yield f"job {line.task}: attempt {line.token} started twice"
            current[line.task] = line.token
    for (job, earlier, later), count in late.items():
        yield f"job {job}: attempt {earlier} wrote {count} lines after attempt {later} had started"
    for attempts in facts.attempts.values():
        for one, other in zip(attempts, attempts[1:]):
            if one.ended is None:
                yield f"attempt {one.token} of {one.task} has no end"
            elif other.started < one.ended:
                yield f"attempt {other.token} of {other.task} began before {one.token} of {one.task} had ended"


def check_report(facts: Facts) -> Iterator[str]:
    """doctor, and what the loop tells of itself."""
    campaign = facts.campaign
    done = campaign.txlite("doctor", "--json")
    for finding in json.loads(done.stdout)["findings"]:
        if finding["level"] == "broken":
            yield f"doctor: {finding['name']}: {finding['found']}"
    done = campaign.txlite("ralph", "--report", "--json")
    if done.returncode:
        yield f"ralph --report ends with {done.returncode}: {done.stderr.decode(errors='replace')}"
        return
    report = json.loads(done.stdout)
    told = {entry["id"]: entry for entry in report["tasks"]}
    counts: Counter[str] = Counter(facts.status[task] for task in told)
    if report["counts"] != dict(counts):
        yield f"the report counts {report['counts']}, the database {dict(counts)}"
    commits = {commit.message.split()[1].rstrip(":"): commit.id for commit in facts.commits
               if commit.message.startswith("Complete")}  # fmt: skip
    if campaign.unexpected_exits == 0:
        missing = [task for task, attempts in facts.attempts.items() if attempts and task not in told]
        if missing:
            yield f"the report lacks {missing}"
    for task, entry in told.items():
        if entry["status"] == "done" and entry["commit"] != commits.get(task):
            yield f"the report says that {task} is commit {entry['commit']}, and it is {commits.get(task)}"
        if entry["status"] == "failed" and not entry["needs"]:
            yield f"the report does not say what {task}, which was put aside, needs"
        if campaign.unexpected_exits == 0 and len(entry["attempts"]) != len(facts.attempts[task]):
            ours, known = len(entry["attempts"]), len(facts.attempts[task])
            yield f"the report has {ours} attempts of {task}, the database {known}"
    if not os.path.exists(report["page"]):
        yield f"there is no page {report['page']}"


def check_files(facts: Facts) -> Iterator[str]:
    campaign = facts.campaign
    for path in glob.glob(os.path.join(campaign.home, "workers", "*_TEMP*")):
        yield f"an unfinished report is left: {os.path.basename(path)}"
    for path in glob.glob(campaign.path("txlite-bug-*")):
        yield f"a bug was recorded: {path}: {harness.read(path).decode().strip().splitlines()[-1]}"
    for path in ("/tmp/PWNED", os.path.join(campaign.top, "PWNED")):
        if os.path.exists(path):
            yield f"a title was executed: {path}"


CHECKS = (check_outcomes, check_history, check_effects, check_gate, check_repository, check_losses, check_order,
          check_report, check_files)  # fmt: skip


def tabulate(facts: Facts) -> Iterator[str]:
    """What became of each kind."""
    yield f"{'kind':<14}{'tasks':>6}{'done':>6}{'aside':>6}{'wait':>6}{'attempts':>9}{'lost':>6}{'parked':>8}"
    for kind in KINDS:
        jobs = [job for job in facts.jobs.values() if job.kind == kind]
        if not jobs:
            continue
        states = Counter(facts.status[job.id] for job in jobs)
        attempts = [one for job in jobs for one in facts.attempts[job.id]]
        lost = sum(one.outcome == "lost" for one in attempts)
        parked = sum(one.parked is not None for one in attempts)
        yield (f"{kind:<14}{len(jobs):>6}{states['done']:>6}{states['failed']:>6}{states['backlog']:>6}"
               f"{len(attempts):>9}{lost:>6}{parked:>8}")  # fmt: skip


def parse(argv: list[str]) -> argparse.Namespace:
    parser = harness.make_parser("Give txlite ralph agents of every kind, kill it, and check it.")
    parser.add_argument("--tasks", type=int, help="(40; 15 with one worker)")
    parser.add_argument("--workers", type=int, default=4, help="(4) 1: in place")
    parser.add_argument("--kills", type=int, help="(10; 4 with one worker)")
    parser.add_argument("--seconds-limit", type=float, default=600, metavar="N", help="(600)")
    parser.add_argument("--only", action="append", choices=list(KINDS), metavar="KIND", help="no others than these")
    parser.add_argument("--aim", action="append", metavar="COMMAND", help="kill in the middle of this git command")
    parser.add_argument("--short", action="store_true", help="a dozen tasks, two kills")
    options = parser.parse_args(argv)
    usual = (12, 2) if options.short else (15, 4) if options.workers == 1 else (40, 10)
    options.tasks = usual[0] if options.tasks is None else options.tasks
    options.kills = usual[1] if options.kills is None else options.kills
    return options


def main(argv: list[str]) -> int:
    options = parse(argv)
    scene = harness.Scene("ralph", options)
    campaign = Campaign(scene, options)
    took = harness.play(campaign.prepare, campaign.drive, end=campaign.end)
    facts = Facts(campaign)
    violations = [*campaign.violations, *(found for check in CHECKS for found in check(facts))]
    print("\n".join(tabulate(facts)))
    kills = ", ".join(f"{count} {kind}" for kind, count in campaign.kills.items()) or "none"
    states = ", ".join(f"{count} {state}" for state, count in Counter(facts.status.values()).items())
    figures = (
        f"{states}; kills: {kills}; {campaign.starts} starts, {sum(map(len, facts.attempts.values()))} attempts, "
        f"{len(facts.commits)} commits, {took:.1f} s without judging, seed {options.seed}"
    )
    return scene.conclude(violations, figures)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
