"""Templates: read once, and filled with the arguments of each task.

What is filled in is quoted for where it stands in a line for a shell; with its word, as a whole, where a command is
given as words; and not at all in a prompt, which no shell reads. A template without a placeholder gets the arguments at
its end. Used by `typed`.
"""

from __future__ import annotations

import shlex

from ..errors import UsageError
from . import quoting
from .shell_line import ShellLine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Protocol, Union

    from .placeholder import Notation, Placeholder
    from .shell_line import Piece

    Part = Union[str, Placeholder]
    Filler = Callable[[Sequence[str], int], str]

    class Template(Protocol):
        """What the commands, or the prompts, of a batch have in common."""

        placeholders: list[Placeholder]

        def fill(self, arguments: Sequence[str], number: int) -> str:
            """Return it with these arguments, for the task with this number."""


class LineTemplate:
    """A line, with how each value is quoted in it."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces: list[str | Filler] = [
            piece if isinstance(piece, str) else _make_filler(*piece) for piece in pieces
        ]
        self.placeholders = [piece[0] for piece in pieces if not isinstance(piece, str)]

    def fill(self, arguments: Sequence[str], number: int) -> str:
        """Return it with these arguments, for the task with this number."""
        return "".join([piece if isinstance(piece, str) else piece(arguments, number) for piece in self._pieces])


def _make_filler(placeholder: Placeholder, quote: Callable[[str], str]) -> Filler:
    values = placeholder.values
    if placeholder.position is None and not placeholder.part:
        return lambda arguments, _: quote(arguments[0]) if len(arguments) == 1 else " ".join(map(quote, arguments))
    return lambda arguments, number: " ".join(map(quote, values(arguments, number)))


class WordsTemplate:
    """A command and its arguments. A word that is nothing but {} becomes as many as there are arguments."""

    def __init__(self, words: Iterable[list[Part]]) -> None:
        self._words = list(words)
        self.placeholders = [part for word in self._words for part in word if not isinstance(part, str)]

    def fill(self, arguments: Sequence[str], number: int) -> str:
        """Return it as a line with these arguments, for the task with this number."""
        filled: list[str] = []
        for word in self._words:
            if len(word) == 1 and not isinstance(word[0], str):
                filled += map(quoting.quote_alone, word[0].values(arguments, number))
            elif word == [] or (len(word) == 1 and isinstance(word[0], str)):
                filled.append(shlex.quote("".join(map(str, word))))
            else:
                filled.append(quoting.quote_alone(_join(word, arguments, number)))
        return " ".join(filled)


def read_line(line: str, notation: Notation) -> Template:
    """Return the template of a line for `sh -c`. Raises UsageError."""
    template = LineTemplate(ShellLine(line, notation).read())
    if template.placeholders:
        return template
    return LineTemplate(ShellLine(f"{line} {notation.bare}", notation).read())


def read_words(words: Sequence[str], notation: Notation) -> Template:
    """Return the template of a command and its arguments. Raises UsageError."""
    template = WordsTemplate(_cut(word, notation) for word in words)
    if template.placeholders:
        return template
    return WordsTemplate(_cut(word, notation) for word in (*words, notation.bare))


def read_prompt(prompt: str, notation: Notation) -> Template:
    """Return the template of a prompt. Raises UsageError."""
    parts = _cut(prompt, notation)
    if all(isinstance(part, str) for part in parts):
        parts = _cut(f"{prompt} {notation.bare}", notation)
    return LineTemplate([part if isinstance(part, str) else (part, str) for part in parts])


def check_positions(template: Template, count: int) -> None:
    """Raise UsageError for a placeholder that names an argument which no task has; each has so many."""
    for one in template.placeholders:
        if one.position is not None and abs(one.position) > count:
            there = "1 source" if count == 1 else f"{count} sources"
            raise UsageError(
                f"{one.text}: there is no such argument: {there} of arguments {'is' if count == 1 else 'are'} given"
            )


def _cut(text: str, notation: Notation) -> list[Part]:
    """A text as what is literal and what is filled in, by turns."""
    parts: list[Part] = []
    place = begin = 0
    while place < len(text):
        found = notation.match(text, place)
        if found:
            parts += [text[begin:place]] if begin < place else []
            parts.append(found)
            place = begin = place + len(found.text)
        else:
            place += 1
    return parts + ([text[begin:]] if begin < len(text) else [])


def _join(parts: list[Part], arguments: Sequence[str], number: int) -> str:
    return "".join(part if isinstance(part, str) else " ".join(part.values(arguments, number)) for part in parts)
