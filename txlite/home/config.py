"""config.ini: what people set for a home, and the agents that it names.

A file that others could have written is refused, and one that cannot be understood is an error that names it: no
setting is ever dropped in silence. Called by the verbs that run something, by `agents`, `reports` and `doctor`, and
by `store` when it opens for writing.
"""

from __future__ import annotations

import os

from ..errors import UsageError
from ..text import shorten
from .location import check_trust

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from configparser import ConfigParser


def read(home: str) -> ConfigParser:
    """Return home's config.ini, empty where there is none (the form: `configparser` in Python's library reference).

    Raises StoreUnavailable where it may not be trusted, UsageError where it cannot be understood.
    """
    from configparser import ConfigParser, Error

    path = os.path.join(home, "config.ini")
    parser = ConfigParser(interpolation=None)
    if not os.path.lexists(path):
        return parser
    check_trust(path)
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
    except (OSError, UnicodeDecodeError, Error) as error:
        raise UsageError(f"{path} cannot be read: {' '.join(str(error).split())}") from error
    return parser


def agents(parser: ConfigParser) -> dict[str, dict[str, str]]:
    """Return the options of each section [agent NAME], by NAME."""
    return {name[6:].strip(): dict(parser[name]) for name in parser.sections() if name.startswith("agent ")}


def option(parser: ConfigParser, name: str, default: str, section: str = "txlite") -> str:
    """Return the value of `name` in this section, or `default`."""
    return parser.get(section, name, fallback=default)


def check_options(parser: ConfigParser, section: str, known: Iterable[str]) -> None:
    """Raise UsageError for an option of this section that nobody knows."""
    unknown = sorted(set(parser[section]) - set(known)) if parser.has_section(section) else []
    if unknown:
        raise UsageError(f"config.ini, [{section}]: unknown option {unknown[0]!r}: it has {', '.join(sorted(known))}")


def read_synchronous(home: str) -> str:
    """Return how home's database is synced: FULL or NORMAL (https://sqlite.org/pragma.html#pragma_synchronous).

    Raises UsageError where config.ini says anything else, and what `read` raises.
    """
    said = option(read(home), "synchronous", "FULL")
    if said.upper() not in ("FULL", "NORMAL"):
        raise UsageError(f"{home}/config.ini: synchronous is {shorten(said, 40)!r}: give FULL or NORMAL")
    return said.upper()
