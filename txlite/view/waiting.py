"""What waits in the queue, and for what: `status`, and the end of a run; and that the queue is paused.

Used by `status` and `top`, and by what shows how a run goes on and ends.
"""

from __future__ import annotations

import sys

from .. import text
from ..execution.waiting import (
    AGENT,
    CAPABILITY,
    CAUSES,
    GROUP,
    PERSON,
    RESERVATION,
    STUCK,
    TASKS,
    TIME,
    TURN,
    WORKER,
    look_at_waiting,
)
from ..model import BLOCKED, PROMPT, REVIEW, SLURM
from ..system import clock
from .tasks import in_words
from .terminal import colour, room_for, say, size, width

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..execution.waiting import Waiting
    from ..model import Group, Task
    from ..store.store import Store

FEW = 5  # tasks named of those that wait for the same, to a person; and
FEWEST = 2  # on a terminal of less than
HIGH = 40  # lines
MANY = 1000  # to a program
NAMED = 3  # groups
LEAST = 12  # columns of a title, so that an id behind it stands whole
INDENT = " " * 9
AGENT_HINT = "--agent claude (or `txlite ralph`)"
WORDS = {  # for one, and for several
    TURN: ("waits for its turn", "wait for their turn"),
    WORKER: ("waits for a worker: `txlite run`", "wait for a worker: `txlite run`"),
    AGENT: (f"prompt waits for an agent: {AGENT_HINT}", f"prompts wait for an agent: {AGENT_HINT}"),
    CAPABILITY: ("needs", "need"),
    GROUP: ("waits for group", "wait for group"),
    RESERVATION: ("was released a moment ago, and is its holder's alone",
                  "were released a moment ago, and are their holders' alone"),
    TIME: ("waits for its time", "wait for their time"),
    TASKS: ("waits for other tasks", "wait for other tasks"),
    STUCK: ("waits for what will not be done by itself", "wait for what will not be done by itself"),
    REVIEW: ("waits for a person's review: `txlite review`", "wait for a person's review: `txlite review`"),
    PERSON: ("is held back", "are held back"),
}  # fmt: skip


def say_paused(store: Store) -> None:
    """Print, where it is so, that the queue is paused, and which providers of agents refuse to work."""
    since = store.paused()
    if since:
        say(describe_pause(since))
    for agent, until, reason in store.loops.limits():
        say(describe_refusal(agent, until, reason))


def describe_pause(since: str, what: str = "", argument: str = "") -> str:
    """Return that the queue is paused, or a group; since: UTC text."""
    return f"paused since {clock.to_local(since)[:16]}: nothing {what}is begun until `txlite resume{argument}`"


def describe_refusal(agent: str, until: str, reason: str) -> str:
    """Return that an agent's provider refuses to work; until: UTC text."""
    return text.printable(f"{agent} is asked again at {clock.to_local(until)}, or after `txlite resume`: {reason}")


def describe_holds(groups: Sequence[Group]) -> str:
    """Return which groups begin nothing, and what a person can do about it; there is one, or several."""
    named = [f"group {text.printable(one.name)}, which is {one.hold}" for one in groups[:NAMED]]
    if len(groups) > NAMED:
        named[-1] = f"{len(groups) - NAMED + 1} more groups (`txlite group`)"
    paused = [one.name for one in groups if one.paused]
    hint = f": `txlite resume {_quote(paused[0])}`" if paused else ""
    return f"all that is left waits for {', and '.join(named)}{hint}"


def _quote(name: str) -> str:
    import shlex

    return text.printable(shlex.quote(name))


def print_waiting(store: Store, found: Sequence[Waiting]) -> None:
    """Print what waits: a line for each cause, and one for each of its first tasks; of many groups only the first. On a
    terminal what needs a person stands first."""
    held = [one for one in found if one.cause == GROUP]
    shown = [*(one for one in found if one.cause != GROUP), *held[:FEW]]
    is_terminal = sys.stdout.isatty()
    is_high = not is_terminal or size().lines >= HIGH
    for place, one in enumerate(
        sorted(shown, key=lambda one: (is_terminal and not one.is_left, CAUSES.index(one.cause)))
    ):
        _say_cause(one.state, describe(one), one.is_left, is_apart=is_high or place == 0)
        _say_tasks(store, one, FEW if is_high else FEWEST)
    if held[FEW:]:
        others = sum(one.size for one in held[FEW:])
        words = f"{others:,} wait for {len(held) - FEW:,} more groups: `txlite group`"
        _say_cause(held[-1].state, words, is_left=False, is_apart=is_high)


def _say_tasks(store: Store, one: Waiting, most: int) -> None:
    for task in one.first[:most]:
        why = _details(store, task)
        say(f"{INDENT}{task.id}  {text.shorten(task.title, room_for(len(INDENT + task.id + why) + 2, LEAST))}{why}")
    if 0 < len(one.first[:most]) < one.size:
        say(f"{INDENT}and {one.size - len(one.first[:most]):,} more: `txlite list --status {one.state}`")


def _say_cause(state: str, words: str, is_left: bool, is_apart: bool) -> None:
    """Say for what tasks wait, behind their state; on a terminal in as many lines as the words need, and, where that is
    to stand apart, below an empty one."""
    head = f"{state + ':':<{len(INDENT)}}"
    if not sys.stdout.isatty():
        say(head + words)
        return
    from textwrap import wrap

    lines = wrap(words, max(width() - len(INDENT), 20), break_on_hyphens=False)
    say("\n" * is_apart + (colour(head, "33") if is_left else head) + f"\n{INDENT}".join(lines))


def print_left(store: Store) -> None:
    """Print what waits when a loop has ended, but for what its summary tells of."""
    found = [one for one in look_at_waiting(store, limit=FEW) if one.cause != STUCK]
    print_waiting(store, [one._replace(first=[]) if one.cause == REVIEW else one for one in found])


def count_waiting(found: Sequence[Waiting]) -> list[str]:
    """Return how many wait in each state."""
    counts: dict[str, int] = {}
    for one in found:
        counts[one.state] = counts.get(one.state, 0) + one.size
    return [f"{number:,} {in_words(state)}" for state, number in counts.items()]


def describe(one: Waiting) -> str:
    """Return how many wait for what, and what a person can do about it."""
    words = _describe_cause(one)
    if one.cause == CAPABILITY:
        agent = " --agent claude" if one.kind == PROMPT else ""
        need = text.printable(one.needs)
        words += f" {need}, which no worker here has: `txlite worker start -c {need}{agent}`"
        if one.needs == SLURM:
            jobs = "are to be jobs" if one.size > 1 else "is to be a job"
            words = f"{one.size:,} {jobs}: `txlite run --executor slurm{agent}`"
    if one.cause == GROUP:
        words += _describe_hold(one)
    if one.cause == TIME and one.first and one.first[0].not_before:
        words += f", until {_show_time(one.first[0].not_before)}"
    if one.cause == PERSON:
        words += f": `txlite update {one.first[0].id if one.size == 1 and one.first else 'ID'} --status ready` lets go"
    return words


def _describe_cause(one: Waiting) -> str:
    if one.cause == AGENT and one.agent:
        name, verb = text.printable(one.agent), "wait" if one.size > 1 else "waits"
        return f"{text.count(one.size, 'prompt')} {verb} for agent {name}: `txlite ralph --agent {name}`"
    return f"{one.size:,} {WORDS[one.cause][one.size > 1]}"


def _describe_hold(one: Waiting) -> str:
    hint = f": `txlite resume {_quote(one.group)}`" if one.hold == "paused" else ""
    return f" {text.printable(one.group)}, which is {one.hold}{hint}"


def _show_time(moment: str) -> str:
    try:
        return clock.to_local(moment)[:16]
    except ValueError:
        return text.printable(moment)  # edited by hand


def _details(store: Store, task: Task) -> str:
    """For which tasks it waits, or for when."""
    if task.status in (BLOCKED, REVIEW):
        return ""
    if task.open_blockers:
        blockers = [store.get(blocker) for blocker in store.relations([task])[task.id].blocked_by]
        named = [_name_blocker(one) for one in blockers if one.status != "done"]
        return f"  (for {'; '.join(named[:2])}{', ...' if named[2:] else ''})"
    return ""


def _name_blocker(task: Task) -> str:
    return f"the review of {task.id}" if task.status == REVIEW else f"{task.id}, {task.state}"
