"""The page that tells what became of a loop: one HTML file, for the person who comes in the morning.

Guarantees: it stands alone, with no script, nothing from outside, and a policy in it that lets the browser load
nothing; where it is served, it has one script of ours, and what may be loaded the server says. It grows with the number
of attempts and no faster: long texts are cut where there are many. Its frame, its style sheet and its script are
templates of the package. Called by `view`.
"""

from __future__ import annotations

import os

from ...home.location import PACKAGE
from ...system import clock
from ...text import duration, expand
from .figures import tell_figures, tell_nights
from .needs import tell_needs, tell_running
from .placed import PlacedNight
from .tables import tell_landed, tell_others
from .terms import STATES, safe
from .time_scale import local
from .timeline import Timeline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..summary import Summary


def _read(name: str) -> str:
    """A template of the package: with the module, for the package may be another when a loop ends; by its loader, for
    it may be in an archive."""
    return __loader__.get_data(os.path.join(PACKAGE, "templates", name)).decode()  # type: ignore[name-defined,no-any-return]


FRAME, STYLE, SCRIPT = _read("page.html"), _read("page.css"), _read("page.js")
POLICY = (
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">"
)
LIVE = """<aside class="live" aria-label="Updates">
<p role="status" id="news"></p>
<p><span id="state">Updates itself</span> <button type="button" id="pause" aria-pressed="false">Pause</button></p>
</aside>
"""


NO_LOOP = {
    **dict.fromkeys(("EYEBROW", "FIGURES", "NEEDS", "RUNNING", "LANDED", "TIMELINE", "TASKS", "NIGHTS"), ""),
    "TITLE": "No loop has run here yet",
    "HEADLINE": "No loop has run here yet",
    "COURSE": "<code>txlite ralph</code> starts one, and this page will show it.",
}


def render(summary: Summary, reports: str = "..") -> str:
    """Return the page as a file. reports: the way from the page's place to home, for the links."""
    night = PlacedNight(summary, lambda one: _link(reports, one.report or ""))
    return expand(FRAME, {**_sections(night), "POLICY": POLICY, "LIVE": "", "SCRIPT": ""})


def render_served(summary: Summary | None, home: str) -> tuple[str, str]:
    """Return the page as it is served: it updates itself, and its reports are beside it; and what of it is the same
    as long as nothing changes but the time.

    summary: None where no loop has run yet.
    """
    if summary:
        sections = _sections(PlacedNight(summary, lambda one: f"reports/{one.attempt}"))
        footer = sections.pop("FOOTER")
    else:
        sections, footer = dict(NO_LOOP), _tell_home(home)
    sections.update(STYLE=STYLE, POLICY="", LIVE=LIVE, SCRIPT=f"<script>{SCRIPT}</script>\n")
    unchanging = "\n".join(map(str, sections.values()))
    return expand(FRAME, {**sections, "FOOTER": footer}), unchanging


def _sections(night: PlacedNight) -> dict[str, object]:
    """What stands in the frame's places."""
    summary = night.summary
    counts = _count(summary)
    return {
        "STYLE": STYLE,
        "TITLE": f"{counts}: {clock.to_local(summary.started)[:16]}",
        "EYEBROW": local("The night of %A, %e %B %Y", night.first).replace("  ", " "),
        "HEADLINE": counts,
        "COURSE": _tell_course(night),
        "FIGURES": tell_figures(summary),
        "NEEDS": tell_needs(night),
        "RUNNING": tell_running(night),
        "LANDED": tell_landed(night),
        "TIMELINE": Timeline(night.bars, summary.loops, night.scale).render(),
        "TASKS": tell_others(night),
        "NIGHTS": tell_nights(summary),
        "FOOTER": _tell_footer(summary),
    }


def _count(summary: Summary) -> str:
    counts = {"done": 0, **summary.shown_counts}
    words = [f"{counts[state]:,} {STATES[state][1]}" for state in STATES if state in counts]
    noun = "task" if counts["done"] == 1 else "tasks"
    return ", ".join([words[0].replace(" ", f" {noun} ", 1), *words[1:]])


def _tell_course(night: PlacedNight) -> str:
    """From when to when, and how it went on and ended."""
    loops, now = night.summary.loops, "now, " if night.summary.goes_on else ""
    agents = list(dict.fromkeys(agent for loop in loops for agent in loop.agent.split(",")))
    names = " and ".join(f"<b>{safe(agent, 60)}</b>" for agent in agents)
    told = [
        f"Agent{'s' * (len(agents) > 1)} {names}, from {night.scale.tell(night.first)} "
        f"to {now}{night.scale.tell(night.last)} ({duration(night.last - night.first)})."
    ]
    if len(loops) > 1:
        times = f" {len(loops) - 1:,} times" if len(loops) > 2 else ""
        back = night.scale.tell(clock.to_seconds(loops[-1].started))
        told.append(f"It was killed{times}, and went on {'last ' * (len(loops) > 2)}at {back}.")
    return " ".join([*told, _tell_end(night.summary)])


def _tell_end(summary: Summary) -> str:
    loop = summary.loops[-1]
    if loop.ended:
        return f"It ended: {safe(loop.reason, 300)}." if loop.reason else "It ended."
    if not summary.goes_on:
        return "It was killed: <code>txlite ralph</code> goes on with it."
    pauses = [
        f"{safe(agent, 60)} pauses until {local('%H:%M', clock.to_seconds(until))}: {safe(why, 200)}."
        for agent, (until, why) in summary.limits.items()
    ]
    return " ".join(["It still goes on.", *pauses])


def _tell_footer(summary: Summary) -> str:
    now = clock.to_seconds(summary.now)
    return f"As of {local('%Y-%m-%d %H:%M:%S', now)} ({safe(local('%Z', now), 20)}). {_tell_home(summary.home)}"


def _tell_home(home: str) -> str:
    return f"Home: <code>{safe(home, 300)}</code>"


def _link(reports: str, path: str) -> str:
    """A relative link, whatever the path is made of."""
    from urllib.parse import quote

    whole = f"{reports or '.'}/{path.lstrip('/')}"
    try:
        return quote(whole.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        return quote(whole.encode("utf-8", "surrogatepass"))
