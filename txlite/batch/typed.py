"""A batch as it is typed: the words of its template, then sources of arguments, each behind a mark.

`cut` tells template and sources apart, `read_batch` makes the tasks of them, which are made up only while they are gone
through. Used by `commands.run_batch`.
"""

from __future__ import annotations

import re

from .. import text
from ..errors import NotFound, UsageError
from ..system.named_tuple import NamedTuple
from . import template as templates
from .placeholder import Notation
from .sources import Columns, Combination, FileSource, GivenSource, Portions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from .sources import Source
    from .template import Template

GIVEN, LINKED, FILES, LINKED_FILES = ":::", ":::+", "::::", "::::+"
MARKS = (GIVEN, LINKED, FILES, LINKED_FILES)
SHOWN = 5  # patterns that are named


class Typed(NamedTuple):
    """Words, cut where their meaning changes."""

    words: tuple[str, ...]  # of the template
    is_exact: bool  # they stood behind --: a command and its arguments, unless it is one
    sources: tuple[tuple[str, tuple[str, ...]], ...]  # each mark with what stood behind it


class Reading(NamedTuple):
    """How sources are read and put together."""

    files: tuple[str, ...] = ()  # of -a
    delimiter: bytes = b"\n"
    separator: re.Pattern[str] | None = None  # of columns
    portion: int | None = None  # how many arguments a task gets
    is_linked: bool = False  # all sources go step by step
    skips_empty: bool = False


class TypedBatch:
    """The tasks of a batch; gone through, it makes them up anew each time."""

    def __init__(self, template: Template | None, sources: Sequence[Source], rows: Iterable[tuple[str, ...]]) -> None:
        self._template = template
        self._sources = sources
        self._rows = rows

    def __iter__(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield what each task is to run, and its arguments."""
        template = self._template
        for number, row in enumerate(self._rows, 1):
            yield (template.fill(row, number) if template else " ".join(row)), row

    @property
    def files(self) -> list[str] | None:
        """Return the files that all arguments come from; None where some were typed, or came from stdin."""
        files = [source.path for source in self._sources if isinstance(source, FileSource) and source.path != "-"]
        return files if len(files) == len(self._sources) else None

    @property
    def name(self) -> str:
        """Return what its sources are called."""
        return " ".join(source.name for source in self._sources)


def cut(words: Sequence[str]) -> Typed:
    """Cut what was typed behind the options. Raises UsageError for a mark without files, and for -- alone."""
    is_exact, rest = words[:1] == ["--"], list(words)
    template: list[str] = []
    sources: list[tuple[str, list[str]]] = []
    for word in rest[is_exact:]:
        if word in MARKS:
            sources.append((word, []))
        else:
            (sources[-1][1] if sources else template).append(word)
    for mark, given in sources:
        if not given and mark in (FILES, LINKED_FILES):
            raise UsageError(f"nothing stands behind {mark}: give files, or - for stdin")
    return Typed(tuple(template), is_exact, tuple((mark, tuple(given)) for mark, given in sources))


def has_template(typed: Typed, reading: Reading, notation: Notation) -> bool:
    """Say whether these words are a template, and not simply a command."""
    if typed.sources or reading.files:
        return True
    return bool(typed.words) and (not typed.is_exact or any(map(notation.is_in, typed.words)))


def read_batch(
    typed: Typed, reading: Reading, notation: Notation, is_prompt: bool, tell: Callable[[str], object]
) -> TypedBatch:
    """Return the batch. Without a source, stdin is one; without a template, each argument is a command.

    is_prompt: no shell reads what is filled in. tell: is given what is left out. Raises UsageError for a template or
    sources that make no sense, NotFound where patterns are all that was given, and they match nothing.
    """
    template = _read_template(typed, notation, is_prompt) if typed.words else None
    chains = _read_chains(typed, reading)
    sources = [source for chain in chains for source in chain]
    _check_sources(sources, reading)
    if template:
        _drop_patterns(sources, tell)
        if reading.separator is None and not reading.portion:
            templates.check_positions(template, len(sources))
    return TypedBatch(template, sources, Combination([[_cut_rows(one, reading) for one in chain] for chain in chains]))


def _check_sources(sources: Sequence[Source], reading: Reading) -> None:
    if reading.portion and (reading.separator is not None or len(sources) > 1):
        raise UsageError("-N takes arguments from one source, uncut: leave out --colsep, and all sources but one")
    if sum(isinstance(source, FileSource) and source.path == "-" for source in sources) > 1:
        raise UsageError("stdin is given as two sources: it can be read once")


def _read_template(typed: Typed, notation: Notation, is_prompt: bool) -> Template:
    if is_prompt:
        return templates.read_prompt(" ".join(typed.words), notation)
    if typed.is_exact and len(typed.words) > 1:
        return templates.read_words(typed.words, notation)
    return templates.read_line(" ".join(typed.words), notation)


def _read_chains(typed: Typed, reading: Reading) -> list[list[Source]]:
    """The sources; those that go step by step together."""
    chains: list[list[Source]] = [[FileSource(path, "-a", reading.delimiter)] for path in reading.files]
    for mark, given in typed.sources:
        found = _read_sources(mark, given, reading.delimiter)
        if mark not in (LINKED, LINKED_FILES):
            chains += [[one] for one in found]
        elif chains:
            chains[-1] += found
        else:
            raise UsageError(f"{mark} is linked to the source before it, and there is none: give {mark[:-1]}")
    if not chains:
        chains = [[FileSource("-", "stdin", reading.delimiter)]]
    return [[source for chain in chains for source in chain]] if reading.is_linked else chains


def _read_sources(mark: str, given: Sequence[str], delimiter: bytes) -> Sequence[Source]:
    if mark in (GIVEN, LINKED):
        return [GivenSource(given, mark)]
    return [FileSource(path, mark, delimiter) for path in given]


def _cut_rows(source: Source, reading: Reading) -> Columns | Portions:
    if reading.separator:
        return Columns(source, reading.separator, reading.skips_empty)
    return Portions(source, reading.portion or 1, reading.skips_empty)


def _drop_patterns(sources: Sequence[Source], tell: Callable[[str], object]) -> None:
    """Leave out patterns that matched nothing, and say so."""
    given = [source for source in sources if isinstance(source, GivenSource)]
    lost = [pattern for source in given for pattern in source.drop_patterns()]
    if not lost:
        return
    named = ", ".join(text.shorten(pattern, 40) for pattern in lost[:SHOWN])
    more = f", and {len(lost) - SHOWN} more" if len(lost) > SHOWN else ""
    said = f"{named}{more}: {'no file has this name' if len(lost) == 1 else 'no files have these names'}"
    hint = "text that is no name of a file comes from stdin, or from a file with ::::"
    if not all(any(True for _ in source) for source in given):
        raise NotFound(f"{said}, and nothing is left to run ({hint})")
    tell(f"{said}: left out ({hint})")
