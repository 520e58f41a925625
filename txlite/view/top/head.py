"""The head of the screen: the home, how many tasks there are in which state, how fast they end, and the runs.

Pure: from a snapshot to lines.
"""

from __future__ import annotations

from ... import text
from ...model import BACKLOG, BLOCKED, CANCELLED, DONE, FAILED, QUEUED, REVIEW, RUNNING
from ..tasks import COUNTED, in_words
from .spans import BAD, BUSY, CARE, FAINT, GOOD, PLAIN, STRONG, Span, fit, spread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .snapshot import RunRow, Snapshot
    from .spans import Line

STYLES = {RUNNING: BUSY, QUEUED: BUSY, FAILED: BAD, DONE: GOOD, "lost": BAD, BLOCKED: CARE, REVIEW: CARE,
          CANCELLED: FAINT}  # fmt: skip
GLYPHS = (("█", GOOD), ("▓", BAD), ("▒", BUSY), ("░", FAINT))  # done, failed, running, what is left
NARROWEST = 10  # columns of the bar


def draw_head(snapshot: Snapshot, clock: str, columns: int) -> list[Line]:
    """Return its lines; clock: the time of day, as it is shown."""
    counts = count_states(snapshot)
    lines = [
        spread([Span("txlite ", STRONG), Span(text.shorten(snapshot.home, max(columns - 18, 1)))],
               [Span(clock, FAINT)], columns),
        _draw_counts(counts, snapshot.is_counted, columns),
        _draw_bar(snapshot, counts, columns),
        _draw_runs(snapshot, columns),
    ]  # fmt: skip
    return lines


def count_states(snapshot: Snapshot) -> dict[str, int]:
    """Return how many tasks there are in each state as it is shown, the most important first."""
    found: dict[str, int] = {}
    for row in snapshot.running:
        found[row.state] = found.get(row.state, 0) + 1
    counts = snapshot.counts
    if counts is None:
        return found
    backlog = counts.get(BACKLOG, 0)
    others: dict[str, int] = {}
    for cause in snapshot.waiting:
        if cause.state not in ("ready", BLOCKED, REVIEW):
            others[cause.state] = others.get(cause.state, 0) + cause.size
    found["ready"] = max(backlog - sum(others.values()), 0)  # the others change seldom
    return {**found, **others, **{state: counts.get(state, 0) for state in COUNTED}}


def _draw_counts(counts: dict[str, int], is_counted: bool, columns: int) -> Line:
    spans: list[Span] = []
    for state, number in counts.items():
        if number:
            spans += [Span(f"{number:,} {in_words(state)}", STYLES.get(state, PLAIN)), Span("   ")]
    if not is_counted:
        spans.append(Span("counting…", FAINT))
    return fit(spans[:-1] if is_counted else spans, columns) or (Span("no tasks yet: `txlite add`", FAINT),)


def _draw_bar(snapshot: Snapshot, counts: dict[str, int], columns: int) -> Line:
    """How far it has come, by the column; and in figures."""
    if not snapshot.is_counted:
        return ()
    parts = [counts.get(DONE, 0), counts.get(FAILED, 0), counts.get(RUNNING, 0) + counts.get(QUEUED, 0)]
    left = sum(counts.values()) - counts.get(CANCELLED, 0) - sum(parts)
    total = sum(parts) + left
    if not total:
        return ()
    over = parts[0] + parts[1]
    tail = f"  {100 * over // total}%"
    if snapshot.rate > 0:
        tail += f"  {snapshot.rate * 60:.3g}/min" if snapshot.rate < 1 else f"  {snapshot.rate:.3g}/s"
        soon = parts[2] + counts.get("ready", 0) + counts.get("waiting", 0)
        soon -= sum(cause.size for cause in snapshot.waiting if cause.is_left)
        tail += f"  {text.age(soon / snapshot.rate)} left" if soon > 0 else ""
    width = columns - len(tail)
    if width < NARROWEST:
        return (Span(tail.strip()),)
    sizes = share_out([*parts, left], width)
    return (*(Span(glyph * size, style) for (glyph, style), size in zip(GLYPHS, sizes) if size), Span(tail))


def share_out(parts: list[int], width: int) -> list[int]:
    """Return how many of `width` columns each part gets: what is there gets one at the least."""
    total = max(sum(parts), 1)
    sizes = [max(part * width // total, 1) if part else 0 for part in parts]
    widest = sizes.index(max(sizes))
    sizes[widest] += width - sum(sizes)
    return sizes


def _draw_runs(snapshot: Snapshot, columns: int) -> Line:
    parts = [[Span(snapshot.paused, CARE)]] if snapshot.paused else []
    parts += map(_describe_run, snapshot.runs)
    if not snapshot.runs and snapshot.is_counted:
        parts.append([Span("no run goes on: `txlite run` starts one", FAINT)])
    return fit([span for part in parts for span in (Span("   "), *part)][1:], columns)


def _describe_run(one: RunRow) -> list[Span]:
    busy = f", {one.busy} busy" if one.busy != one.wanted else ""
    return [
        Span(f"{one.id}  ", STRONG),
        Span(f"{text.count(one.wanted, 'worker')}{busy}, for {text.age(one.seconds)}"),
        *([Span(f"  waits for {one.hold}", CARE)] if one.hold else []),
    ]


def draw_groups(snapshot: Snapshot, columns: int) -> list[Line]:
    """Return the line about groups, where there are any: those first of which nothing is begun now."""
    if not snapshot.groups:
        return []
    spans = [Span("groups  ", STRONG)]
    for one in snapshot.groups:
        spans += [Span(one.words, CARE if one.is_held else PLAIN), Span("   ")]
    return [fit(spans[:-1], columns)]
