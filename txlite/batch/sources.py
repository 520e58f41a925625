"""Sources: where the arguments of a batch come from, and which of them belong together.

Several sources give each argument with each (their product); a linked one, `:::+`, goes step by step with the one
before it. Arguments of a file or of stdin are its lines, or what NUL or another delimiter ends; they are read once and
decoded each time that they are gone through, because a million strings take three times the room of the file. Used by
`typed`.
"""

from __future__ import annotations

import itertools
import os
import re
import sys

from .. import text
from ..errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import Union

    Source = Union["FileSource", "GivenSource"]


class GivenSource:
    """Arguments that were typed."""

    def __init__(self, arguments: Sequence[str], mark: str) -> None:
        """Raises UsageError for what is no text."""
        self.name = mark
        self._arguments = list(arguments)
        for argument in arguments:
            try:
                argument.encode()
            except UnicodeEncodeError:
                shown = text.shorten(os.fsencode(argument).decode(errors="backslashreplace"), 60)
                raise UsageError(f"the argument {shown} is not UTF-8: rename that file") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._arguments)

    def drop_patterns(self) -> list[str]:
        """Take out what looks like a pattern and names no file: its shell found nothing for it. Return it."""
        lost = [argument for argument in self._arguments if _is_lost_pattern(argument)]
        if lost:
            self._arguments = [argument for argument in self._arguments if argument not in lost]
        return lost


class FileSource:
    """Arguments that stand in a file, or come from stdin."""

    def __init__(self, path: str, option: str, delimiter: bytes = b"\n") -> None:
        """option: what the file was given with. Raises UsageError where it cannot be read."""
        self.path = path
        self.name = option if option == "stdin" else f"{option} {path}"
        self._delimiter = delimiter
        self._data = read_data(path, self.name)

    def __iter__(self) -> Iterator[str]:
        """Yield them. Raises UsageError, naming the one that is no text."""
        data, delimiter, begin, number = self._data, self._delimiter, 0, 0
        while begin < len(data):
            end = data.find(delimiter, begin)
            end, number = len(data) if end < 0 else end, number + 1
            yield self._decode(data[begin:end], number)
            begin = end + len(delimiter)

    def _decode(self, record: bytes, number: int) -> str:
        what = "line" if self._delimiter == b"\n" else "argument"
        if b"\0" in record:
            raise UsageError(f"{self.name}: {what} {number} contains a NUL byte: give -0 if NUL is what ends arguments")
        try:
            return record.decode()
        except UnicodeDecodeError:
            raise UsageError(f"{self.name}: {what} {number} is not UTF-8: re-encode it") from None


class Columns:
    """The arguments of a source, each cut into several."""

    def __init__(self, source: Source, separator: re.Pattern[str], skips_empty: bool) -> None:
        self.name = source.name
        self._source = source
        self._separator = separator
        self._skips_empty = skips_empty

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        for line in self._source:
            if line.strip() or not self._skips_empty:
                yield tuple(column.strip() if column else "" for column in self._separator.split(line))


class Portions:
    """The arguments of a source, so many at a time; the last may have fewer."""

    def __init__(self, source: Source, count: int, skips_empty: bool) -> None:
        self.name = source.name
        self._source = source
        self._count = count
        self._skips_empty = skips_empty

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        left: Iterator[str] = iter(self._source)
        if self._skips_empty:
            left = (one for one in left if one.strip())
        if self._count == 1:
            yield from zip(left)
            return
        portion = tuple(itertools.islice(left, self._count))
        while portion:
            yield portion
            portion = tuple(itertools.islice(left, self._count))


class Combination:
    """The arguments of each task. A chain is sources that go step by step; each of one goes with each of the others."""

    def __init__(self, chains: Sequence[Sequence[Columns | Portions]]) -> None:
        """Raises UsageError for sources of one chain that are not of the same length."""
        self._chains = chains
        for chain in chains:
            lengths = [sum(1 for _ in source) for source in chain] if len(chain) > 1 else []
            for source, length in zip(chain, lengths):
                if length != lengths[0]:
                    raise UsageError(
                        f"{chain[0].name} has {text.count(lengths[0], 'argument')}, and {source.name}, which is linked "
                        f"to it, has {length:,}: give as many of each"
                    )

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        """Yield them; the last chain's change first."""
        rows = [_step_by_step(chain) for chain in self._chains]
        return rows[0] if len(rows) == 1 else map(_join, itertools.product(*rows))


def _step_by_step(chain: Sequence[Columns | Portions]) -> Iterator[tuple[str, ...]]:
    if len(chain) > 1:
        return map(_join, zip(*chain))
    only: Iterable[tuple[str, ...]] = chain[0]
    return iter(only)


def read_data(path: str, name: str) -> bytes:
    """Return what a file holds, or stdin, which is -. Raises UsageError where it cannot be read."""
    try:
        if path == "-":
            return sys.stdin.buffer.read()
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise UsageError(f"{name}: {error.strerror}: give a file to read, or - for stdin") from error


def _join(parts: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(itertools.chain.from_iterable(parts))


def _is_lost_pattern(argument: str) -> bool:
    """Whether a shell left it as it is because it matches no file. (What has blanks was quoted, unless it begins with a
    directory; an address is no file.)"""
    magic = re.search(r"[*?]|\[[^\]]+\]", argument)
    if not magic or "://" in argument or os.path.lexists(argument):
        return False
    directory = os.path.dirname(argument[: magic.start()])
    return not re.search(r"\s", argument) or bool(directory and os.path.isdir(directory))
