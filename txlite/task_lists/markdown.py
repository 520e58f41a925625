"""Markdown's task lists: `- [ ] title`, with indented entries as parts, and indented text as description.

A line of the text that begins with `after:` names what the entry waits for, one that begins with `verify:` is its gate;
both may also stand in parentheses at the end of a title. What is not indented below an entry is none of its text, and
no box in a block of code or in a comment is one. Used by `reading`.
"""

from __future__ import annotations

import re
import textwrap

from ..errors import UsageError
from ..model import BACKLOG, DONE
from ..text import shorten
from .entry import NOTHING_IMPORTED, Change, ListEntry, TaskList, wrong

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_BOX = re.compile(r"(\s*)(?:[-*+]|\d{1,9}[.)])[ \t]+\[([^\]\w]|[xX])\](?:[ \t]+(.*))?$")
# An item may begin with one; ```so``` is words.
_FENCE = re.compile(r"\s*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(`{3,}(?!`)(?!.*`)|~{3,})")
_BLOCK = re.compile(r"\s*(?:[-*+][ \t]|\d{1,9}[.)][ \t]|#{1,6}(?:\s|$)|>|\||(?:[-*_][ \t]*){3,}$)")
# What `_BLOCK` matches never goes on the text of the line above it.
_HEADING = re.compile(r" {0,3}#{1,6}(?:\s|$)")
_FACT = re.compile(r"\s*(?:[-*+][ \t]+)?(after|verify):(.*)$")
_FACT_IN_TITLE = re.compile(r"(?<!\s)\s+\((after|verify):((?:(?!\((?:after|verify):).)*)\)$")
_LABEL = re.compile(r"\[?((?:[A-Za-z]{1,12}[-_.]?)?\d+(?:[.-]\d+)*)[\])]?[.:)]?(?=\s)")  # T001, US-7, 1.2
_COMMENT = re.compile(r"\s*<!--.*?-->\s*$")
_EMPHASIS = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1")
CODE = 4  # columns by which a block of code is indented that is part of no entry
STEP = 2  # columns by which a part is indented at the least
LONGEST = 10_000  # characters behind a box: with more it is no title, and takes long to read
DEEPEST = 100  # entries, each a part of the one above


class _Draft:
    """An entry on its way through the lines."""

    def __init__(self, line: int, indent: int, parent: _Draft | None, box: Change | None) -> None:
        self.line = line
        self.indent = indent
        self.parent = parent
        self.box = box  # None: it is ticked
        self.title = ""
        self.text: list[str] = []
        self.after: list[tuple[int, str]] = []
        self.verify: str | None = None

    @property
    def key(self) -> str:
        """Its title, below those of what it is a part of."""
        above = f"{self.parent.key}\n" if self.parent else ""
        return above + plain(self.title)


class _Reader:
    """The lines of a file, one after the other."""

    def __init__(self, name: str) -> None:
        self.drafts: list[_Draft] = []
        self._name = name
        self._open: list[_Draft] = []  # the entry whose text may go on, below those that it is a part of
        self._fence = ""
        self._hidden_from = 0  # the line with which a block of code, or a comment, begins
        self._hides = False  # a box stands in it
        self._in_comment = False
        self._goes_on = False  # the last line was text of an entry: the next may be so without being indented

    def take(self, number: int, place: int, line: str) -> None:
        """Read a line, which begins at this place of the file."""
        if self._in_comment or (not self._fence and line.lstrip().startswith("<!--")):
            self._take_comment(number, line)
            return
        fence = _FENCE.match(line)
        box = None if self._fence or fence else self._find_box(line)
        if box:
            self._begin(number, place, box)
        elif self._fence:
            self._take_code(line, fence)
        else:
            self._take_text(number, line)
            self._fence, self._hidden_from, self._hides = fence[1] if fence else "", number, False

    def end(self) -> None:
        """Nothing more comes. Raises UsageError where what may be tasks stands in what has no end."""
        if self._hides and (self._fence or self._in_comment):
            what = "the block of code" if self._fence else "the comment"
            end = f"has no end, and hides tasks: end it with {self._fence or '-->'}"
            raise wrong(self._name, self._hidden_from, f"{what} that begins here {end}")

    def _take_comment(self, number: int, line: str) -> None:
        if not self._in_comment:
            self._hidden_from, self._hides = number, False
        self._hides = self._hides or _BOX.match(line) is not None
        self._in_comment = "-->" not in line

    def _take_code(self, line: str, fence: re.Match[str] | None) -> None:
        self._add_text(line, self._open)
        self._hides = self._hides or _BOX.match(line) is not None
        if fence and fence[1].startswith(self._fence) and not line.strip("`~ \t"):
            self._fence = ""

    def _find_box(self, line: str) -> re.Match[str] | None:
        box = _BOX.match(line)
        return box if box and (self._open or _width(box[1]) < CODE) else None

    def _begin(self, number: int, place: int, box: re.Match[str]) -> None:
        if len(box[3] or "") > LONGEST:
            raise wrong(self._name, number, f"its title has more than {LONGEST:,} characters: indent the rest below it")
        indent, mark, title = _width(box[1]), box[2], _COMMENT.sub("", box[3] or "").strip()
        if mark not in " \txX":
            raise wrong(self._name, number, f"its box is [{shorten(mark, 4)}] and neither [ ] nor [x]")
        self._close(indent)
        if len(self._open) == DEEPEST:
            raise wrong(self._name, number, f"it is a part of a part, {DEEPEST} deep: indent it less")
        tick = None if mark in "xX" else Change(place + box.start(2), place + box.end(2), "x")
        draft = _Draft(number, indent, self._open[-1] if self._open else None, tick)
        while True:
            fact = _FACT_IN_TITLE.search(title)
            if not fact:
                break
            self._note(number, draft, fact[1], fact[2])
            title = title[: fact.start()]
        draft.title = _EMPHASIS.sub(r"\2", title)
        if not plain(title):
            raise wrong(self._name, number, "its box has no title behind it")
        self._open.append(draft)
        self.drafts.append(draft)
        self._goes_on = True

    def _take_text(self, number: int, line: str) -> None:
        if not line.strip():
            self._goes_on = False
            self._add_text("", self._open)
            return
        if _HEADING.match(line):
            self._open.clear()
        if not self._goes_on or _BLOCK.match(line) or _FENCE.match(line):
            self._close(_width(line[: len(line) - len(line.lstrip())]))
        self._goes_on = bool(self._open)
        fact = _FACT.match(line)
        if fact and self._open:
            self._note(number, self._open[-1], fact[1], fact[2])
        else:
            self._add_text(line, self._open)

    def _close(self, indent: int) -> None:
        """What begins at this column is no text of entries that begin there, or behind it."""
        while self._open and indent < self._open[-1].indent + STEP:
            self._open.pop()

    @staticmethod
    def _add_text(line: str, entries: list[_Draft]) -> None:
        if entries:
            entries[-1].text.append(line)

    def _note(self, number: int, draft: _Draft, what: str, value: str) -> None:
        value = value.strip()
        if len(value) > 1 and value[0] == value[-1] == "`" and "`" not in value[1:-1]:
            value = value[1:-1].strip()
        if not value:
            raise wrong(self._name, number, f"nothing stands behind {what}:")
        if what == "after":
            draft.after.append((number, value))
        elif draft.verify is not None:
            raise wrong(self._name, number, "a task has one gate: join its commands with &&")
        else:
            draft.verify = value


def read(text: str, name: str) -> TaskList:
    """Return what a Markdown file says; `name` is for messages. Raises UsageError."""
    reader = _Reader(name)
    for number, place, line in _lines(text):
        reader.take(number, place, line)
    reader.end()
    if not reader.drafts:
        raise UsageError(f"{name} has no task: a line of a Markdown list is - [ ] its title: {NOTHING_IMPORTED}")
    return TaskList([_entry(draft) for draft in reader.drafts], is_strict=True)


def _lines(text: str) -> Iterator[tuple[int, int, str]]:
    place = len(text) - len(text.lstrip("\ufeff"))
    for number, line in enumerate(text[place:].split("\n"), 1):
        yield number, place, line.rstrip("\r")
        place += len(line) + 1


def _entry(draft: _Draft) -> ListEntry:
    label = _LABEL.match(draft.title)
    return ListEntry(
        draft.line,
        draft.key,
        draft.title,
        textwrap.dedent("\n".join(draft.text)).strip("\n"),
        (draft.title, label[1]) if label else (draft.title,),
        None,
        draft.parent.key if draft.parent else None,
        draft.after,
        draft.verify,
        BACKLOG if draft.box else DONE,
        ticks=[draft.box] if draft.box else (),
    )


def _width(space: str) -> int:
    return len(space.expandtabs(4))


def plain(title: str) -> str:
    """Return a title as it is compared with names: without emphasis, quotes, case, and a sign at its end."""
    return " ".join(re.sub(r"[*`\"“”]", "", title).split()).rstrip(".:").casefold()
