"""A night to be looked at: as long as a real one, with all that can become of tasks, and markup wherever it can stand.

Used by the campaign that looks at pages with a browser; drawn by a seed, the same at each time.
"""

from __future__ import annotations

import random
from typing import Any

from txlite.git.diff_stat import DiffStat
from txlite.model import AGENT_PART, DONE, FAILED, INTERRUPTED, LOST, TIMEOUT, LoopRecord, Usage, Verdict
from txlite.ralph.nights import Night
from txlite.ralph.reason import Reason
from txlite.ralph.summary import Entry, Summary, Try
from txlite.store.nights import Figures
from txlite.system import clock

BEGAN = 1_795_298_400.0  # an evening
BAD = "<img src=x onerror=alert(1)><script>document.title='run'</script>\"' onload='alert(1)"
TITLES = (
    "Make the parser accept tabs", "Refuse a file that ends within a string", "Name the line in every error",
    "Mention tabs in the manual", "Measure the lexer", "Read the configuration once", "A test for empty files",
    "Do not follow symbolic links when packing", "Say what is wrong with a date", "Quote names in every message",
    "Keep the order of keys", "Remove the second cache", "Let --quiet silence the bar, too", "日本語の索引を作る",
    "Round halves to even", "Wait for the lock no longer than ten seconds", "Check sums while copying",
    "One place for the version", "Explain exit codes in the manual", "Faster start: import csv late",
    "Split the largest module", "Types for the public interface", "Close the file before it is renamed",
    "A recipe for cron",
)  # fmt: skip
GATE = "make test && make lint"


def moment(seconds: float) -> str:
    """UTC text of a moment of the night."""
    return clock.to_text(BEGAN + seconds)


class Course:
    """The attempts of a night, as they come to workers one after another."""

    def __init__(self) -> None:
        self.random = random.Random(7)
        self.free = [0.0, 40.0, 80.0]  # when each worker is
        self.number = 0

    def take(self, outcome: str | None = DONE, lasts: float | None = None, **more: Any) -> Try:
        """One more attempt, by the worker who is free first."""
        self.number += 1
        worker = self.free.index(min(self.free))
        start = self.free[worker]
        end = start + (lasts or self.random.lognormvariate(6.6, 0.6))
        self.free[worker] = end + self.random.uniform(5, 30)
        agent = self.random.choice(["claude", "claude", "codex"])
        known = agent == "claude" or self.number % 5 == 0
        values: dict[str, Any] = {
            "note": None, "report": f"workers/{self.number}.md", "commit": None, "parked": None, "agent": agent,
            "level": None, **more,
        }  # fmt: skip
        cost = round((end - start) * self.random.uniform(900, 1800)) if known else None
        tokens = round((end - start) * self.random.uniform(300, 1500))
        if outcome is not None:
            values["usages"] = (Usage(self.number, AGENT_PART, agent, None, None, tokens, None, 0, cost),)
        ended = None if outcome is None else moment(end)
        return Try(self.number, f"worker-{'abc'[worker]}7f31", moment(start), ended, outcome, **values)


def make_showcase(is_over: bool = True) -> Summary:
    """A night of thirty tasks, with something of everything; `is_over`: else two of them run."""
    course = Course()
    entries = [_land(course, number, title) for number, title in enumerate(TITLES)]
    entries.insert(5, _fail(course, 40, "Release notes", "the gate failed: exit 1", Reason(
        "test_notes.py::test_tag FAILED\nassert 'v0.2' in notes\nE  AssertionError: no tag is there",
        "I wrote NEWS, but there is no tag to take the version from.", True,
    )))  # fmt: skip
    entries.insert(9, _fail(course, 41, BAD, f"it conflicts with what main has now, in {BAD}", Reason(
        "", BAD + "\n</pre><script>alert(2)</script>", True,
    )))  # fmt: skip
    entries.append(_wait(course, 50, "Change how the store is locked", DiffStat(7, 212, 64)))
    entries.append(_wait(course, 52, "Read the index once, and keep it while it is the same", DiffStat(3, 61, 20)))
    entries.append(_wait(course, 51, f"Rename <b>{BAD}</b>", DiffStat(1, 4, 4)))
    entries.append(_end(course, 60, "A task that comes later", "backlog", "later", INTERRUPTED))
    if not is_over:
        entries.append(_run(course, 70, "Translate the manual", None))
        entries.append(_run(course, 71, "Find the leak in the pool", 1260.0))
    last = max(course.free)
    loops = [
        LoopRecord("loop-1", "claude,codex", moment(-60), None, None, None, 5),
        LoopRecord("loop-2", "claude,codex", moment(4000), moment(last) if is_over else None, "nothing was left to do",
                   None, 5),
    ]  # fmt: skip
    earlier = tuple(
        Night(moment(-86400 * days), lasted, Figures(tasks + 6, tasks, done, done - 1, 2.4 * lasted, cost, tasks))
        for days, lasted, tasks, done, cost in (
            (1, 24000, 22, 19, 14_310_000), (2, 9100, 8, 8, 4_220_000), (3, 31000, 30, 26, None),
            (5, 18000, 17, 12, 9_870_000), (6, 27000, 25, 24, 17_020_000),
        )
    )  # fmt: skip
    tries = [one for entry in entries for one in entry.tries]
    known = [usage.cost for one in tries for usage in one.usages if usage.cost is not None]
    seconds = sum(entry.duration for entry in entries if entry.status != "active")
    figures = Figures(len(tries), len(entries), 24, 24, seconds, sum(known), len(known))
    remarks = [
        f"{BAD} holds back work for main: `git merge refs/txlite/held-back/main`",
        "tx-00000099 (Announce it) waits for tx-00000040 (Release notes): `txlite retry tx-00000040`",
    ]
    return Summary("/home/you/project/.txlite", loops, entries, moment(last), remarks,
                   Night(loops[0].started, last, figures), earlier, not is_over)  # fmt: skip


def _id(number: int) -> str:
    return f"tx-{number:08d}"


def _land(course: Course, number: int, title: str) -> Entry:
    tries = []
    if number % 6 == 2:
        tries.append(course.take(FAILED, note="the gate failed: exit 2", parked=f"refs/txlite/parked/{_id(number)}/1"))
    if number % 9 == 4:
        tries.append(course.take(LOST, note="its worker was killed"))
    commit = f"{course.random.getrandbits(160):040x}"
    tries.append(course.take(level="high" if len(tries) > 1 else None, commit=commit))
    changes = DiffStat(*(course.random.randint(*some) for some in ((1, 9), (1, 240), (0, 90))))
    return Entry(_id(number), title, "done", "done", tries, commit, None, changes=changes, gate=GATE)


def _fail(course: Course, number: int, title: str, note: str, reason: Reason) -> Entry:
    parked = f"refs/txlite/parked/{_id(number)}/3"
    tries = [course.take(FAILED, note=note), course.take(TIMEOUT, 1800.0, note="it took longer than 30m", level="high"),
             course.take(FAILED, note=note, parked=parked, level="high")]  # fmt: skip
    return Entry(_id(number), title, "failed", "failed", tries, None, f"put aside after 3 attempts: {note}", reason,
                 (f"git show {parked}", f"txlite retry {_id(number)}"))  # fmt: skip


def _wait(course: Course, number: int, title: str, changes: DiffStat) -> Entry:
    tries = [course.take()]
    said = Verdict(tries[-1].attempt, "codex", "approved", f"I found nothing in {BAD}", moment(9000))
    return Entry(_id(number), title, "review", "review", tries, None, "to be reviewed",
                 commands=(f"txlite review {_id(number)}", f"txlite approve {_id(number)}"), changes=changes,
                 gate=GATE, verdicts=(said,))  # fmt: skip


def _end(course: Course, number: int, title: str, status: str, state: str, outcome: str) -> Entry:
    return Entry(_id(number), title, status, state, [course.take(outcome)], None, None)


def _run(course: Course, number: int, title: str, silent: float | None) -> Entry:
    tries = [course.take(None)]
    if silent is not None:
        tries = [one._replace(silent=moment(max(course.free) - silent)) for one in tries]
    return Entry(_id(number), title, "active", "active", tries, None, None)
