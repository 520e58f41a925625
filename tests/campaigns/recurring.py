"""A campaign against tasks that come again: is each occurrence run once, whatever is killed, and however it lasts?

    python3 tests/campaigns/recurring.py [--seconds N] [--tasks N] [--seed S] [--keep]

Tasks that come again every second or two, and some of which take longer than that, are run by a run that stays. A few
times a second a worker, an agent, or everything is killed; what is gone is started again. What must hold:

  no two attempts of a task at the same time, and none that ran twice
  each occurrence ends once: in the history, `done` is followed by `backlog` and comes after `active`
  an attempt that is recorded as done did all its work
  when nothing is killed any more, each task comes again, and is planned for a time to come

Exit 0 if all held, else 1, and the directory is kept.
"""

from __future__ import annotations

import argparse
import re
import signal
import subprocess
import sys
import time
from collections import Counter

from harness import Scene, check_integrity, connect, is_txlite, make_parser, read, strike

# What it was given to do: it says when it begins and when it has done its work.
TASK = 'echo "begin $TXLITE_TOKEN" >> witness.{0}; sleep {1}; echo "end $TXLITE_TOKEN" >> witness.{0}'
LETTERS = {None: "+", "backlog": "b", "active": "a", "done": "d", "failed": "f"}
# Added; then attempts, each of which is given back, or ends the occurrence.
COURSE = re.compile(r"b(a(b|db))*a?")
PATIENCE = 30.0  # seconds until each task has come again


class Campaign:
    """One run of it. options: as `main` reads them."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.scene = Scene("recurring", options)
        self.seconds = options.seconds
        self.run: subprocess.Popen[bytes] | None = None
        self.ended = 0.0  # when the last run was told to begin nothing more
        for number in range(options.tasks):
            nap = self.scene.random.choice((0, 0, 0.1, 0.5, 1.5, 2.5))
            every = self.scene.random.choice(("1s", "1s", "2s"))
            self.txlite("add", "--every", every, "--", TASK.format(number, nap))

    def txlite(self, *arguments: object) -> None:
        if self.scene.start([sys.executable, "-m", "txlite", *arguments], "txlite.log").wait(120) not in (0, 1):
            self.scene.violations.append(f"txlite {arguments[0]} failed: see txlite.log")

    def keep_running(self) -> None:
        if self.run is None or self.run.poll() is not None:
            command = [sys.executable, "-m", "txlite", "run", "--forever", "-j", "4", "--max-attempts", "99"]
            self.run = self.scene.start(command, "run.log")

    def kill_something(self) -> None:
        dice, scene = self.scene.random, self.scene
        kind = dice.choice(("worker", "worker", "agent", "everything"))
        if kind == "everything":
            scene.note_kill(kind, scene.kill_all())
            return
        found = scene.workers() if kind == "worker" else [one for one in scene.processes() if not is_txlite(one)]
        if found:
            victim = dice.choice(found).pid
            scene.note_kill(kind, [victim] if strike(victim) else [])

    def count_done(self) -> Counter[str]:
        connection = connect(self.scene.path(".txlite"))
        rows = connection.execute("SELECT task, count(*) FROM history WHERE to_status = 'done' GROUP BY task")
        found = Counter(dict(rows.fetchall()))
        connection.close()
        return found

    def go(self) -> None:
        """Kill for a while; then let all of them come again, and end the run."""
        end = time.monotonic() + self.seconds
        while time.monotonic() < end:
            self.keep_running()
            time.sleep(self.scene.random.uniform(0.1, 0.6))
            self.kill_something()
        self.keep_running()
        before, tasks, end = self.count_done(), self.names(), time.monotonic() + PATIENCE
        while any(self.count_done()[task] < before[task] + 2 for task in tasks):
            if time.monotonic() > end:
                late = [task for task in tasks if self.count_done()[task] < before[task] + 2]
                self.scene.violations.append(f"{', '.join(late)} did not come again twice in {PATIENCE:g} s")
                break
            time.sleep(0.2)
        assert self.run
        self.ended = time.time()
        self.run.send_signal(signal.SIGTERM)
        self.run.wait(60)

    def names(self) -> list[str]:
        connection = connect(self.scene.path(".txlite"))
        found = [row[0] for row in connection.execute("SELECT id FROM tasks ORDER BY seq")]
        connection.close()
        return found

    def check(self) -> str:
        """Judge what was written; figures."""
        connection, violations = connect(self.scene.path(".txlite")), self.scene.violations
        violations += check_integrity(connection)
        counts: Counter[str] = Counter()
        for seq, id, status, planned in connection.execute(
            "SELECT seq, id, status, planned FROM tasks JOIN task_texts ON task = seq"
        ).fetchall():
            states = connection.execute("SELECT to_status FROM history WHERE task = ? ORDER BY id", (id,))
            course = "".join(LETTERS[row[0]] for row in states)
            if status != "backlog" or not COURSE.fullmatch(course):
                violations.append(f"{id} is {status}, and its course was {course}")
            if planned <= time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self.ended - 10)):
                violations.append(f"{id} is planned for {planned}, which is over")
            self.check_attempts(connection, seq, id, counts)
            counts["occurrences"] += course.count("d")
        connection.close()
        return ", ".join(f"{count} {what}" for what, count in counts.items())

    def check_attempts(self, connection: object, seq: int, id: str, counts: Counter[str]) -> None:
        rows = connection.execute(  # type: ignore[attr-defined]
            "SELECT id, started, ended, outcome FROM attempts WHERE task = ? ORDER BY id", (seq,)
        ).fetchall()
        lines = read(self.scene.path(f"witness.{seq - 1}")).decode().split("\n")
        seen = Counter(filter(None, lines))
        for line, count in seen.items():
            if count > 1:
                self.scene.violations.append(f"{id}: {line!r} was seen {count} times")
        for (_, _, ended, _), (token, started, _, _) in zip(rows, rows[1:]):
            if ended is None or started < ended:
                self.scene.violations.append(f"{id}: attempt {token} began at {started}, the one before ended {ended}")
        for token, _, _, outcome in rows:
            counts[outcome] += 1
            if outcome == "done" and not seen[f"end {token}"]:
                self.scene.violations.append(f"{id}: attempt {token} is done, and had not ended its work")


def main() -> int:
    """Run the campaign."""
    parser = make_parser(str(__doc__))
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--tasks", type=int, default=6)
    campaign = Campaign(parser.parse_args())
    campaign.go()
    campaign.scene.clear(10)
    kills = ", ".join(f"{count} of {kind}" for kind, count in campaign.scene.kills.items())
    return campaign.scene.conclude(campaign.scene.violations, f"{campaign.check()}; killed: {kills}")


if __name__ == "__main__":
    sys.exit(main())
