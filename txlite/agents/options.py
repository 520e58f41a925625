"""The options of [agent NAME] in config.ini, from text to the fields of an Agent.

One table says which there are. An option that is unknown, missing or without sense is an error that names it, and
never dropped in silence. Called by `agent`, where they are described.
"""

from __future__ import annotations

from ..errors import UsageError
from .results import FORMATS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

PASSED = ("stdin", "argument", "file")  # how an agent gets its prompt


def read_options(name: str, options: dict[str, str]) -> dict[str, Any]:
    """Return the fields of an Agent, but for its name, for the options of [agent NAME]. Raises UsageError."""
    where = f"config.ini, [agent {name}]"
    if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii() or len(name) > 64:
        raise UsageError(f"{where}: a name is made of at most 64 letters, digits, - and _")
    unknown = sorted(set(options) - set(_OPTIONS))
    if unknown:
        raise UsageError(f"{where}: unknown option {unknown[0]!r}")
    fields: dict[str, Any] = {}
    for option, (field, read) in _OPTIONS.items():
        if option in options:
            try:
                fields[field] = read(option, options[option])
            except ValueError as error:
                raise UsageError(f"{where}: {error}") from error
    if not fields.get("argv"):
        raise UsageError(f"{where}: `command` is missing")
    return fields


def _read_words(option: str, value: str) -> tuple[str, ...]:
    import shlex

    try:
        return tuple(shlex.split(value))
    except ValueError as error:
        raise ValueError(f"{option}: {error}") from error


def _read_pairs(option: str, value: str) -> tuple[tuple[str, str], ...]:
    """The lines NAME=value of an option."""
    lines = [line.strip().partition("=") for line in value.splitlines() if line.strip()]
    if not all(name.strip() for name, _, _ in lines):
        raise ValueError(f"{option}: a line has no name before its =")
    return tuple((name.strip(), rest.strip()) for name, _, rest in lines)


def _read_levels(option: str, value: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((level, _read_words(option, words)) for level, words in _read_pairs(option, value))


def _read_rule(option: str, value: str) -> str:
    import re

    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"{option}: {value!r} is not a regular expression: {error}") from error
    return value


def _read_passed(option: str, value: str) -> str:
    if value not in PASSED:
        raise ValueError(f"{option} is {value!r}: give stdin, argument or file")
    return value


def _read_results(option: str, value: str) -> str:
    if value not in FORMATS:
        raise ValueError(f"{option} is {value!r}: give {' or '.join(FORMATS[1:])}")
    return value


def _read_yes(option: str, value: str) -> bool:
    if value not in ("yes", "no"):
        raise ValueError(f"{option} is {value!r}: give yes or no")
    return value == "yes"


# Each option of [agent NAME]: the field of Agent that it sets, and who reads its text (ValueError: what is wrong).
_OPTIONS: dict[str, tuple[str, Callable[[str, str], object]]] = {
    "command": ("argv", _read_words),
    "prompt": ("prompt", _read_passed),
    "levels": ("levels", _read_levels),
    "search": ("search", _read_words),
    "set": ("added", _read_pairs),
    "hide": ("hidden", lambda option, value: tuple(value.split())),
    "daemons": ("daemons", _read_yes),
    "loop": ("loop", _read_words),
    "results": ("results", _read_results),
    "limit": ("limit", _read_rule),
    "unusable": ("unusable", _read_rule),
}
