"""The token of a claim as an agent gets it: the claim's number, and a seal that cannot be guessed.

Numbers alone follow one another. Nothing is remembered: another server of the same home knows its own seals. Used by
the tools that claim, and that speak for a claim.
"""

from __future__ import annotations

import hmac

from ..errors import LeaseLost

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..store.store import Store

LENGTH = 12  # characters of a seal


def seal(store: Store, number: int) -> str:
    """Return the token of the claim with this number."""
    digest = hmac.new(store.uuid.encode(), b"claim %d" % number, "sha256").hexdigest()
    return f"{number}-{digest[:LENGTH]}"


def unseal(store: Store, token: str) -> int:
    """Return the number of the claim. Raises LeaseLost for a token that was never given."""
    number = token.partition("-")[0]
    if number.isascii() and number.isdigit() and len(number) < LENGTH:
        if hmac.compare_digest(seal(store, int(number)).encode(), token.encode("utf-8", "replace")):
            return int(number)
    raise LeaseLost("this token is of no claim: `claim` gives the right one, and nothing was changed")
