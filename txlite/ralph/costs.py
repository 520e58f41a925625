"""What attempts cost together, where not each of them says it.

Used by `summary` and by what shows it.
"""

from __future__ import annotations

from ..reports.costs import describe_sum
from ..system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..model import Usage


class Cost(NamedTuple):
    """The money for several attempts, as far as it is known."""

    known: int | None  # millionths of a US dollar; None: nothing is known
    is_whole: bool  # whether that is all

    def tell(self) -> str:
        """Return it in words, to the cent: unknown is never nothing."""
        return describe_sum(self.known, self.is_whole)


def sum_costs(attempts: Sequence[Sequence[Usage]]) -> Cost:
    """Return what attempts cost together, given by what is known of each: of its agent, and of its reviewer."""
    costs = [usage.cost for usages in attempts for usage in usages]
    costs += [None for usages in attempts if not usages]
    known = [cost for cost in costs if cost is not None]
    return Cost(sum(known) if known else None, len(known) == len(costs))


def sum_tokens(usages: Iterable[Usage]) -> int | None:
    """Return the tokens that went in and came out, as far as that is known; None where nothing is."""
    known = [tokens for usage in usages for tokens in (usage.input_tokens, usage.output_tokens) if tokens is not None]
    return sum(known) if known else None
