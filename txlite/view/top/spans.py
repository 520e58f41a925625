"""Lines for a screen: words with a style, as wide as they are meant to be."""

from __future__ import annotations

from ... import text
from ...system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# Styles. None of them says what words do not say, too.
PLAIN, STRONG, FAINT = "", "strong", "faint"
GOOD, BAD, CARE, BUSY = "good", "bad", "care", "busy"
CHOSEN = "chosen"  # all of a line


class Span(NamedTuple):
    """Words of one style, safe for a terminal."""

    words: str
    style: str = PLAIN


Line = tuple  # of spans


def width_of(line: Iterable[Span]) -> int:
    """Return how many columns a line takes."""
    return sum(text.columns(span.words) for span in line)


def cut(words: str, width: int) -> str:
    """Return words on one safe line of at most so many columns; very long ones are not looked at to their end."""
    if len(words) > 4 * max(width, 1):
        words = words[: 4 * max(width, 1)] + "…"
    return text.shorten(words, width) if width > 0 else ""


def fit(line: Iterable[Span], width: int) -> Line:
    """Return a line that takes no more than so many columns."""
    fitted, left = [], width
    for span in line:
        if left <= 0:
            break
        words = span.words if text.columns(span.words) <= left else cut(span.words, left)
        fitted.append(Span(words, span.style))
        left -= text.columns(words)
    return tuple(fitted)


def spread(left: Iterable[Span], right: Iterable[Span], width: int, between: str = " ", style: str = PLAIN) -> Line:
    """Return a line with one part at its left end and, if there is room, one at its right."""
    left, right = list(left), list(right)
    room = width - width_of(left) - width_of(right)
    if room < 1:
        return fit(left, width)
    return (*left, Span(between * room, style), *right)


def choose(line: Iterable[Span], width: int) -> Line:
    """Return a line as the one that is chosen: marked at its beginning, and all of it of one style."""
    words = "".join(span.words for span in line)
    marked = "▸" + words[1:] if words.startswith(" ") else words
    return (Span(text.pad(cut(marked, width), width), CHOSEN),)
