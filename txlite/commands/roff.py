"""Text as a manual page wants it: roff with the macros of man(7), which groff and mandoc both read.

Also the few things of Markdown that our pages use: paragraphs, lists, tables of two columns, words `as typed`. Used by
`man`.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ESCAPES = {"\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti", '"': "\\(dq"}
WIDTH = 78  # columns of a line of the source
TYPED = re.compile(r"`([^`]*)`")


def escape(words: str) -> str:
    """Return words that stand for themselves anywhere in a line, and in an argument of a macro."""
    plain = "".join(ESCAPES.get(one) or (one if one.isascii() else f"\\[u{ord(one):04X}]") for one in words)
    return _guard(plain)


def say(words: str) -> str:
    """Return a text, with what is `as typed` in bold, in lines of a moderate length."""
    parts = TYPED.split(" ".join(words.split()))
    shown = "".join(f"\\fB{escape(part)}\\fR" if place % 2 else escape(part) for place, part in enumerate(parts))
    lines = [""]
    for word in shown.split(" "):
        if len(lines[-1]) + 1 + len(word) > WIDTH:
            lines.append(_guard(word))
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else _guard(word)
    return "\n".join(lines)


def _guard(line: str) -> str:
    """A line that begins with a dot would be a request."""
    return "\\&" + line if line.startswith(".") else line


def heading(title: str, level: str = "SH") -> str:
    """Return a heading: SH, or SS below one."""
    return f'.{level} "{escape(title)}"'


def item(name: str, words: str) -> Iterator[str]:
    """Yield a name, in bold, with what it is."""
    yield from (".TP", f"\\fB{escape(name)}\\fR", say(words) or "\\&")


def paragraph(words: str) -> Iterator[str]:
    """Yield a paragraph; nothing for no words."""
    if words:
        yield from (".PP", say(words))


def example(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines as they are typed."""
    yield from (".PP", ".RS 4", ".nf", *map(escape, lines), ".fi", ".RE")


def from_markdown(page: str) -> Iterator[str]:
    """Yield what a part of a page says that has no headings."""
    for block in re.split(r"\n{2,}", page.strip()):
        lines = block.split("\n")
        if block.startswith("|"):
            for line in lines[2:]:
                name, words = (part.strip() for part in line.strip("|").split("|", 1))
                yield from item(name.replace("`", ""), words)
        elif block.startswith("- "):
            for one in re.split(r"\n(?=- )", block):
                yield from (".IP \\(bu 2", say(one[2:]))
        elif block.startswith("    "):
            yield from example(line[4:] for line in lines)
        else:
            yield from paragraph(block)
