"""Placeholders: what stands in a template for an argument, or a part of one.

The notation is GNU parallel's: {} is the argument, {.} it without its extension, {/} its last component, {//} its
directory, {/.} the last component without extension; a number says which of several arguments, counted from the end
where it is negative; {#} is the number of the task. Other braces are text. Used by `shell_line` and `template`.
"""

from __future__ import annotations

import os
import re

from ..errors import UsageError
from ..system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BARE = "{}"
_OWN = r"\{(?P<position>-?\d+)?(?P<part>\.|//|/\.|/)?\}|\{(?P<number>\#)\}"
_FOREIGN = {  # what GNU parallel has besides -> what to do here
    r"\{\d*%\}": "the slot of a job: {#} is the number of each task",
    r"\{\#\#\}": "the number of all tasks: it is not known before the last argument is read",
    r"\{=(?:(?!=\}).)*=\}": "Perl: let the command do it, as in x={}; mv \"$x\" \"${x%.*}\"",
}  # fmt: skip


class Placeholder(NamedTuple):
    """One placeholder of a template."""

    text: str  # as it is written
    position: int | None  # which argument, from 1, or from the end, from -1; None: all of them
    part: str  # what of it: "", ".", "/", "//", "/."; "#" is the number of the task

    def values(self, arguments: Sequence[str], number: int) -> list[str]:
        """Return what it stands for, when these are the arguments of the task with this number; an argument that is
        not there is empty."""
        if self.part == "#":
            return [str(number)]
        cut = _PARTS[self.part]
        if self.position is None:
            return list(map(cut, arguments)) if cut else list(arguments)
        place = self.position - 1 if self.position > 0 else len(arguments) + self.position
        found = arguments[place] if 0 <= place < len(arguments) else ""
        return [cut(found) if cut else found]


class Notation:
    """How placeholders are written in one template."""

    def __init__(self, bare: str = BARE) -> None:
        """bare: what stands for the argument itself. Raises UsageError where that cannot be told from a shell's own."""
        if re.search(r"[\s'\"\\$`#();&|<>*?\[\]~=!]|^[{}]?$", bare):
            raise UsageError(f"-I {bare!r}: give what a shell reads as text, as ,, or @@")
        self.bare = bare
        own = _OWN if bare == BARE else f"(?P<bare>{re.escape(bare)})|(?!\\{{\\}}){_OWN}"
        self._own = re.compile(own)
        self._foreign = re.compile("|".join(f"({pattern})" for pattern in _FOREIGN), re.S)

    def match(self, text: str, place: int) -> Placeholder | None:
        """Return the placeholder that begins at a place of a text. Raises UsageError for one of GNU parallel's that is
        not known here, and for a position of 0."""
        found = self._own.match(text, place)
        if found:
            groups = found.groupdict()
            if groups["position"] and not int(groups["position"]):
                raise UsageError(f"{found.group()}: arguments are counted from 1")
            position = int(groups["position"]) if groups["position"] else None
            return Placeholder(found.group(), position, groups["number"] or groups["part"] or "")
        foreign = self._foreign.match(text, place)
        if foreign and foreign.lastindex:
            what = list(_FOREIGN.values())[foreign.lastindex - 1]
            raise UsageError(f"{foreign.group()} is not known here, {what} (`txlite help parallel`)")
        return None

    def is_in(self, text: str) -> bool:
        """Say whether a text holds a placeholder."""
        return any(self.match(text, place) for place in range(len(text)))


def _without_extension(name: str) -> str:
    dot = name.rfind(".")
    return name[:dot] if dot > name.rfind("/") else name


def _last_component(name: str) -> str:
    return name[name.rfind("/") + 1 :]


def _directory(name: str) -> str:
    bare = name.rstrip("/")
    return os.path.dirname(bare) or "." if bare else name[:1] or "."


_PARTS: dict[str, Callable[[str], str] | None] = {
    "": None,
    ".": _without_extension,
    "/": _last_component,
    "//": _directory,
    "/.": lambda name: _without_extension(_last_component(name)),
}
