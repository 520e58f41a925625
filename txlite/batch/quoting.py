"""Quoting for a POSIX shell: a value as it is written in a line so that it is that value, whatever it holds.

By POSIX, Shell Command Language, 2.2: between single quotes nothing has a meaning; between double quotes \\ $ ` and "
have one. Values hold no NUL. Used by `shell_line` and `template`, and by `commands.completion`.
"""

from __future__ import annotations

import re

# Without a meaning anywhere in a word: no = (an assignment), comma (bash expands {a,b}) or tilde.
_PLAIN = re.compile(r"[A-Za-z0-9_@%+:./-]+")
_ACTIVE = re.compile(r'([\\"$`])')  # between double quotes
_LOWER = re.compile(r"[a-z]+")
_RESERVED = frozenset("case coproc do done elif else esac fi for function if in select then time until while".split())


def quote(value: str) -> str:
    """Return a value as a word, or a part of one, outside of quotes."""
    return "'" + value.replace("'", "'\\''") + "'"


def quote_alone(value: str) -> str:
    """Return a value as a word of its own, without quotes where it is the same without."""
    return value if _PLAIN.fullmatch(value) and value not in _RESERVED else quote(value)


def quote_part(value: str) -> str:
    """The same for a part of a word, where it could become a reserved word with what stands beside it."""
    return value if _PLAIN.fullmatch(value) and not _LOWER.fullmatch(value) else quote(value)


def quote_in_single(value: str) -> str:
    """Return a value as it is written between single quotes."""
    return value.replace("'", "'\\''")


def quote_in_double(value: str) -> str:
    """Return a value as it is written between double quotes."""
    return _ACTIVE.sub(r"\\\1", value) if _ACTIVE.search(value) else value
