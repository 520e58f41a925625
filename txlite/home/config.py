"""config.ini: what people set for a home, and the agents that it names.

A file that others could have written is refused, and one that cannot be understood is an error that names it, the line,
and what was meant: no setting is ever dropped in silence. Called by the verbs that run something, by `agents`,
`reports` and `doctor`, and by `store` when it opens for writing.
"""

from __future__ import annotations

import os

from ..errors import UsageError
from ..text import find_nearest, shorten
from .location import check_trust

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeVar

    Value = TypeVar("Value")

# What may stand in the sections that are not an agent's (see `agents.options`).
OPTIONS = {
    "txlite": (
        "agent", "executor", "load", "max_memory", "memfree", "nice", "node_failure", "on_failure", "on_finish",
        "on_idle", "output_cap", "slurm", "slurm_shared", "synchronous",
    ),
    "ralph": (
        "agent", "allow", "copy", "drain", "escalate", "forever", "idle_exit", "kill_after", "level", "max_attempts",
        "max_cost", "max_failures", "max_hours", "max_tasks", "no_commit", "review", "reviewer", "settle", "setup",
        "stall", "timeout", "verify", "verify_timeout", "workers", "worktrees",
    ),
}  # fmt: skip


class Settings:
    """A home's config.ini as it was read: the options of each section, and where each stands."""

    def __init__(self, path: str, words: str = "", sections: dict[str, dict[str, str]] | None = None) -> None:
        self.path = path
        self.sections = sections or {}
        self._words = words

    def where(self, section: str, option: str | None = None) -> str:
        """Return "PATH, line 3, [section]", for a message; without a line where this does not stand in it."""
        line = self._find_line(section, option)
        return f"{self.path}, {f'line {line}, ' if line else ''}[{section}]"

    def _find_line(self, section: str, option: str | None) -> int | None:
        """Of its first line; one that continues another option is not meant where there is any else."""
        import re

        header, continued = "", None
        for number, line in enumerate(self._words.splitlines(), 1):
            found = re.match(r"\s*\[(.+)\]", line)
            if found:
                header = " ".join(found[1].split())
                if option is None and header == section:
                    return number
            elif header == section and option and re.match(rf"\s*{re.escape(option)}\s*[=:]", line, re.I):
                if not line[0].isspace():
                    return number
                continued = continued or number
        return continued


def read(home: str) -> Settings:
    """Return home's config.ini, empty where there is none (the form: `configparser` in Python's library reference).

    Raises StoreUnavailable where it may not be trusted, UsageError where it cannot be understood, or has a section, or
    an option of [txlite], that nobody knows. The options of the others are checked by who reads them.
    """
    path = os.path.join(home, "config.ini")
    if not os.path.lexists(path):
        return Settings(path)
    check_trust(path)
    import configparser

    parser = configparser.ConfigParser(
        interpolation=None, default_section=""
    )  # none whose options are all others', too
    try:
        with open(path, encoding="utf-8") as file:
            words = file.read()
        parser.read_string(words, path)
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        raise UsageError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    sections = {" ".join(name.split()): dict(parser[name]) for name in parser.sections()}
    settings = Settings(path, words, sections)
    for name in sections:
        _check_section(settings, name)
    check_options(settings, "txlite")
    return settings


def _check_section(settings: Settings, name: str) -> None:
    if name in OPTIONS or name.startswith("agent "):
        return
    near = find_nearest(name.split(" ")[0], ["agent", *OPTIONS])
    hint = f" (did you mean [{name.replace(name.split(' ')[0], near, 1)}]?)" if near and near != name else ""
    raise UsageError(f"{settings.where(name)} is no section{hint}: there are [txlite], [ralph] and [agent NAME]")


def agents(settings: Settings) -> dict[str, dict[str, str]]:
    """Return the options of each section [agent NAME], by NAME."""
    return {name[6:]: dict(found) for name, found in settings.sections.items() if name.startswith("agent ")}


def option(settings: Settings, name: str, default: str, section: str = "txlite") -> str:
    """Return the value of `name` in this section, or `default`."""
    return settings.sections.get(section, {}).get(name, default)


def parse_option(
    settings: Settings, name: str, default: str, parse: Callable[[str], Value], section: str = "txlite"
) -> Value:
    """Return what `parse` makes of an option, or of its default. Raises UsageError, with its place."""
    try:
        return parse(option(settings, name, default, section))
    except (UsageError, ValueError) as error:
        raise UsageError(f"{settings.where(section, name)}: {name}: {error}") from error


def check_options(settings: Settings, section: str, known: Iterable[str] = ()) -> None:
    """Raise UsageError for an option of this section that nobody knows. known: those of an agent's section."""
    names = list(known) or OPTIONS[section]
    for name in settings.sections.get(section, {}):
        if name not in names:
            near = find_nearest(name, names)
            hint = f" (did you mean {near!r}?)" if near else f": it has {', '.join(sorted(names))}"
            raise UsageError(f"{settings.where(section, name)}: unknown option {shorten(name, 40)!r}{hint}")


def read_synchronous(home: str) -> str:
    """Return how home's database is synced: FULL or NORMAL (https://sqlite.org/pragma.html#pragma_synchronous).

    Raises UsageError where config.ini says anything else, and what `read` raises.
    """
    return parse_option(read(home), "synchronous", "FULL", _parse_synchronous)


def _parse_synchronous(value: str) -> str:
    if value.upper() not in ("FULL", "NORMAL"):
        raise UsageError(f"it is {shorten(value, 40)!r}: give FULL or NORMAL")
    return value.upper()
