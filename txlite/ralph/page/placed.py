"""A night, placed in time: what each part of its page is drawn from.

Called by `document`, which makes it, and by the parts.
"""

from __future__ import annotations

from html import escape

from ...system import clock
from ...text import amount, duration
from ..costs import sum_costs, sum_tokens
from .terms import Bar, bars, safe, tell_outcome
from .time_scale import TimeScale

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ...model import Verdict
    from ..summary import Entry, Summary, Try

MANY = 2000  # attempts from which on long texts are cut shorter


class PlacedNight:
    """What became of a night, with each attempt at its place in time.

    link: the address of an attempt's report, as it is seen from the page.
    """

    def __init__(self, summary: Summary, link: Callable[[Try], str]) -> None:
        self.summary = summary
        self.rows = [list(bars(row, entry, summary.now)) for row, entry in enumerate(summary.entries)]
        self.bars = [bar for row in self.rows for bar in row]
        moments = [clock.to_seconds(moment) for moment in (summary.started, summary.until)]
        self.first, self.last = moments[0], max(moments)
        start = min([self.first, *(bar.start for bar in self.bars)])
        end = max([self.last, *(bar.end for bar in self.bars), start + 1])
        self.scale = TimeScale(start, end)
        self.is_long = len(self.bars) < MANY  # whether there is room for long texts
        self.is_priced = (
            sum_costs([bar.one.usages for bar in self.bars]).known is not None
        )  # whether any attempt said what it cost
        self.places = {entry.task: row for row, entry in enumerate(summary.entries)}
        self._link = link

    def link_report(self, one: Try | None) -> str:
        """Return the link to an attempt's report; nothing where there is none."""
        return f'<a href="{escape(self._link(one))}">report</a>' if one and one.report else ""

    def link_last_report(self, entry: Entry) -> str:
        """Return the link to the last report of a task."""
        return self.link_report(next((one for one in reversed(entry.tries) if one.report), None))

    def tell_attempts(self, row: int) -> str:
        """Return the attempts of a task as a list, oldest first."""
        said = "".join(map(_tell_verdict, self.summary.entries[row].verdicts))
        return f"<ol>{''.join(map(self._tell, self.rows[row]))}{said}</ol>"

    def _tell(self, bar: Bar) -> str:
        one = bar.one
        parts = [
            f'<b>Attempt {one.attempt}</b> <span class="{bar.kind}">{tell_outcome(one)}</span>',
            self.scale.tell(bar.start, "%H:%M:%S"), duration(bar.end - bar.start), tell_agent(one),
            tell_usage(one), safe(one.worker, 40), tell_commit(one.commit), self.link_report(one),
        ]  # fmt: skip
        note = f"<p>{safe(one.note, 800 if self.is_long else 120)}</p>" if one.note else ""
        parked = f"<p>Its work is kept as <code>{safe(one.parked, 200)}</code></p>" if one.parked else ""
        return f"<li>{' · '.join(filter(None, parts))}{note}{parked}</li>"


def _tell_verdict(verdict: Verdict) -> str:
    by = safe(verdict.by, 40)
    reason = f"<p>{safe(verdict.reason, 800)}</p>" if verdict.reason else ""
    return f"<li><b>{verdict.verdict.capitalize()}</b> by {by}, after attempt {verdict.attempt}{reason}</li>"


def tell_agent(one: Try) -> str:
    """Return who worked, and how hard, as text of the page."""
    level = f" at {safe(one.level, 30)}" if one.level else ""
    return f"{safe(one.agent, 40)}{level}" if one.agent else ""


def tell_usage(one: Try) -> str:
    """Return what an attempt cost, as far as it is known, as text of the page."""
    cost, count = sum_costs([one.usages]), sum_tokens(one.usages)
    money = cost.tell() if cost.known is not None else ""
    tokens = f"{amount(count)} tokens" if count is not None else ""
    return ", ".join(filter(None, (money, tokens)))


def tell_commit(commit: str | None) -> str:
    """Return the beginning of a commit's name."""
    return f"<code>{safe(commit[:10], 40)}</code>" if commit else ""
