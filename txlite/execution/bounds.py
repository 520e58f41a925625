"""What attempts may take of this machine, and what it must have left before one more begins: as people write it.

Each can stand on the command line, else in [txlite] of config.ini. It is for attempts here: a batch system has its own
words for all of it, which are named where it is refused. Used by the commands that run something, and by `doctor`.
"""

from __future__ import annotations

import os

from .. import text
from ..errors import UsageError
from ..home import config
from ..system.named_tuple import NamedTuple
from .executor import PlaceSettings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..home.config import Settings
    from .executor import Limits

LEAST = 1 << 20  # bytes: no process has less
MOST = 1 << 60
NICEST = 19
HERE = PlaceSettings().executor
NONE = "none"  # whatever config.ini says
_SMALL = "{!r} of memory: give 1M or more, as 512M or 4G"


class Reserve(NamedTuple):
    """What the machine must have left, or one more attempt waits; None: nothing."""

    memfree: int | None = None  # bytes that are free
    load: float | None = None  # that is not reached yet


def parse_memory(value: str) -> int:
    """Return the bytes that a task may have; 0 for none. Raises InvalidValue, UsageError."""
    size = parse_memfree(value)
    if not size and value != NONE:
        raise UsageError(_SMALL.format(text.shorten(value, 40)))
    return size


def parse_memfree(value: str) -> int:
    """Return the bytes that must be free; 0 for none. Raises InvalidValue, UsageError."""
    size = 0 if value == NONE else text.parse_size(value)
    if 0 < size < LEAST:  # --memfree 2 means 2G
        raise UsageError(_SMALL.format(text.shorten(value, 40)))
    if size >= MOST:
        raise UsageError(f"{text.shorten(value, 40)!r} of memory: no machine has so much")
    return size


def parse_load(value: str) -> float:
    """Return a load average; N% is a part of the cores, `none` is 0. Raises UsageError."""
    unit = (os.cpu_count() or 1) / 100 if value.endswith("%") else 1.0
    try:
        found = 0.0 if value == NONE else float(value.removesuffix("%")) * unit
    except ValueError:
        found = -1.0
    if not (0 < found < 1e6 or value == NONE):
        raise UsageError(f"{text.shorten(value, 40)!r} is not a load: give 4, 2.5, or 80% of the cores")
    return found


def parse_nice(value: str) -> int:
    """Return by how much a task stands behind others: 0 to 19. Raises UsageError."""
    if not (value.isascii() and value.isdigit() and len(value) < 4 and int(value) <= NICEST):
        raise UsageError(f"{text.shorten(value, 40)!r} is not a niceness: give 0 to {NICEST}")
    return int(value)


PARSERS = {"max_memory": parse_memory, "nice": parse_nice, "memfree": parse_memfree, "load": parse_load}
INSTEAD = {
    "max_memory": "--slurm '--mem=4G'",
    "memfree": "--slurm '--mem=4G'",
    "load": "--slurm '--cpus-per-task=2'",
    "nice": "--slurm '--nice=100'",
}  # of a batch system's


def read_limits(
    limits: Limits, given: Mapping[str, object], settings: Settings, place: PlaceSettings | None = None
) -> Limits:
    """Return these limits with what an attempt may take, as it was given, or else stands in config.ini. Raises
    UsageError, also where it was given for a place that is not here."""
    found = {name: _find(name, given, settings, place) for name in ("max_memory", "nice")}
    return limits._replace(**{name: value or None for name, value in found.items()})  # type: ignore[arg-type]


def read_reserve(given: Mapping[str, object], settings: Settings, place: PlaceSettings) -> Reserve:
    """Return what must be left, likewise."""
    found = {name: _find(name, given, settings, place) for name in Reserve._fields}
    if found["memfree"]:
        from ..system import memory

        if memory.measure_free() is None:
            raise UsageError("--memfree: this system does not say how much memory is free: leave it out")
    return Reserve(**{name: value or None for name, value in found.items()})  # type: ignore[arg-type]


def _find(name: str, given: Mapping[str, object], settings: Settings, place: PlaceSettings | None) -> object:
    if place and place.executor != HERE:
        if given.get(name) is not None:
            option = name.replace("_", "-")
            raise UsageError(f"--{option} is for attempts here: for those of Slurm give {INSTEAD[name]}")
        return None
    return _read(name, settings) if given.get(name) is None else given[name]


def _read(name: str, settings: Settings) -> object:
    return config.parse_option(settings, name, "", lambda value: PARSERS[name](value) if value else None)


def check_task(max_memory: object, slurm: object) -> None:
    """Raise UsageError where a task would have a bound of memory, and options of a job, which has its own."""
    if max_memory and slurm:
        raise UsageError(f"--max-memory is for attempts here: for those of Slurm give {INSTEAD['max_memory']}")


def check_settings(settings: Settings) -> None:
    """Raise UsageError where config.ini says what cannot be understood, also where that is not used."""
    for name in PARSERS:
        _read(name, settings)
