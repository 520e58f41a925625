"""The drawing of a page: a lane for each worker, a bar for each attempt, where its time lies.

It is for who sees and points: what it says of each attempt stands in the tables, too, where every key and every reader
of screens gets at it.

Guarantees: no bar lies over another, and short attempts side by side are drawn as one, so that the drawing grows no
faster than the number of attempts. Called by `document`.
"""

from __future__ import annotations

from heapq import heappop, heappush
from html import escape

from ...system import clock
from ...text import shorten
from .terms import LEGEND, MARKS, Bar, count_kinds, safe, tell_outcome
from .time_scale import is_midnight, local

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ...model import LoopRecord
    from .time_scale import TimeScale

LANES_SHOWN = 40
THIN = 16  # lanes from which on they are drawn thinner, without titles
GRAIN = 0.006  # of the timeline's length: attempts that together are shorter become one bar
CHARACTERS = 160  # that the timeline is wide, in the font of its bars


class Timeline:
    """The attempts of the loops of a summary, drawn on a scale."""

    def __init__(self, bars: list[Bar], loops: list[LoopRecord], scale: TimeScale) -> None:
        self._bars = bars
        self._loops = loops
        self._scale = scale
        self._lanes = _lanes(bars)

    def render(self) -> str:
        """Return the section of the page."""
        shown = self._lanes[:LANES_SHOWN]
        thin = " thin" if len(shown) > THIN else ""
        names = "".join(f"<div>worker {number}</div>" for number in range(1, len(shown) + 1))
        lanes = "".join(map(self._lane, shown))
        marks = self._marks()
        return (
            f'<section id="timeline"><h2>Timeline</h2>\n{self._legend()}<div class="scroll" role="group" '
            f'aria-label="Drawing">\n<div class="chart{thin}" aria-hidden="true"><div class="names">{names}</div>\n'
            f'<div class="plot{" marked" * bool(marks)}">{self._ticks()}{marks}\n{lanes}</div></div></div>\n'
            f"{self._hidden()}</section>\n"
        )

    def _legend(self) -> str:
        items = [
            f'<li><i aria-hidden="true"><span class="bar {kind}" style="left:0;width:100%"></span></i>'
            f"{MARKS[kind]} {LEGEND[kind]}: {count:,}</li>"
            for kind, count in count_kinds(self._bars).items()
        ]
        return f'<ul class="legend" aria-label="Attempts">{"".join(items)}</ul>\n'

    def _hidden(self) -> str:
        """What the lanes leave out."""
        hidden = sum(map(len, self._lanes[LANES_SHOWN:]))
        return f'<p class="quiet">{hidden:,} attempts of further workers are in the table only.</p>\n' if hidden else ""

    def _lane(self, lane: list[Bar]) -> str:
        drawn = "".join(map(self._draw, _bundles(lane, GRAIN * self._scale.length)))
        return f'<div class="lane">\n{drawn}</div>\n'

    def _draw(self, bundle: list[Bar]) -> str:
        first, end = bundle[0], max(bar.end for bar in bundle)
        left, width = self._scale.percent(first.start), 100 * (end - first.start) / self._scale.length
        classes = f"bar {first.kind}" + " far" * (left > 60) + " point" * (width < 100 * GRAIN)
        label = _label(first.entry.title, width) if len(bundle) == 1 else ""
        counts = count_kinds(bundle)
        tip = self._tip(first) if len(bundle) == 1 else self._tip_of_many(counts, first.start, end)
        place = f"left:{left:.3f}%;width:{width:.3f}%{_shares(counts)}"
        return (
            f'<a class="{classes}" href="#t{first.row}" tabindex="-1" style="{place}">{label}'
            f'<span class="tip">{tip}</span></a>\n'
        )

    def _tip(self, bar: Bar) -> str:
        note = f"\n{safe(bar.one.note, 160)}" if bar.one.note else ""
        return (
            f"<bdi>{safe(bar.entry.title, 100)}</bdi>\n{tell_outcome(bar.one)}, attempt {bar.one.attempt}, "
            f"{safe(bar.one.worker, 40)}\n{self._scale.tell_period(bar.start, bar.end)}{note}"
        )

    def _tip_of_many(self, counts: dict[str, int], start: float, end: float) -> str:
        parts = ", ".join(f"{MARKS[kind]} {count:,} {LEGEND[kind]}" for kind, count in counts.items())
        return f"{sum(counts.values()):,} attempts: {parts}\n{self._scale.tell_period(start, end)}"

    def _ticks(self) -> str:
        found = []
        for moment, label in self._scale.ticks():
            place = self._scale.percent(moment)
            kind = "tick day" if is_midnight(moment) else "tick"
            found.append(f'<div class="{kind}" style="left:{place:.3f}%">{label if place < 93 else ""}</div>')
        return "".join(found)

    def _marks(self) -> str:
        """Where a loop went on that had been killed; the words only where there is room for them."""
        found, taken = [], -100.0
        for loop in self._loops[1:]:
            moment = clock.to_seconds(loop.started)
            place = self._scale.percent(moment)
            words = f"went on {local('%H:%M', moment)}" if place - taken > 30 else ""
            taken = place if words else taken
            far = " far" if place > 80 else ""
            found.append(f'<div class="mark{far}" style="left:{place:.3f}%"><span>{words}</span></div>')
        return "".join(found)


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


def _label(title: str, width: float) -> str:
    """As much of a title as fits into a bar, if that says anything; width: of the bar, in percent of the timeline."""
    room = int(CHARACTERS * width / 100) - 1
    shown = shorten(title, room) if room >= 8 or room >= len(title) else ""
    return f"<b>{escape(shown)}</b>" if shown else ""


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
