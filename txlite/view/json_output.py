"""JSON on stdout, and whether stdout has a result.

It promises JSON that a terminal may be shown, whatever a row holds. Used by every command; what is printed is built in
`objects`.
"""

from __future__ import annotations

import json

from ..text import printable_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..errors import Error

_printed = False  # whether stdout has this process's result


def print_error(error: Error) -> None:
    """Print what an error is, where no result stands before it: stdout is one value."""
    if not _printed:
        print_json({"error": type(error).__name__, "message": str(error), "code": error.exit_code})


def print_json(value: object) -> None:
    """Print a value. What JSON has no word for (a row edited by hand can hold it) becomes text."""
    global _printed
    _printed = True
    print(printable_json(_dumps(value, indent=2)))


def begin_lines() -> None:
    """Take note that stdout has a value on each line from now on: no error's object will be among them."""
    global _printed
    _printed = True


def format_line(value: object) -> str:
    """Return a value as JSON on one line, with its end."""
    return printable_json(_dumps(value)) + "\n"


def _dumps(value: object, indent: int | None = None) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False, default=str)
    except ValueError:
        return json.dumps(_without_infinity(value), ensure_ascii=False, indent=indent, default=str)


def print_tree_json(branches: Iterable[tuple[int, dict[str, object]]], key: str) -> None:
    """Print a tree as an object that has its branches as `key`, and so on, however deep: each behind its stem, with
    its depth."""
    parts, last = [], -1
    for depth, found in branches:
        parts.append("]}" * (last - depth + 1) + ("," if depth <= last else ""))
        parts.append(f'{_dumps(found)[:-1]}, "{key}": [')
        last = depth
    print(printable_json("".join(parts) + "]}" * (last + 1)))


def _without_infinity(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_infinity(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_infinity(part) for part in value]
    return str(value) if isinstance(value, float) and value - value != 0 else value
