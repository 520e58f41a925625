"""The page that tells what became of a loop: one HTML file, for the person who comes in the morning.

Guarantees: it stands alone, with no script, nothing from outside, and a policy in it that lets the browser load
nothing. It grows with the number of attempts and no faster: long texts are cut where there are many. Its frame and its
style sheet are a template of the package. Called by the command `ralph`.
"""

from __future__ import annotations

import os
import re
from html import escape

from ...home.location import PACKAGE
from ...system import clock
from ...text import duration, expand, printable_lines
from .terms import MARKS, RUNNING, bars, safe, tell_outcome
from .time_scale import TimeScale, local
from .timeline import Timeline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..summary import Entry, Summary
    from .terms import Bar

# Read with the module, for the package may be another when a loop ends; by its loader, for it may be in an archive.
TEMPLATE = __loader__.get_data(os.path.join(PACKAGE, "templates", "page.html")).decode()  # type: ignore[name-defined]
MANY = 2000  # attempts from which on long texts are cut shorter
NEEDS_SHOWN = 100
_ID = re.compile(r"\btx-[a-z0-9]+\b(?![^<]*</code>)")  # but for those in a command, which is copied as it stands
COLUMNS = ("Task", "Outcome", "Attempts", "Duration", "Commit", "Report")

# What became of a task: its kind and in words, in the order in which the headline counts them.
STATES = {
    "done": ("done", "done"),
    "review": ("waiting", "to be reviewed"),
    "failed": ("failed", "put aside"),
    "blocked": ("failed", "blocked"),
    "cancelled": ("stopped", "cancelled"),
    **{state: ("waiting", state) for state in ("ready", "reserved", "later", "waiting")},
    "active": RUNNING,
}


def render(summary: Summary, reports: str = "..") -> str:
    """Return the page. reports: the way from the page's place to home, for the links."""
    return expand(TEMPLATE, _Page(summary, reports).sections())


class _Page:
    def __init__(self, summary: Summary, reports: str) -> None:
        self._summary = summary
        self._reports = reports
        self._rows = [list(bars(row, entry, summary.now)) for row, entry in enumerate(summary.entries)]
        self._bars = [bar for row in self._rows for bar in row]
        moments = [clock.to_seconds(moment) for moment in (summary.started, summary.ended or summary.now)]
        self._first, self._last = moments[0], max(moments)
        start = min([self._first, *(bar.start for bar in self._bars)])
        end = max([self._last, *(bar.end for bar in self._bars), start + 1])
        self._scale = TimeScale(start, end)
        self._is_long = len(self._bars) < MANY
        self._places = {entry.task: row for row, entry in enumerate(summary.entries)}

    def sections(self) -> dict[str, object]:
        """Return what stands in the template's places."""
        counts = self._counts()
        return {
            "TITLE": f"{counts}: {clock.to_local(self._summary.started)[:16]}",
            "HEADLINE": counts,
            "COURSE": self._course(),
            "NEEDS": self._needs(),
            "TIMELINE": Timeline(self._bars, self._summary.loops, self._scale).render(),
            "TASKS": self._tasks(),
            "FOOTER": self._footer(),
        }

    def _counts(self) -> str:
        counts = {"done": 0, **self._summary.shown_counts}
        words = [f"{counts[state]:,} {STATES[state][1]}" for state in STATES if state in counts]
        noun = "task" if counts["done"] == 1 else "tasks"
        return ", ".join([words[0].replace(" ", f" {noun} ", 1), *words[1:]])

    def _course(self) -> str:
        """From when to when, and how it went on and ended."""
        loops, now = self._summary.loops, "" if self._summary.ended else "now, "
        agents = list(dict.fromkeys(loop.agent for loop in loops))
        names = " and ".join(f"<b>{safe(agent, 60)}</b>" for agent in agents)
        told = [
            f"Agent{'s' * (len(agents) > 1)} {names}, from {self._scale.tell(self._first)} "
            f"to {now}{self._scale.tell(self._last)} ({duration(self._last - self._first)})."
        ]
        if len(loops) > 1:
            times = f" {len(loops) - 1:,} times" if len(loops) > 2 else ""
            back = self._scale.tell(clock.to_seconds(loops[-1].started))
            told.append(f"It was killed{times}, and went on {'last ' * (len(loops) > 2)}at {back}.")
        return " ".join([*told, self._last_word()])

    def _last_word(self) -> str:
        loop = self._summary.loops[-1]
        if loop.ended:
            return f"It ended: {safe(loop.reason, 300)}." if loop.reason else "It ended."
        if any(bar.one.ended is None for bar in self._bars):
            return "It still goes on."
        return "Its end is not on record: it goes on, or it was killed."

    def _needs(self) -> str:
        needs = [(row, entry) for row, entry in enumerate(self._summary.entries) if entry.needs]
        items = [self._need(row, entry) for row, entry in needs[:NEEDS_SHOWN]]
        if len(needs) > NEEDS_SHOWN:
            items.append(f"<li>And {len(needs) - NEEDS_SHOWN:,} more: the table of tasks has them.</li>\n")
        items += [f"<li>{self._remark(remark)}</li>\n" for remark in self._summary.remarks]
        if not items:
            return '<section class="needs none"><h2>Nothing needs a person</h2></section>\n'
        count = len(needs) + len(self._summary.remarks)
        return f'<section class="needs"><h2>Needs a person: {count:,}</h2>\n<ul>\n{"".join(items)}</ul></section>\n'

    def _need(self, row: int, entry: Entry) -> str:
        title = f'<a href="#t{row}"><bdi>{safe(entry.title, 160)}</bdi></a>'
        report = self._report(entry.tries[-1].report)
        parts = entry.reason.parts if entry.reason else []
        return "".join((
            f"<li><p>{title} <code class=quiet>{safe(entry.task, 40)}</code></p>",
            f"<p>{safe(entry.needs or '', 600)}{report and f' · {report}'}</p>",
            *(f"<p class=quiet>{heading}:</p><pre>{escape(printable_lines(words))}</pre>" for heading, words in parts),
            *(f"<p><code>{safe(command, 300)}</code></p>" for command in entry.commands),
            "</li>\n",
        ))  # fmt: skip

    def _remark(self, remark: str) -> str:
        """A remark, with a link to each task that the table has, and commands as such."""
        told = re.sub("`([^`]+)`", r"<code>\1</code>", safe(remark, 900))
        return _ID.sub(self._link_to_row, told)

    def _link_to_row(self, found: re.Match[str]) -> str:
        row = self._places.get(found[0])
        return found[0] if row is None else f'<a href="#t{row}">{found[0]}</a>'

    def _tasks(self) -> str:
        rows = "".join(self._row(row, entry) for row, entry in enumerate(self._summary.entries))
        heads = "".join(f'<th scope="col">{name}</th>' for name in COLUMNS)
        count = len(self._summary.entries)
        return (
            f'<section id="tasks"><h2>Tasks: {count:,}</h2>\n<table><thead><tr>{heads}</tr></thead>\n'
            f"<tbody>\n{rows}</tbody></table></section>\n"
        )

    def _row(self, row: int, entry: Entry) -> str:
        kind, word = STATES[entry.state]
        placed = self._rows[row]
        report = next((one.report for one in reversed(entry.tries) if one.report), None)
        attempts = "".join(map(self._attempt, placed))
        return (
            f'<tr id="t{row}"><td><bdi>{safe(entry.title, 240 if self._is_long else 100)}</bdi>'
            f"<details><summary><code>{safe(entry.task, 40)}</code></summary><ol>{attempts}</ol></details></td>"
            f'<td class="{kind}">{MARKS[kind]} {word}</td><td>{len(placed)}</td>'
            f"<td>{duration(sum(bar.end - bar.start for bar in placed))}</td>"
            f"<td>{_commit(entry.commit)}</td><td>{self._report(report)}</td></tr>\n"
        )

    def _attempt(self, bar: Bar) -> str:
        one = bar.one
        parts = [
            f'<b>Attempt {one.attempt}</b> <span class="{bar.kind}">{tell_outcome(one)}</span>',
            self._scale.tell(bar.start, "%H:%M:%S"), duration(bar.end - bar.start), safe(one.worker, 40),
            _commit(one.commit), self._report(one.report),
        ]  # fmt: skip
        note = f"<p>{safe(one.note, 800 if self._is_long else 120)}</p>" if one.note else ""
        parked = f"<p>Its work is kept as <code>{safe(one.parked, 200)}</code></p>" if one.parked else ""
        return f"<li>{' · '.join(filter(None, parts))}{note}{parked}</li>"

    def _report(self, path: str | None) -> str:
        return f'<a href="{escape(_link(self._reports, path))}">report</a>' if path else ""

    def _footer(self) -> str:
        now = clock.to_seconds(self._summary.now)
        home = f"<code>{safe(self._summary.home, 300)}</code>"
        return f"As of {local('%Y-%m-%d %H:%M:%S', now)} ({safe(local('%Z', now), 20)}). Home: {home}"


def _commit(commit: str | None) -> str:
    return f"<code>{safe(commit[:10], 40)}</code>" if commit else ""


def _link(reports: str, path: str) -> str:
    """A relative link, whatever the path is made of."""
    from urllib.parse import quote

    whole = f"{reports or '.'}/{path.lstrip('/')}"
    try:
        return quote(whole.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        return quote(whole.encode("utf-8", "surrogatepass"))
