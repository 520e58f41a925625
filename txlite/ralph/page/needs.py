"""What needs a person, each with what to type; and what runs at this moment.

Called by `document`.
"""

from __future__ import annotations

import re
from html import escape

from ...system import clock
from ...text import duration, printable_lines
from .figures import tell_size
from .placed import tell_agent
from .terms import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..summary import Entry
    from .placed import PlacedNight
    from .terms import Bar

SHOWN = 100  # that need a person
OPEN = 5  # of which the last words are seen at once
_ID = re.compile(r"\btx-[a-z0-9]+\b(?![^<]*</code>)")  # but for those in a command, which is copied as it stands


def tell_needs(night: PlacedNight) -> str:
    """Return the section of what needs a person."""
    needs = [(row, entry) for row, entry in enumerate(night.summary.entries) if entry.needs]
    remarks = night.summary.remarks
    if not needs and not remarks:
        return '<section class="needs none" id="needs"><h2>Nothing needs a person</h2></section>\n'
    reviews = _tell_reviews(night, [need for need in needs if need[1].state == "review"])
    others = _tell_others(night, [need for need in needs if need[1].state != "review"])
    return (
        f'<section class="needs" id="needs"><h2>Needs a person: {len(needs) + len(remarks):,}</h2>\n'
        f"{reviews}{others}</section>\n"
    )


def _tell_others(night: PlacedNight, needs: list[tuple[int, Entry]]) -> str:
    """What was put aside or is blocked, and the remarks."""
    items = [_need(night, row, entry, len(needs) <= OPEN) for row, entry in needs[:SHOWN]]
    if len(needs) > SHOWN:
        items.append(f"<li>And {len(needs) - SHOWN:,} more: the table of tasks has them.</li>\n")
    items += [f"<li>{_remark(night, remark)}</li>\n" for remark in night.summary.remarks]
    return f"<ul>\n{''.join(items)}</ul>" if items else ""


def _tell_reviews(night: PlacedNight, reviews: list[tuple[int, Entry]]) -> str:
    """What passed its gate and waits for a word, a line each: they are many after a good night."""
    if not reviews:
        return ""
    items = "".join(_review(night, row, entry) for row, entry in reviews[:SHOWN])
    hidden = len(reviews) - SHOWN
    more = f"<li>And {hidden:,} more: <code>txlite review</code> has them.</li>\n" if hidden > 0 else ""
    return (
        f'<h3 id="reviews">To be reviewed: {len(reviews):,}</h3>\n<ul class="reviews">\n{items}{more}</ul>\n'
        '<p class="quiet">Then <code>txlite approve ID</code> lands it, '
        "<code>txlite reject ID &quot;why&quot;</code> gives it back.</p>\n"
    )


def _review(night: PlacedNight, row: int, entry: Entry) -> str:
    id = safe(entry.task, 40)
    facts = (tell_size(entry.changes), _tell_verdict(entry), night.link_last_report(entry))
    command = entry.commands[0] if entry.commands else ""
    return (
        f'<li id="n-{id}"><p class="what"><a href="#t{row}"><bdi>{safe(entry.title, 160)}</bdi></a></p>'
        f"<p>{' · '.join(filter(None, facts))}</p>"
        f'<p class="todo"><code>{safe(command, 300)}</code></p></li>\n'
    )


def _tell_verdict(entry: Entry) -> str:
    """The last one on its work, where that is a reviewer's; why there is none."""
    last = entry.last_verdict
    if last and last.reviewer:
        return safe(last.in_words, 52)
    return safe(entry.unjudged, 300)


def _need(night: PlacedNight, row: int, entry: Entry, is_open: bool) -> str:
    id = safe(entry.task, 40)
    title = f'<a href="#t{row}"><bdi>{safe(entry.title, 160)}</bdi></a> <code class="quiet">{id}</code>'
    facts = (safe(entry.needs or "", 600), night.link_report(entry.tries[-1]))
    first, *others = entry.commands[::-1] or ("",)
    return "".join((
        f'<li id="n-{id}"><p class="what">{title}</p>',
        f"<p>{' · '.join(filter(None, facts))}</p>",
        _last_words(entry, is_open),
        f'<p class="todo"><code>{safe(first, 300)}</code></p>' if first else "",
        *(f'<p class="quiet">before that: <code>{safe(other, 300)}</code></p>' for other in others),
        "</li>\n",
    ))  # fmt: skip


def _last_words(entry: Entry, is_open: bool) -> str:
    parts = entry.reason.parts if entry.reason else []
    if not parts:
        return ""
    told = "".join(
        f'<p class="quiet">{heading}:</p><pre>{escape(printable_lines(words))}</pre>' for heading, words in parts
    )
    return f"<details{' open' * is_open}><summary>what was written last</summary>{told}</details>"


def _remark(night: PlacedNight, remark: str) -> str:
    """A remark, with a link to each task that the table has, and commands as such."""
    told = re.sub("`([^`]+)`", r"<code>\1</code>", safe(remark, 900))
    return _ID.sub(lambda found: _link_to_row(night, found[0]), told)


def _link_to_row(night: PlacedNight, task: str) -> str:
    row = night.places.get(task)
    return task if row is None else f'<a href="#t{row}">{task}</a>'


def tell_running(night: PlacedNight) -> str:
    """Return the section of what runs now; nothing where nothing does."""
    running = [bar for bar in night.bars if bar.one.ended is None]
    if not running:
        return ""
    items = "".join(_running(night, bar) for bar in running[:SHOWN])
    return f'<section class="now" id="now"><h2>Running now: {len(running):,}</h2>\n<ul>\n{items}</ul></section>\n'


def _age(night: PlacedNight, since: str) -> float:
    return max(clock.to_seconds(night.summary.now) - clock.to_seconds(since), 0.0)


def _running(night: PlacedNight, bar: Bar) -> str:
    silent = f'<b class="failed">silent for {duration(_age(night, bar.one.silent))}</b>' if bar.one.silent else ""
    facts = (
        f"attempt {len(bar.entry.tries):,}", tell_agent(bar.one), f"for {duration(bar.end - bar.start)}", silent,
        night.link_report(bar.one),
    )  # fmt: skip
    look = f'<p class="todo"><code>txlite logs -f {safe(bar.entry.task, 40)}</code></p>' if silent else ""
    return (
        f'<li id="r-{safe(bar.entry.task, 40)}"><a href="#t{bar.row}"><bdi>{safe(bar.entry.title, 160)}</bdi></a> '
        f'<span class="quiet">{" · ".join(filter(None, facts))}</span>{look}</li>\n'
    )
