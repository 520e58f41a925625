"""The revisions of the protocol, and what is different between them.

Up to 2025-11-25 a client shakes hands (`initialize`) and both keep what was agreed; from 2026-07-28 on each request
says for itself which revision it speaks. Both may come over one connection. Used by `server`.
"""

from __future__ import annotations

from ..text import shorten
from .messages import INVALID_PARAMS, UNSUPPORTED_REVISION, ProtocolFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .messages import Message, Request

STATELESS = ("2026-07-28",)
BY_HANDSHAKE = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
ALL = STATELESS + BY_HANDSHAKE
WITH_BATCHES = BY_HANDSHAKE[2:]
META = "io.modelcontextprotocol/"
LASTS = 3_600_000  # milliseconds for which a client may keep what it was told of us


def is_stateless(request: Request) -> bool:
    """Whether a request says its revision itself. Raises ProtocolFault for one that is unknown."""
    meta = request.params.get("_meta")
    if not isinstance(meta, dict) or META + "protocolVersion" not in meta:
        return False
    version = meta[META + "protocolVersion"]
    if not isinstance(version, str):
        raise ProtocolFault(INVALID_PARAMS, f"{META}protocolVersion is text", request.id)
    if version not in STATELESS:
        words = f"unknown revision {shorten(version, 40)!r}"
        known = {"supported": list(ALL), "requested": version}
        raise ProtocolFault(UNSUPPORTED_REVISION, words, request.id, known)
    return True


def agree(wanted: object, request: Request) -> str:
    """Return the revision of a handshake: the client's, where it is known, else our newest."""
    if not isinstance(wanted, str):
        raise ProtocolFault(INVALID_PARAMS, "protocolVersion is missing: it is text", request.id)
    return wanted if wanted in BY_HANDSHAKE else BY_HANDSHAKE[0]


def name_client(request: Request) -> str:
    """Return what a client calls itself, in letters that a name can have; "" where it does not say."""
    meta = request.params.get("_meta")
    found = request.params.get("clientInfo") or (isinstance(meta, dict) and meta.get(META + "clientInfo"))
    name = found.get("name") if isinstance(found, dict) else None
    return "".join(one for one in name if one.isalnum() or one in "._-")[:40] if isinstance(name, str) else ""


def complete(result: Message, lasts: bool = False) -> Message:
    """Return a result as the stateless revision has it; `lasts`: it may be kept for a while."""
    kept: Message = {"ttlMs": LASTS, "cacheScope": "private"} if lasts else {}
    return {**result, "resultType": "complete", **kept}
