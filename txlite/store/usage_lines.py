"""What the line of an attempt in an export says of what it cost.

Used by `export`, which writes it, and by `import_lines`, which checks it; nothing here reads files or the database.
"""

from __future__ import annotations

from ..errors import InvalidValue
from ..model import AGENT_PART, REVIEWER_PART, Usage
from .import_values import LARGEST_NUMBER, count, optional_text, refuse_rest, shown, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

USAGE_KEYS = ("part", "agent", "model", "session", "inputTokens", "cachedTokens", "outputTokens", "cost", "turns")
_TEXTS = ("model", "session")
_COUNTS = USAGE_KEYS[4:]  # `cost`: in millionths of a US dollar, as it is kept


def write(values: Iterable[object]) -> dict[str, object]:
    """Return the object for a row, without what is not known."""
    return {key: value for key, value in zip(USAGE_KEYS, values) if value is not None}


def check_usages(value: object) -> list[Usage]:
    """Return what an attempt cost; its number is not known yet, and 0. Raises InvalidValue."""
    if not isinstance(value, list):
        raise InvalidValue(f"usages {shown(value)} is not a list")
    found = [_check_usage(one) for one in value]
    if len({one.part for one in found}) < len(found):
        raise InvalidValue("usages has the same part twice")
    return found


def _check_usage(value: object) -> Usage:
    if not isinstance(value, dict):
        raise InvalidValue(f"a usage {shown(value)} is not an object")
    fields = dict(value)
    take = fields.pop
    part = take("part", None)
    if part not in (AGENT_PART, REVIEWER_PART):
        raise InvalidValue(f"unknown part {shown(part)}: it is {AGENT_PART} or {REVIEWER_PART}")
    agent = text(take("agent", None), "the agent")
    texts = [optional_text(take(name, None), name) for name in _TEXTS]
    given = [take(name, None) for name in _COUNTS]
    counts = [None if one is None else count(one, name, LARGEST_NUMBER) for one, name in zip(given, _COUNTS)]
    refuse_rest(fields)
    return Usage._make((0, part, agent, *texts, *counts))
