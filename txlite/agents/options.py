"""The options of [agent NAME] in config.ini, from text to the fields of an Agent.

One table says which there are. An option that is unknown, missing or without sense is an error that names it, and
never dropped in silence. Called by `agent`, where they are described.
"""

from __future__ import annotations

import re

from ..errors import UsageError
from ..home import config
from ..model import APPROVAL
from ..text import find_nearest, shorten
from .results import FORMATS
from .usage import Price

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..home.config import Settings

PLACES = (
    "{level}",
    "{search}",
    "{loop}",
    "{live}",
    "{talk}",
    "{budget}",
    "{prompt}",
)  # words of a command for which others stand
REVIEW_PLACES = ("{schema}", "{schema_file}")  # words of `review`: the form of a verdict, and the path of its file
PASSED = ("stdin", "argument", "file")  # how an agent gets its prompt


def read_options(name: str, options: dict[str, str], settings: Settings) -> dict[str, Any]:
    """Return the fields of an Agent, but for its name, for the options of [agent NAME]. Raises UsageError.

    options: those of settings, over those that are built in.
    """
    section = f"agent {name}"
    if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii() or len(name) > 64:
        raise UsageError(f"{settings.where(section)}: a name is made of at most 64 letters, digits, - and _")
    if name == APPROVAL:
        raise UsageError(f"{settings.where(section)}: attempts that land reviewed work bear this name: take another")
    config.check_options(settings, section, _OPTIONS)
    fields: dict[str, Any] = {}
    for option, (field, read) in _OPTIONS.items():
        if option in options:
            try:
                fields[field] = read(option, options[option])
            except ValueError as error:
                raise UsageError(f"{settings.where(section, option)}: {error}") from error
    if not fields.get("argv"):
        raise UsageError(f"{settings.where(section)}: `command` is missing")
    if "{prompt}" in fields["argv"] and fields.get("prompt", PASSED[0]) == PASSED[0]:
        said = "{prompt} has no effect: set `prompt = argument`, or `prompt = file`, too"
        raise UsageError(f"{settings.where(section, 'command')}: {said}")
    return fields


def _read_command(option: str, value: str) -> tuple[str, ...]:
    """Words, and among them places; ${...} is a shell's that is called."""
    words = _read_words(option, value)
    for word in words:
        for place in re.findall(r"(?<!\$)\{[A-Za-z_]+\}", word):
            near = find_nearest(place[1:-1], [known[1:-1] for known in PLACES])
            if place in PLACES and place != word:
                raise ValueError(
                    f"{option}: {place} in {shorten(word, 40)!r} has no effect: it must be a word of its own"
                )
            if place not in PLACES and (near or place == word):
                hint = f" (did you mean {{{near}}}?)" if near else f": it has {' '.join(PLACES)}"
                raise ValueError(f"{option}: unknown place {place}{hint}")
    return words


def _read_words(option: str, value: str) -> tuple[str, ...]:
    import shlex

    try:
        return tuple(shlex.split(value))
    except ValueError as error:
        raise ValueError(f"{option}: {error}") from error


def _read_review(option: str, value: str) -> tuple[str, ...]:
    words = _read_words(option, value)
    for word in words:
        if any(place in word for place in REVIEW_PLACES) and word not in REVIEW_PLACES:
            raise ValueError(f"{option}: {shorten(word, 40)!r} has no effect: a place must be a word of its own")
    return words


def _read_resume(option: str, value: str) -> tuple[str, ...]:
    return _read_with("{session}", "the session", option, value)


def _read_with(place: str, what: str, option: str, value: str) -> tuple[str, ...]:
    """Words with a place in one of them, for which something stands."""
    words = _read_words(option, value)
    if words and not any(place in word for word in words):
        raise ValueError(f"{option} is {shorten(value, 40)!r}: {place} is missing, for which {what} stands")
    return words


def _read_pairs(option: str, value: str) -> tuple[tuple[str, str], ...]:
    """The lines NAME=value of an option."""
    lines = [line.strip().partition("=") for line in value.splitlines() if line.strip()]
    if not all(name.strip() for name, _, _ in lines):
        raise ValueError(f"{option}: a line has no name before its =")
    return tuple((name.strip(), rest.strip()) for name, _, rest in lines)


def _read_levels(option: str, value: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((level, _read_words(option, words)) for level, words in _read_pairs(option, value))


def _read_rule(option: str, value: str) -> str:
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


def _read_price(option: str, value: str) -> Price:
    """Three prices, each NAME=DOLLARS; of what was cached that of input, where it is not said."""
    said: dict[str, float] = {}
    for word in value.split():
        name, _, number = word.partition("=")
        if name not in Price._fields or not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", number, re.ASCII):
            raise ValueError(f"{option}: {shorten(word, 40)!r} is none of {', '.join(Price._fields)} with its dollars")
        said[name] = float(number)
    if "input" not in said or "output" not in said:
        raise ValueError(f"{option}: give input=DOLLARS and output=DOLLARS for a million tokens, and cached=")
    return Price(said["input"], said.get("cached", said["input"]), said["output"])


def _read_budget(option: str, value: str) -> tuple[str, ...]:
    return _read_with("{amount}", "the number of dollars", option, value)


def _read_yes(option: str, value: str) -> bool:
    if value not in ("yes", "no"):
        raise ValueError(f"{option} is {value!r}: give yes or no")
    return value == "yes"


# Each option of [agent NAME]: the field of Agent that it sets, and who reads its text (ValueError: what is wrong).
_OPTIONS: dict[str, tuple[str, Callable[[str, str], object]]] = {
    "command": ("argv", _read_command),
    "prompt": ("prompt", _read_passed),
    "levels": ("levels", _read_levels),
    "search": ("search", _read_words),
    "set": ("added", _read_pairs),
    "hide": ("hidden", lambda option, value: tuple(value.split())),
    "daemons": ("daemons", _read_yes),
    "loop": ("loop", _read_words),
    "live": ("live", _read_words),
    "talk": ("talk", _read_words),
    "review": ("review", _read_review),
    "resume": ("resume", _read_resume),
    "results": ("results", _read_results),
    "limit": ("limit", _read_rule),
    "unusable": ("unusable", _read_rule),
    "price": ("price", _read_price),
    "budget": ("budget", _read_budget),
}
