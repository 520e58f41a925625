"""What attempts cost, in words: money to the cent, tokens short, and what was not said as unknown.

Used by reports, and by all that tells of attempts.
"""

from __future__ import annotations

from ..model import AGENT_PART
from ..text import amount, count, money

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model import Usage
    from ..store.usages import Spent

UNKNOWN = "unknown"


def describe_usage(usage: Usage) -> str:
    """Return what an attempt, or its review, has cost: $0.53, 1.2M tokens in, 12k out, 12 turns."""
    parts = [UNKNOWN if usage.cost is None else money(usage.cost)]
    if usage.input_tokens is not None:
        parts.append(f"{amount(usage.input_tokens)} tokens in")
    if usage.output_tokens is not None:
        parts.append(f"{amount(usage.output_tokens)} out")
    if usage.turns is not None:
        parts.append(count(usage.turns, "turn"))
    return ", ".join(parts)


def describe_usages(usages: tuple[Usage, ...]) -> str:
    """Return the same of an attempt with its review; "" where nothing was said."""
    said = [one for one in usages if (one.cost, one.input_tokens, one.output_tokens) != (None,) * 3]
    return "; ".join(
        describe_usage(one) + (f" ({one.part} {one.agent})" if one.part != AGENT_PART else "") for one in said
    )


def describe_total(spent: Spent) -> str:
    """Return the same with the tokens, as far as they are known."""
    tokens = [
        f"{amount(count)} {words}"
        for count, words in ((spent.input_tokens, "tokens in"), (spent.output_tokens, "out"))
        if count is not None
    ]
    return ", ".join([*filter(None, [describe_spent(spent)]), *tokens])


def describe_spent(spent: Spent) -> str:
    """Return what several attempts have cost together: $3.10, or at least $3.10, or unknown; "" for none."""
    if not spent.known + spent.unknown:
        return ""
    return describe_sum(spent.cost if spent.known else None, not spent.unknown)


def describe_sum(cost: int | None, is_whole: bool) -> str:
    """Return money in words: cost: what is known of it, None for nothing; is_whole: whether that is all."""
    if cost is None or not (cost or is_whole):
        return UNKNOWN
    return money(cost, is_whole)
