"""What is written on the command line, as values: one parser for each kind.

A parser takes the text of one argument and raises UsageError, or InvalidValue, with what was given and what to give
instead. `value_of` makes a `type=` of it for argparse. Used by the verbs' `configure`, and for config.ini.
"""

from __future__ import annotations

import os
import re
from argparse import SUPPRESS

from .. import text
from ..errors import UsageError
from ..store.store import LEASE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, _ActionsContainer
    from collections.abc import Callable

    Options = _ActionsContainer  # a parser, or a group of its options

HOUR = 3600.0  # seconds
HIGHEST = (1 << 31) - 1  # of what is counted


def value_of(parse: Callable[[str], object]) -> Callable[[str], object]:
    """Return `parse` as argparse wants it: its errors become argparse's, which name the option."""

    def parse_argument(value: str) -> object:
        from argparse import ArgumentTypeError

        try:
            return parse(value)
        except UsageError as error:
            raise ArgumentTypeError(str(error)) from error

    return parse_argument


def parse_score(value: str) -> float:
    """Return any number, whole where it is."""
    try:
        parsed = float(value)
    except ValueError:
        raise UsageError(f"{value!r} is not a number") from None
    return int(parsed) if parsed.is_integer() else parsed


def parse_limit(value: str) -> int:
    """Return a whole number from 0 that SQLite can hold."""
    if not value.isascii() or not value.isdigit() or len(value) > 18:
        raise UsageError(f"{value!r} is not a whole number")
    return int(value)


def parse_width(value: str) -> int:
    """Return how many launched tasks may run at a time: 1 or more."""
    width = parse_limit(value)
    if width < 1:
        raise UsageError("0 tasks at a time: give 1 or more")
    return width


def parse_count(value: str) -> int:
    """Return a whole number from 1 to 2**31 - 1."""
    if not (value.isascii() and value.isdigit() and 0 < int(value) <= HIGHEST):
        raise UsageError(f"{text.shorten(value, 40)!r}: give a whole number from 1")
    return int(value)


def parse_port(value: str) -> int:
    """Return the number of a port that can be listened on: 1 to 65535."""
    if not (value.isascii() and value.isdigit() and 0 < int(value) < 1 << 16):
        raise UsageError(f"{text.shorten(value, 40)!r}: give a port from 1 to 65535")
    return int(value)


def parse_workers(value: str) -> int:
    """Return how many workers a run shall have: a number, or a part of this machine's cores, as 50%. Raises
    InvalidValue for more than one supervisor can keep."""
    from ..store.supervisors import check_count

    share = re.fullmatch(r"([0-9]{1,6})%", value)
    if share and int(share[1]):
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return check_count(max(cores * int(share[1]) // 100, 1))
    return check_count(_parse_whole(value, "workers", "a whole number, or 50% of the cores"))


def parse_group_limit(value: str) -> int:
    """Return how many tasks of a group may be in work at a time; 0 for "none": as many as there are workers. Raises
    InvalidValue."""
    if value == "none":
        return 0
    from ..store.groups import check_limit

    limit = _parse_whole(value, "at a time")
    check_limit(limit)
    return limit


def parse_attempts(value: str) -> int:
    """Return how many attempts a task has until it counts as failed: 1 to 1,000,000."""
    number = _parse_whole(value, "attempts")
    if not 1 <= number <= 1_000_000:
        raise UsageError(f"{number} attempts: give a number from 1")
    return number


def parse_retries(value: str) -> int:
    """Return how many attempts a task has that is tried again so often: from 0."""
    number = _parse_whole(value, "retries")
    if not 0 <= number < 1_000_000:
        raise UsageError(f"{number} retries: give a number from 0")
    return number + 1


def parse_variable(value: str) -> tuple[str, str]:
    """Return the name and the value of a variable: NAME=VALUE, or NAME for the one that is set now."""
    name, is_given, given = value.partition("=")
    if not name:
        raise UsageError(f"{text.shorten(value, 40)!r}: the variable has no name: give NAME, or NAME=VALUE")
    found = given if is_given else os.environ.get(name)
    if found is None:
        raise UsageError(f"{text.shorten(value, 40)} is not set here: give {text.shorten(value, 40)}=VALUE")
    return name, found


def _parse_whole(value: str, what: str, wanted: str = "a whole number") -> int:
    if not re.fullmatch(r"-?[0-9]{1,18}", value, re.ASCII):  # +2 means something else to GNU parallel
        raise UsageError(f"{text.shorten(value, 40)!r} {what}: give {wanted}")
    return int(value)


def parse_names(value: str) -> list[str]:
    """Return the names of a list with commas."""
    return [name.strip() for name in value.split(",") if name.strip()]


def parse_moment(value: str) -> str:
    """Return a time that is still to come, or has come, as UTC text: 15:00, 2025-10-24T15:00, or +10m from now."""
    from ..system import clock

    if value.startswith("+"):
        return clock.now(text.parse_duration(value[1:]))
    try:
        return clock.parse_local(value)
    except ValueError:
        raise UsageError(f"{value!r} is not a time: give 15:00, 2025-10-24T15:00, or +10m") from None


def parse_every(value: str) -> str:
    """Return when a task comes again, as it is written; what it says is the store's to judge. Raises UsageError for
    nothing, which a variable that is not set would give."""
    if not value:
        raise UsageError("nothing is given: give 90m, 1d, '0 2 * * *' or @daily")
    return value


def parse_lease(value: str) -> float:
    """Return seconds, one or more; a plain number is minutes, as tx has it."""
    seconds = text.parse_duration(value + "m" if value.replace(".", "", 1).isdigit() else value)
    if seconds < 1:
        raise UsageError(f"a lease of {value}: give a second or more")
    return seconds


def parse_hours(value: str) -> float:
    """Return seconds, from hours."""
    try:
        found = float(value) * HOUR
    except ValueError:
        found = 0.0
    if not 0 < found < 1e9:
        raise UsageError(f"{text.shorten(value, 40)!r} hours: give a number above 0, as 8 or 0.5")
    return found


def parse_days(value: str) -> float:
    """Return days: 0 or more."""
    if not re.fullmatch(r"\d+(\.\d*)?|\.\d+", value, re.ASCII):
        raise UsageError(f"{text.shorten(value, 40)!r} is not a number of days: give 0 or more, as 7 or 0.5")
    return float(value)


def add_lease(parser: ArgumentParser) -> None:
    """Give a parser the option --lease, in seconds."""
    parser.add_argument(
        "--lease",
        type=value_of(parse_lease),
        default=LEASE,
        metavar="MINUTES",
        help="how long (30); or with a unit, 90s, 2h",
    )


def add_bounds(parser: Options, max_attempts: int | None) -> None:
    """Give a parser the options that bound a task: --max-attempts, or --retries in other words, and --timeout."""
    default = "" if max_attempts is None else f" ({max_attempts})"
    parser.add_argument(
        "--max-attempts", type=value_of(parse_attempts), default=max_attempts, metavar="N",
        help=f"until it counts as failed{default}",
    )  # fmt: skip
    parser.add_argument(
        "--retries", type=value_of(parse_retries), dest="max_attempts", default=SUPPRESS, metavar="N",
        help="the same, less one: how often it is tried again",
    )  # fmt: skip
    parser.add_argument("--timeout", type=duration, metavar="TIME", help="for each attempt: 90, 10s, 5m, 2h")


def add_place(parser: Options) -> None:
    """Give a parser the options that say where attempts run."""
    add = parser.add_argument
    add(
        "--executor",
        metavar="NAME",
        help="where attempts run: local; slurm, as jobs; srun, as steps here (local)",
    )
    add("--slurm", metavar="OPTIONS", help="for each job or step: '--mem=4G --time=1:00:00'")


def parse_slurm(value: str) -> str:
    """Return options for a job of Slurm's as they are, unless one of them is refused."""
    from ..execution.executors.slurm_options import parse_options

    parse_options(value)
    return value


def join_command(words: list[str]) -> str:
    """Return a line for `sh -c`: one word is one, as with ssh and watch; several are a command and its arguments."""
    if len(words) == 1:
        return words[0]
    import shlex

    return shlex.join(words)


duration = value_of(text.parse_duration)  # seconds: for the many options that give one


def read_stdin(what: str) -> str:
    """Return all of standard input, which is text. Raises UsageError; what: as what it is named then."""
    import sys

    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{what} on standard input is not UTF-8 at byte {error.start + 1}: re-encode it") from None
