"""A night at a glance: what landed, what it cost and how long it took, beside earlier nights.

Called by `document`.
"""

from __future__ import annotations

from ...system import clock
from ...text import count, duration, money
from ..costs import Cost
from ..nights import usual
from .time_scale import local

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...git.diff_stat import DiffStat
    from ..nights import Night
    from ..summary import Summary


def tell_figures(summary: Summary) -> str:
    """Return the figures of the night."""
    boxes = [
        (name, value, " · ".join(filter(None, more)))
        for name, value, *more in (_landed(summary), _cost(summary), _time(summary))
    ]
    drawn = "".join(
        f"<div><dt>{name}</dt><dd>{value}{f'<small>{more}</small>' if more else ''}</dd></div>\n"
        for name, value, more in boxes
    )
    return f'<dl class="figures" id="figures">\n{drawn}</dl>\n'


def tell_changes(changes: DiffStat | None) -> str:
    """Return how much something changes."""
    if changes is None:
        return ""
    return f'<span class="added">+{changes.added:,}</span> <span class="deleted">&minus;{changes.deleted:,}</span>'


def tell_size(changes: DiffStat | None) -> str:
    """Return how much something changes, and in how many files."""
    if changes is None:
        return ""
    return f'{tell_changes(changes)} <span class="quiet">in {count(changes.files, "file")}</span>'


def _landed(summary: Summary) -> tuple[str, ...]:
    landed = [entry for entry in summary.entries if entry.commit]
    known = [entry.changes for entry in landed if entry.changes]
    total = type(known[0])(*map(sum, zip(*known))) if known else None
    before = usual(list(summary.earlier), lambda night: night.figures.commits)
    return (
        "Landed", count(len(landed), "commit"), tell_changes(total),
        f"usually {before:,.0f}" if before is not None else "",
    )  # fmt: skip


def _cost(summary: Summary) -> tuple[str, ...]:
    cost = summary.cost
    done = sum(entry.status == "done" for entry in summary.entries)
    each = f"{money(cost.known / done)} for each that is done" if cost.known and done else ""
    before = usual(list(summary.earlier), lambda night: night.figures.cost)
    bound = summary.loops[-1].max_cost
    most = f"at most {money(bound)}" if bound else ""
    return "Cost", cost.tell(), most, each, f"usually {money(before)}" if before is not None else ""


def _time(summary: Summary) -> tuple[str, ...]:
    night = summary.night
    if night is None:
        return "Time", "unknown"
    before = usual(list(summary.earlier), lambda night: night.lasted)
    worked = f"agents worked {duration(night.figures.seconds)}"
    return "Time", duration(night.lasted), worked, f"usually {duration(before)}" if before is not None else ""


def tell_nights(summary: Summary) -> str:
    """Return the table of this night and those before it; nothing where it is the first."""
    if not summary.earlier or summary.night is None:
        return ""
    nights = [summary.night, *summary.earlier]
    rows = "".join(_rows(nights))
    heads = "".join(f'<th scope="col">{name}</th>' for name in ("Night", "Done", "Not done", "Commits", "Time", "Cost"))
    return (
        '<section id="nights"><h2>This night and those before it</h2>\n'
        f'<table class="nights"><thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}</tbody></table></section>\n'
    )


def _rows(nights: list[Night]) -> Iterator[str]:
    longest = max(night.lasted for night in nights) or 1.0
    dearest = max(night.figures.cost or 0 for night in nights) or 1
    for place, night in enumerate(nights):
        figures = night.figures
        when = local("%a %e %b, %H:%M", clock.to_seconds(night.started))
        cells = (f"{figures.done:,}", f"{figures.tasks - figures.done:,}", f"{figures.commits:,}")
        cost = Cost(figures.cost, figures.priced == figures.attempts).tell()
        yield (
            f'<tr{" class=this" * (not place)}><th scope="row">{when}</th>'
            f"{''.join(f'<td>{cell}</td>' for cell in cells)}"
            f"{_measured(duration(night.lasted), night.lasted / longest)}"
            f"{_measured(cost, (figures.cost or 0) / dearest)}</tr>\n"
        )


def _measured(told: str, part: float) -> str:
    """A cell with a bar below its figure."""
    return f'<td>{told}<i class="measure" style="width:{100 * part:.0f}%"></i></td>'
