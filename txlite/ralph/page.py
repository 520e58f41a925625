"""The page that tells of a night: one HTML file, for the person who comes in the morning.

It stands alone: no script, nothing from outside, and a policy in it that lets the browser load nothing. Whatever users
or agents wrote is escaped, and what could turn or hide text is made visible. It grows with the number of attempts and
no faster: short attempts side by side are drawn as one bar, and long texts are cut where there are many. Used by
`ralph`.
"""

from __future__ import annotations

import time
from heapq import heappop, heappush
from html import escape

from ..model import CANCELLED, DONE, FAILED, INTERRUPTED, LOST, RELEASED, TIMEOUT, UNKILLABLE, UNSTARTABLE
from ..system import clock
from ..system.named_tuple import NamedTuple
from ..text import duration, shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .summary import Entry, Summary, Try

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
MANY = 2000  # attempts from which on long texts are cut shorter
NEEDS_SHOWN = 100
LANES_SHOWN = 40
THIN = 16  # lanes from which on they are drawn thinner, without titles
GRAIN = 0.006  # of the timeline's length: attempts that together are shorter become one bar
CHARACTERS = 160  # that the timeline is wide, in the font of its bars
TICKS = 9  # at most
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)  # seconds

# How an attempt ended, in words, and as what it is drawn.
RUNNING = ("running", "running")
OUTCOMES = {
    None: RUNNING,
    DONE: ("done", "done"),
    FAILED: ("failed", "failed"),
    TIMEOUT: ("failed", "timed out"),
    UNSTARTABLE: ("failed", "could not be started"),
    UNKILLABLE: ("failed", "could not be killed"),
    INTERRUPTED: ("stopped", "interrupted"),
    LOST: ("stopped", "lost with its worker"),
    RELEASED: ("stopped", "given back"),
    CANCELLED: ("stopped", "cancelled"),
}
LEGEND = {"done": "done", "failed": "failed", "stopped": "interrupted or lost", "running": "running"}
MARKS = {"done": "✓", "failed": "✗", "stopped": "○", "running": "▸", "waiting": "…"}

# What became of a task, in the order in which the headline counts them.
STATUSES = {
    "done": ("done", "done"),
    "failed": ("failed", "put aside"),
    "blocked": ("failed", "blocked"),
    "cancelled": ("stopped", "cancelled"),
    "backlog": ("waiting", "waiting"),
    "active": RUNNING,
}

CSS = """
:root {
  color-scheme: light dark;
  --page: #ffffff; --soft: #f3f5f7; --line: #d5dae0; --ink: #1c2127; --muted: #57616c; --link: #1d5bb0;
  --done: #2a7a56; --failed: #b3372b; --stopped: #8a6410; --running: #2b62b5; --waiting: #57616c;
  --done-bar: #2a7a56; --failed-bar: #b3372b; --stopped-bar: #8a6410;
  --running-bar: #2b62b5; --dark: #8f2a20; --alert: #fdf1ef;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #15181c; --soft: #1e2227; --line: #373e46; --ink: #e3e7eb; --muted: #a0a9b3; --link: #8bb8f5;
    --done: #71c79d; --failed: #f2938a; --stopped: #dab45e; --running: #8bb8f5; --waiting: #a0a9b3;
    --done-bar: #2f7f5c; --failed-bar: #bf4237; --stopped-bar: #b08a36;
    --running-bar: #3a70c2; --dark: #9c332a; --alert: #2b1d1c;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  max-width: 76rem; margin: 0 auto; padding: 2rem 1.5rem 3rem; background: var(--page); color: var(--ink);
  font: 0.9375rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  overflow-wrap: anywhere;
}
h1 { margin: 0 0 0.5rem; font-size: 1.75rem; line-height: 1.25; font-weight: 650; text-wrap: balance; }
h2 { margin: 2.25rem 0 0.75rem; font-size: 1.125rem; line-height: 1.3; font-weight: 650; }
p { margin: 0.25rem 0; }
a { color: var(--link); text-underline-offset: 0.15em; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
code { font: 0.8125rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
.quiet { color: var(--muted); }
.done { color: var(--done); } .failed { color: var(--failed); } .stopped { color: var(--stopped); }
.running { color: var(--running); } .waiting { color: var(--waiting); }
.skip { position: absolute; left: -999rem; }
.skip:focus { position: static; }
.needs { margin-top: 1.5rem; padding: 0.875rem 1.25rem 1rem; border-left: 4px solid var(--failed-bar);
  border-radius: 4px; background: var(--alert); }
.needs.none { border-color: var(--done-bar); background: var(--soft); }
.needs h2 { margin: 0 0 0.25rem; }
.needs ul { margin: 0; padding: 0; list-style: none; }
.needs li { padding: 0.5rem 0; }
.needs li + li { border-top: 1px solid var(--line); }
.needs li p { margin: 0; }

.legend { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; margin: 0 0 0.75rem; padding: 0; list-style: none; }
.legend i { position: relative; display: inline-block; width: 1.5rem; height: 1.25rem; margin-right: 0.4rem;
  vertical-align: -0.25rem; }
.chart { display: grid; grid-template-columns: auto minmax(0, 1fr); column-gap: 0.75rem; }
.names { padding-top: 1.75rem; color: var(--muted); font-size: 0.8125rem; white-space: nowrap; }
.names div, .lane { position: relative; height: 2rem; line-height: 2rem; }
.plot { position: relative; padding-top: 1.75rem; font-size: 0.75rem; }
.plot.marked { padding-bottom: 1.5rem; }
.tick { position: absolute; top: 0; bottom: 0; padding-left: 0.3rem; border-left: 1px solid var(--line);
  color: var(--muted); line-height: 1.5rem; white-space: nowrap; font-variant-numeric: tabular-nums; }
.marked .tick { bottom: 1.5rem; }
.tick.day { color: var(--ink); font-weight: 600; }
.mark { position: absolute; top: 1.5rem; bottom: 0; display: flex; align-items: flex-end; padding: 0 0.3rem;
  border-left: 2px dashed var(--muted); color: var(--ink); white-space: nowrap; }
.mark.far { transform: translateX(-100%); border-left: 0; border-right: 2px dashed var(--muted); }
.lane::before { content: ""; position: absolute; inset: 0.875rem 0; border-radius: 2px; background: var(--line);
  opacity: 0.6; }
.bar { position: absolute; top: 0.25rem; bottom: 0.25rem; min-width: 3px; padding: 0; border: 0 solid var(--page);
  border-right-width: 1px; border-radius: 2px; color: #fff; background: var(--done-bar);
  text-decoration: none; }
.bar.failed { top: 0.0625rem; bottom: 0.0625rem;
  background: repeating-linear-gradient(135deg, var(--failed-bar) 0 5px, var(--dark) 5px 7px); }
.bar.stopped { top: 0.4375rem; bottom: 0.4375rem; border: 1.5px solid var(--stopped); color: var(--ink);
  background: var(--page); }
.bar.running { border-right: 3px dotted var(--page); background: var(--running-bar); }
.bar.point { z-index: 1; }
.bar:hover, .bar:focus { z-index: 3; outline: 2px solid var(--ink); outline-offset: 1px; }
.bar b { display: block; height: 100%; padding: 0 0.3rem; overflow: hidden; font-weight: 500; line-height: 1.5rem;
  text-overflow: ellipsis; white-space: nowrap; }
.bar.failed b { line-height: 1.875rem; text-shadow: 0 0 3px var(--dark); }
.bar.stopped b { line-height: 0.9375rem; }
.thin .lane, .thin .names div { height: 1.125rem; line-height: 1.125rem; }
.thin .names { font-size: 0.6875rem; }
.thin .lane::before { inset: 0.5rem 0; }
.thin .bar { top: 0.125rem; bottom: 0.125rem; }
.thin .bar.failed { top: 0; bottom: 0; }
.thin .bar.stopped { top: 0.25rem; bottom: 0.25rem; }
.thin .bar b { display: none; }
.tip { position: absolute; top: calc(100% + 0.375rem); left: 0; display: none; width: max-content; max-width: 24rem;
  padding: 0.5rem 0.75rem; border: 1px solid var(--line); border-radius: 4px; background: var(--soft);
  color: var(--ink); box-shadow: 0 4px 16px #0004; font-size: 0.8125rem; line-height: 1.45; white-space: pre-line;
  pointer-events: none; }
.far .tip { left: auto; right: 0; }
.bar:hover .tip, .bar:focus-visible .tip { display: block; }

table { width: 100%; border-collapse: collapse; }
th { padding: 0.375rem 0.75rem; border-bottom: 2px solid var(--line); color: var(--muted); font-size: 0.8125rem;
  font-weight: 600; text-align: left; white-space: nowrap; }
td { padding: 0.5rem 0.75rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th:first-child, td:first-child { width: 100%; padding-left: 0.25rem; }
td:not(:first-child) { white-space: nowrap; font-variant-numeric: tabular-nums; }
th:nth-child(3), td:nth-child(3), th:nth-child(4), td:nth-child(4) { text-align: right; }
tr:target td { background: var(--soft); }
tr:target td:first-child { box-shadow: inset 3px 0 var(--link); }
summary { color: var(--muted); font-size: 0.8125rem; cursor: pointer; }
details ol { margin: 0.375rem 0 0.25rem; padding: 0; list-style: none; font-size: 0.875rem; }
details li { margin: 0 0 0.5rem; padding-left: 0.75rem; border-left: 2px solid var(--line); }
details li p { margin: 0; }
footer { margin-top: 2rem; color: var(--muted); font-size: 0.8125rem; }

@media (max-width: 52rem) {
  body { padding: 1.25rem 1rem 2rem; }
  h1 { font-size: 1.375rem; }
  .needs { padding: 0.75rem 1rem; }
  .scroll { margin: 0 -1rem; padding: 0 1rem 0.5rem; overflow-x: auto; }
  .chart { width: 48rem; column-gap: 0.5rem; }
  .names { position: sticky; left: -1rem; z-index: 4; padding: 1.75rem 0.5rem 0 1rem; margin-left: -1rem;
    background: var(--page); }
  .tip, .far .tip { position: fixed; top: auto; right: 0.75rem; bottom: 0.75rem; left: 0.75rem; z-index: 9;
    width: auto; max-width: none; }
  table, tbody { display: block; }
  thead { position: absolute; left: -999rem; }
  tr { display: grid; grid-template-columns: 1fr 1fr; gap: 0.125rem 1rem; padding: 0.75rem 0;
    border-bottom: 1px solid var(--line); }
  td, td:first-child { display: block; padding: 0; border: 0; }
  td:first-child { grid-column: 1 / -1; }
  td:nth-child(n + 3) { text-align: left; }
  td:nth-child(n + 3):empty { display: none; }
  td:nth-child(3)::before { content: "Attempts "; color: var(--muted); }
  td:nth-child(4)::before { content: "Duration "; color: var(--muted); }
  td:nth-child(5)::before { content: "Commit "; color: var(--muted); }
  tr:target { background: var(--soft); box-shadow: -0.5rem 0 var(--soft), 0.5rem 0 var(--soft); }
  tr:target td:first-child { box-shadow: none; }
}
@media (hover: none) { .bar:hover .tip { display: none; } }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  .bar, .legend i, .needs { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  tr, .needs li, .chart { break-inside: avoid; }
  .skip, .tip { display: none; }
  details::details-content { content-visibility: visible; display: block; }
}
"""


class Bar(NamedTuple):
    """An attempt, placed in time."""

    row: int  # its task's, in the table
    entry: Entry
    one: Try
    start: float
    end: float  # never before its start


def render(night: Summary, reports: str = "..") -> str:
    """The page. reports: the way from the page's place to home, for the links."""
    return _Page(night, reports).html()


class _Page:
    def __init__(self, night: Summary, reports: str) -> None:
        self.night = night
        self.reports = reports
        self.rows = [list(_bars(row, entry, night.now)) for row, entry in enumerate(night.entries)]
        bars = [bar for row in self.rows for bar in row]
        self.lanes = _lanes(bars)
        self.count = len(bars)
        moments = [clock.to_seconds(moment) for moment in (night.started, night.ended or night.now)]
        self.first, self.last = moments[0], max(moments)
        self.start = min([self.first, *(bar.start for bar in bars)])
        self.end = max([self.last, *(bar.end for bar in bars), self.start + 1])
        self.is_one_day = _local("%j", self.start) == _local("%j", self.end) and self.end - self.start < 86400
        self.is_long = self.count < MANY

    def html(self) -> str:
        counts = self._counts()
        title = f"{counts}: {clock.to_local(self.night.started)[:16]}"
        return (
            f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
            f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{title}</title>\n<style>{CSS}</style>\n</head>\n<body>\n"
            f"<header>\n<h1>{counts}</h1>\n<p>{self._course()}</p>\n</header>\n<main>\n"
            f"{self._needs()}{self._timeline()}{self._tasks()}</main>\n<footer>{self._footer()}</footer>\n"
            f"</body>\n</html>\n"
        )

    def _counts(self) -> str:
        counts = {"done": 0, **self.night.counts}
        words = [f"{counts[status]:,} {STATUSES[status][1]}" for status in STATUSES if status in counts]
        noun = "task" if counts["done"] == 1 else "tasks"
        return ", ".join([words[0].replace(" ", f" {noun} ", 1), *words[1:]])

    def _course(self) -> str:
        """From when to when, and how it went on and ended."""
        loops, now = self.night.loops, "" if self.night.ended else "now, "
        agents = list(dict.fromkeys(loop.agent for loop in loops))
        names = " and ".join(f"<b>{_safe(agent, 60)}</b>" for agent in agents)
        told = [
            f"Agent{'s' * (len(agents) > 1)} {names}, from {self._moment(self.first)} "
            f"to {now}{self._moment(self.last)} ({duration(self.last - self.first)})."
        ]
        if len(loops) > 1:
            times = f" {len(loops) - 1:,} times" if len(loops) > 2 else ""
            back = self._moment(clock.to_seconds(loops[-1].started))
            told.append(f"It was killed{times}, and went on {'last ' * (len(loops) > 2)}at {back}.")
        return " ".join([*told, self._last_word()])

    def _last_word(self) -> str:
        loop = self.night.loops[-1]
        if loop.ended:
            return f"It ended: {_safe(loop.reason, 300)}." if loop.reason else "It ended."
        if any(bar.one.ended is None for row in self.rows for bar in row):
            return "It still goes on."
        return "Its end is not on record: it goes on, or it was killed."

    def _needs(self) -> str:
        needs = [(row, entry) for row, entry in enumerate(self.night.entries) if entry.needs]
        items = [self._need(row, entry) for row, entry in needs[:NEEDS_SHOWN]]
        if len(needs) > NEEDS_SHOWN:
            items.append(f"<li>And {len(needs) - NEEDS_SHOWN:,} more: the table of tasks has them.</li>\n")
        items += [f"<li>{_safe(remark, 600)}</li>\n" for remark in self.night.remarks]
        if not items:
            return '<section class="needs none"><h2>Nothing needs a person</h2></section>\n'
        count = len(needs) + len(self.night.remarks)
        return f'<section class="needs"><h2>Needs a person: {count:,}</h2>\n<ul>\n{"".join(items)}</ul></section>\n'

    def _need(self, row: int, entry: Entry) -> str:
        title = f'<a href="#t{row}"><bdi>{_safe(entry.title, 160)}</bdi></a>'
        report = self._report(entry.tries[-1].report)
        return (
            f"<li><p>{title} <code class=quiet>{_safe(entry.task, 40)}</code></p>"
            f"<p>{_safe(entry.needs or '', 600)}{report and f' · {report}'}</p></li>\n"
        )

    def _timeline(self) -> str:
        shown = self.lanes[:LANES_SHOWN]
        thin = " thin" if len(shown) > THIN else ""
        names = "".join(f"<div>worker {number}</div>" for number in range(1, len(shown) + 1))
        lanes = "".join(
            f'<div class="lane" role="group" aria-label="worker {number}">\n'
            f"{''.join(map(self._bar, _bundles(lane, GRAIN * self._length)))}</div>\n"
            for number, lane in enumerate(shown, 1)
        )
        marks = self._marks()
        return (
            f'<section><h2>Timeline</h2>\n<a class="skip" href="#tasks">To the tasks</a>\n{self._legend()}'
            f'<div class="scroll"><div class="chart{thin}"><div class="names" aria-hidden="true">{names}</div>\n'
            f'<div class="plot{" marked" * bool(marks)}">{self._ticks()}{marks}\n{lanes}</div></div></div>\n'
            f"{self._hidden()}</section>\n"
        )

    def _legend(self) -> str:
        counts = _counts(bar for row in self.rows for bar in row)
        items = [
            f'<li><i aria-hidden="true"><span class="bar {kind}" style="left:0;width:100%"></span></i>'
            f"{MARKS[kind]} {LEGEND[kind]}: {count:,}</li>"
            for kind, count in counts.items()
        ]
        return f'<ul class="legend" aria-label="Attempts">{"".join(items)}</ul>\n'

    def _hidden(self) -> str:
        """What the lanes leave out."""
        hidden = sum(map(len, self.lanes[LANES_SHOWN:]))
        return f'<p class="quiet">{hidden:,} attempts of further workers are in the table only.</p>\n' if hidden else ""

    @property
    def _length(self) -> float:
        return self.end - self.start

    def _percent(self, moment: float) -> float:
        return 100 * (moment - self.start) / self._length

    def _bar(self, bundle: list[Bar]) -> str:
        first, end = bundle[0], max(bar.end for bar in bundle)
        left, width = self._percent(first.start), 100 * (end - first.start) / self._length
        classes = f"bar {_kind(first)}" + " far" * (left > 60) + " point" * (width < 100 * GRAIN)
        room = int(CHARACTERS * width / 100) - 1
        title = shorten(first.entry.title, room) if room >= 8 or room >= len(first.entry.title) else ""
        label = f"<b>{escape(title)}</b>" if title and len(bundle) == 1 else ""
        counts = _counts(bundle)
        tip = self._tip(first) if len(bundle) == 1 else self._tip_of_many(counts, first.start, end)
        place = f"left:{left:.3f}%;width:{width:.3f}%{_shares(counts)}"
        return f'<a class="{classes}" href="#t{first.row}" style="{place}">{label}<span class="tip">{tip}</span></a>\n'

    def _tip(self, bar: Bar) -> str:
        note = f"\n{_safe(bar.one.note, 160)}" if bar.one.note else ""
        return (
            f"<bdi>{_safe(bar.entry.title, 100)}</bdi>\n{_outcome(bar.one)}, attempt {bar.one.attempt}, "
            f"{_safe(bar.one.worker, 40)}\n{self._period(bar.start, bar.end)}{note}"
        )

    def _tip_of_many(self, counts: dict[str, int], start: float, end: float) -> str:
        parts = ", ".join(f"{MARKS[kind]} {count:,} {LEGEND[kind]}" for kind, count in counts.items())
        return f"{sum(counts.values()):,} attempts: {parts}\n{self._period(start, end)}"

    def _ticks(self) -> str:
        step = _step(self._length)
        found = []
        for moment in _ticks(self.start, self.end, step):
            place = self._percent(moment)
            is_day = _local("%H:%M:%S", moment) == "00:00:00"
            label = _local("%a %d %b" if is_day else "%H:%M:%S" if step < 60 else "%H:%M", moment)
            kind = "tick day" if is_day else "tick"
            found.append(f'<div class="{kind}" style="left:{place:.3f}%">{label if place < 93 else ""}</div>')
        return "".join(found)

    def _marks(self) -> str:
        """Where a loop went on that had been killed; the words only where there is room for them."""
        found, taken = [], -100.0
        for loop in self.night.loops[1:]:
            moment = clock.to_seconds(loop.started)
            place = self._percent(moment)
            words = f"went on {_local('%H:%M', moment)}" if place - taken > 30 else ""
            taken = place if words else taken
            far = " far" if place > 80 else ""
            found.append(f'<div class="mark{far}" style="left:{place:.3f}%"><span>{words}</span></div>')
        return "".join(found)

    def _tasks(self) -> str:
        rows = "".join(self._row(row, entry) for row, entry in enumerate(self.night.entries))
        heads = "".join(f'<th scope="col">{name}</th>' for name in _COLUMNS)
        return (
            f'<section id="tasks"><h2>Tasks: {len(self.night.entries):,}</h2>\n<table><thead><tr>{heads}</tr></thead>\n'
            f"<tbody>\n{rows}</tbody></table></section>\n"
        )

    def _row(self, row: int, entry: Entry) -> str:
        kind, word = STATUSES[entry.status]
        bars = self.rows[row]
        report = next((one.report for one in reversed(entry.tries) if one.report), None)
        attempts = "".join(map(self._attempt, bars))
        return (
            f'<tr id="t{row}"><td><bdi>{_safe(entry.title, 240 if self.is_long else 100)}</bdi>'
            f"<details><summary><code>{_safe(entry.task, 40)}</code></summary><ol>{attempts}</ol></details></td>"
            f'<td class="{kind}">{MARKS[kind]} {word}</td><td>{len(bars)}</td>'
            f"<td>{duration(sum(bar.end - bar.start for bar in bars))}</td>"
            f"<td>{_commit(entry.commit)}</td><td>{self._report(report)}</td></tr>\n"
        )

    def _attempt(self, bar: Bar) -> str:
        one = bar.one
        parts = [
            f'<b>Attempt {one.attempt}</b> <span class="{_kind(bar)}">{_outcome(one)}</span>',
            self._moment(bar.start, "%H:%M:%S"), duration(bar.end - bar.start), _safe(one.worker, 40),
            _commit(one.commit), self._report(one.report),
        ]  # fmt: skip
        note = f"<p>{_safe(one.note, 800 if self.is_long else 120)}</p>" if one.note else ""
        parked = f"<p>Its work is kept as <code>{_safe(one.parked, 200)}</code></p>" if one.parked else ""
        return f"<li>{' · '.join(filter(None, parts))}{note}{parked}</li>"

    def _report(self, path: str | None) -> str:
        return f'<a href="{escape(_link(self.reports, path))}">report</a>' if path else ""

    def _footer(self) -> str:
        now = clock.to_seconds(self.night.now)
        home = f"<code>{_safe(self.night.home, 300)}</code>"
        return f"As of {_local('%Y-%m-%d %H:%M:%S', now)} ({_safe(_local('%Z', now), 20)}). Home: {home}"

    def _moment(self, moment: float, form: str = "") -> str:
        """A time of this night, as short as it can be told."""
        form = form or ("%H:%M:%S" if self._length < 3600 else "%H:%M")
        return _local(form if self.is_one_day else f"%e %b {form}", moment).strip()

    def _period(self, start: float, end: float) -> str:
        return f"{self._moment(start, '%H:%M:%S')} to {_local('%H:%M:%S', end)} ({duration(end - start)})"


_COLUMNS = ("Task", "Outcome", "Attempts", "Duration", "Commit", "Report")


def _bars(row: int, entry: Entry, now: str) -> Iterator[Bar]:
    for one in entry.tries:
        start = clock.to_seconds(one.started)
        yield Bar(row, entry, one, start, max(clock.to_seconds(one.ended or now), start))


def _lanes(bars: list[Bar]) -> list[list[Bar]]:
    """One for each worker; those that were never there together share one."""
    workers: dict[str, list[list[Bar]]] = {}
    for bar in bars:
        workers.setdefault(bar.one.worker, []).append([bar])
    return _pack(run for runs in workers.values() for run in _pack(runs))


def _pack(runs: Iterable[list[Bar]]) -> list[list[Bar]]:
    """As few runs as hold all bars in the order of time, none over another, and each of the given runs together."""
    packed: list[list[Bar]] = []
    free: list[tuple[float, int]] = []  # when each of them ends
    for run in sorted(runs, key=lambda run: (run[0].start, run[-1].end)):
        if free and free[0][0] <= run[0].start:
            place = heappop(free)[1]
        else:
            place = len(packed)
            packed.append([])
        packed[place] += run
        heappush(free, (run[-1].end, place))
    return packed


def _bundles(lane: list[Bar], grain: float) -> Iterator[list[Bar]]:
    """Its bars; those that would be too narrow to be told apart come together."""
    bundle: list[Bar] = []
    for bar in lane:
        if bundle and bar.end - bundle[0].start > grain:
            yield bundle
            bundle = []
        bundle.append(bar)
    if bundle:
        yield bundle


def _kind(bar: Bar) -> str:
    return OUTCOMES[bar.one.outcome][0] if bar.one.ended else "running"


def _counts(bars: Iterable[Bar]) -> dict[str, int]:
    """How many of each kind there are, in the order of the legend."""
    counts = dict.fromkeys(LEGEND, 0)
    for bar in bars:
        counts[_kind(bar)] += 1
    return {kind: count for kind, count in counts.items() if count}


def _shares(counts: dict[str, int]) -> str:
    """A bar of several kinds shows each as a layer, high enough to be seen."""
    if len(counts) == 1:
        return ""
    heights = {kind: max(count / sum(counts.values()), 0.15) for kind, count in counts.items()}
    layers, top = [], 0.0
    for kind in reversed(heights):
        bottom = top + 100 * heights[kind] / sum(heights.values())
        layers.append(f"var(--{kind}-bar) {top:.0f}% {bottom:.0f}%")
        top = bottom
    return f";background:linear-gradient({','.join(layers)})"


def _outcome(one: Try) -> str:
    kind, word = OUTCOMES[one.outcome] if one.ended else RUNNING
    return f"{MARKS[kind]} {word}"


def _step(length: float) -> int:
    """Seconds from one tick to the next."""
    step = next((step for step in STEPS if length / step <= TICKS), STEPS[-1])
    while length / step > TICKS:
        step *= 2
    return step


def _ticks(start: float, end: float, step: int) -> Iterator[float]:
    """The round times by this machine's clock, also where it is put forward or back between them."""
    moment = start + step / 2
    while True:
        offset = time.localtime(moment).tm_gmtoff
        moment -= (moment + offset + step / 2) % step - step / 2
        if moment > end:
            return
        if moment >= start:
            yield moment
        moment += step


def _local(form: str, moment: float) -> str:
    return time.strftime(form, time.localtime(moment))


def _commit(commit: str | None) -> str:
    return f"<code>{_safe(commit[:10], 40)}</code>" if commit else ""


def _link(reports: str, path: str) -> str:
    """A relative link, whatever the path is made of."""
    from urllib.parse import quote

    whole = f"{reports or '.'}/{path.lstrip('/')}"
    try:
        return quote(whole.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        return quote(whole.encode("utf-8", "surrogatepass"))


def _safe(words: str, width: int) -> str:
    """What somebody wrote, as text of the page or of an attribute."""
    return escape(shorten(words, width))
