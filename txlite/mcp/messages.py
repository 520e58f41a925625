"""JSON-RPC 2.0, as far as the protocol needs it: a line becomes requests, and what is wrong with it an error.

Guarantees: whatever the bytes are, they are a value, or a ProtocolFault with the code that the protocol has for it;
numbers that take long to read are refused. Used by `server`.
"""

from __future__ import annotations

import json

from ..errors import Error
from ..system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn, Optional, Union

    Id = Optional[Union[int, str]]
    Message = dict[str, object]

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
UNSUPPORTED_REVISION = -32022
DIGITS = 20  # of a whole number: more take time, and are no id and no argument of ours


class ProtocolFault(Error):
    """A message that the protocol does not allow. `id`: of the request, where that can be known."""

    def __init__(self, code: int, words: str, id: Id = None, data: object = None) -> None:
        super().__init__(words)
        self.code = code
        self.id = id
        self.data = data

    def to_message(self) -> Message:
        """Return the response that says so."""
        error: Message = {"code": self.code, "message": str(self)}
        if self.data is not None:
            error["data"] = self.data
        return {"jsonrpc": "2.0", "id": self.id, "error": error}


class Request(NamedTuple):
    """What a client asks, or tells."""

    id: Id  # None: it tells, and nothing is answered
    method: str
    params: dict[str, object]


def parse(line: bytes) -> object:
    """Return the value that a line is. Raises ProtocolFault."""
    try:
        return json.loads(line.decode(), parse_int=_parse_int, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise ProtocolFault(PARSE_ERROR, "this line is no JSON: send one object a line, in UTF-8") from None


def read_request(found: object) -> Request | None:
    """Return the request that a value is; None for a response, which nobody here waits for. Raises ProtocolFault."""
    if not isinstance(found, dict):
        raise ProtocolFault(INVALID_REQUEST, "a request is an object with jsonrpc, method and id")
    method = found.get("method")
    if method is None and ("result" in found or "error" in found):
        return None
    id = found.get("id")
    known = id if is_id(id) else None
    if found.get("jsonrpc") != "2.0" or not isinstance(method, str):
        raise ProtocolFault(INVALID_REQUEST, 'a request has "jsonrpc": "2.0" and a method, which is text', known)
    if "id" in found and known is None:
        raise ProtocolFault(INVALID_REQUEST, "an id is a whole number, or text")
    params = found.get("params") or {}
    if not isinstance(params, dict):
        raise ProtocolFault(INVALID_PARAMS, "params is an object", known)
    return Request(known, method, params)


def is_id(value: object) -> bool:
    """Whether a request can have this as its id."""
    return type(value) in (int, str)


def reply(id: Id, result: object) -> Message:
    """Return the response with a result."""
    return {"jsonrpc": "2.0", "id": id, "result": result}


def _parse_int(digits: str) -> int:
    if len(digits) > DIGITS:
        raise ValueError
    return int(digits)


def _refuse(word: str) -> NoReturn:
    raise ValueError(word)  # NaN and the infinities are Python's, and no JSON
