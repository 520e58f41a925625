"""JSON whose values know where they stand in the text, so that one of them can be changed and nothing else.

Used by `prd` and `beads`, for text that `json` has found to be right.
"""

from __future__ import annotations

import json
import re

from ..system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_decode = json.JSONDecoder().raw_decode
_SPACE = re.compile(r"[ \t\r\n]*")
_BETWEEN = re.compile(r"[ \t\r\n,:]*")


class Placed(NamedTuple):
    """A value, and the characters that it takes."""

    value: object
    start: int
    end: int


def first(text: str) -> int:
    """Return where the value of a text begins."""
    return _skip(_SPACE, text, 1 if text.startswith("\ufeff") else 0)


def members(text: str, start: int) -> dict[str, Placed]:
    """Return the members of the object that begins at `start`."""
    found, place = {}, _skip(_BETWEEN, text, start + 1)
    while text[place] != "}":
        key, place = _decode(text, place)
        place = _skip(_BETWEEN, text, place)
        value, end = _decode(text, place)
        found[key] = Placed(value, place, end)
        place = _skip(_BETWEEN, text, end)
    return found


def elements(text: str, start: int) -> Iterator[Placed]:
    """Yield the elements of the array that begins at `start`."""
    place = _skip(_BETWEEN, text, start + 1)
    while text[place] != "]":
        value, end = _decode(text, place)
        yield Placed(value, place, end)
        place = _skip(_BETWEEN, text, end)


def _skip(pattern: re.Pattern[str], text: str, place: int) -> int:
    match = pattern.match(text, place)
    return match.end() if match else place
