"""Groups as lines, and what is said when one comes into being. Used by the commands that show, change or name them."""

from __future__ import annotations

import shlex
import sys

from .. import text
from ..system import clock
from .table import print_table
from .terminal import say_aside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..model import Group

MOST = 100  # groups on a terminal
HEADINGS = ("GROUP", "LIMIT", "RUNNING", "WAITING", "")


def print_groups(groups: Sequence[Group]) -> None:
    """Print a line for each group; on a terminal, of very many, for those of which something runs or waits."""
    if not groups:
        print("there are no groups: `txlite add --group GROUP ...` makes one")
        return
    shown = groups
    if len(groups) > MOST and sys.stdout.isatty():
        shown = sorted(groups, key=lambda one: not (one.running or one.waiting or one.paused))[:MOST]
    rows = [(one.name, one.limit or "none", one.running, one.waiting, _state(one)) for one in shown]
    print_table(rows, headings=HEADINGS)
    if len(shown) < len(groups):
        print(f"and {len(groups) - len(shown):,} more: `txlite group | less`")


def _state(group: Group) -> str:
    if group.paused:
        return f"paused since {clock.to_local(group.paused)}"
    return group.hold.partition(" ")[0]


def say_new_group(group: Group | None) -> None:
    """Say that a group has come into being, and what it lets begin."""
    if group and group.limit == 1:
        name = text.printable(shlex.quote(group.name))
        say_aside(
            f"group {text.printable(group.name)} is new, and runs one task at a time: "
            f"`txlite group {name} --workers N` changes that"
        )


def say_outside(name: str, count: int) -> None:
    """Say how many tasks of a batch were added before, and are not in the group that is given now."""
    if count:
        it, was = ("it", "was") if count == 1 else ("each", "were")
        name = text.printable(shlex.quote(name))
        hint = f"`txlite update ID --group {name}` puts {it} there"
        say_aside(f"{text.count(count, 'task')} {was} added before, and not to group {name}: {hint}")
