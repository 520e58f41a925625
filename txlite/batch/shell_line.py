"""A template for `sh -c`: where in the line each placeholder stands, by what a shell would make of the text before it.

The lexer knows what is outside of quotes, in '...', in "...", in $(...), and a comment; other constructs it passes
over where their end is plain. From where it is not, or shells do not agree, every placeholder is refused: guessing
would make code of a name. Used by `template`.
"""

from __future__ import annotations

import re

from .. import text as wording
from ..errors import UsageError
from . import quoting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Union

    from .placeholder import Notation, Placeholder

    Piece = Union[str, tuple[Placeholder, Callable[[str], str]]]  # as it stands, or what is filled in, and how quoted

# The contexts: where in a line a shell is. UNKNOWN is for good.
UNQUOTED, SUBSTITUTION, SINGLE, DOUBLE, COMMENT, UNKNOWN = "", "$(", "'", '"', "#", "?"

BEFORE = 'put x={} at the beginning, and "$x" there'
_CALCULATION = "where a name could be code: calculate with expr"
# The number of a task is never code, so that it may be calculated with, if it makes no other number or name of what
# stands beside it.
_NUMBER = r"(?<![\w$])\{#\}(?!\w)"
_NUMBERS = re.compile(_NUMBER)
_SUM = rf"(?:[^()'\"\\`{{}}#$]|\$\w+|{_NUMBER}|\((?:[^()'\"\\`{{}}#$]|{_NUMBER})*\))*"
# What is passed over: its beginning, all of it where its end is plain, and where a placeholder in it stands.
_OPAQUE = (
    ("$((", rf"\$\(\({_SUM}\)\)", f"in $((...)), {_CALCULATION}"),
    ("$[", r"\$\[[^\[\]'\"\\`{}()#$]*\]", f"in $[...], {_CALCULATION}"),
    ("${", r"\$\{(?![\s|])(?:[^{}'\"\\$`]|\$[A-Za-z_]\w*|\$\{[^{}'\"\\$`]*\})+\}", f"in or behind ${{...}}: {BEFORE}"),
    ("`", r"`[^`'\"\\#<({]*`", "in or behind `...`, which shells read twice: write $(...) instead"),
    ("$\\\n", r"(?!)", f"behind a line that is cut after $: {BEFORE}"),
    ("$(\\\n", r"(?!)", f"behind a line that is cut after $(: {BEFORE}"),
    ("((", rf"\(\({_SUM}\)\)", f"in or behind ((...)), {_CALCULATION}"),
    ("$'", r"\$'[^'\\{]*'", "in or behind $'...', which not every shell knows: write it without the $"),
    ("<<<", r"<<<", ""),
    ("<<", r"(?!)", f"behind <<, where a here-document begins: {BEFORE}"),
    ("(\\\n", r"(?!)", f"behind a line that is cut after (: {BEFORE}"),
    ("<\\\n", r"(?!)", f"behind a line that is cut after <: {BEFORE}"),
)  # fmt: skip
_IN_DOUBLE = 6  # so many of them mean something there, too
_DOLLAR = re.compile(r"\$(?:\w+|[@*?!$#-])")
_VARIABLE = re.compile(r"\$\w+$")  # what follows it would be more of its name
_ENDS_OF_WORDS = frozenset(" \t\n;&|()<>")
_MAKES_A_MEANING = tuple("<>=+([\\")  # of the part of a word in front of it


class _Context:
    """Where a shell is, from a place on; depth: the parentheses that are open there."""

    def __init__(self, kind: str, begin: int) -> None:
        self.kind = kind
        self.begin = begin
        self.depth = 0


class ShellLine:
    """One line that is read once, from its beginning to its end."""

    def __init__(self, line: str, notation: Notation) -> None:
        self._line = line
        self._notation = notation
        self._place = 0
        self._pieces: list[Piece] = []
        self._contexts = [_Context(UNQUOTED, 0)]
        self._begins_word = True
        self._in_brackets = False  # name[...: bash calculates there
        self._tail = ""  # the $ or the backslash that was read last and has taken nothing with it
        self._reason = ""  # why nothing is known any more

    def read(self) -> list[Piece]:
        """Return its pieces. Raises UsageError for a placeholder that cannot be filled in safely, and for a quote that
        nothing closes."""
        readers = {UNQUOTED: self._read_unquoted, SUBSTITUTION: self._read_unquoted, DOUBLE: self._read_double}
        while self._place < len(self._line):
            found = self._notation.match(self._line, self._place)
            if found:
                self._take_slot(found)
            else:
                readers.get(self._context, self._read_plain)()
        if self._context in (SINGLE, DOUBLE, SUBSTITUTION):
            raise UsageError(f"nothing closes the {self._context} in {wording.shorten(self._line, 60)}")
        return self._pieces

    @property
    def _context(self) -> str:
        return self._contexts[-1].kind

    @property
    def _has_just_begun(self) -> bool:
        """Whether nothing stands between here and the $( before it."""
        context = self._contexts[-1]
        return context.kind == SUBSTITUTION and self._place == context.begin + 2

    def _take(self, count: int = 1) -> None:
        """Go on behind so many characters, which stay as they are."""
        taken = self._line[self._place : self._place + count]
        last = self._pieces[-1] if self._pieces else None
        if isinstance(last, str):
            self._pieces[-1] = last + taken
        else:
            self._pieces.append(taken)
        self._place += count

    def _enter(self, context: str, count: int = 1) -> None:
        self._contexts.append(_Context(context, self._place))
        self._take(count)

    def _take_slot(self, found: Placeholder) -> None:
        last = self._pieces[-1] if self._pieces else ""
        before = last if isinstance(last, str) else ""
        reason = self._find_reason(before)
        if reason:
            raise UsageError(f"{found.text} stands {reason} (`txlite help parallel`)")
        self._pieces.append((found, self._quote_at(before, self._line[self._place + len(found.text) :])))
        self._place += len(found.text)
        self._begins_word = False

    def _find_reason(self, before: str) -> str:
        """Where a placeholder stands that cannot be filled in, and what to do; "" where it can."""
        context = self._context
        if context in (COMMENT, UNKNOWN):
            return self._reason or "in a comment: leave it out, or quote the #"
        if self._in_brackets:
            return f"in name[...], {_CALCULATION}"
        if self._tail and before.endswith(self._tail) and context != SINGLE:
            return f"behind {self._tail}, which would act on its first character: {BEFORE}"
        return ""

    def _quote_at(self, before: str, after: str) -> Callable[[str], str]:
        """How values are quoted that stand between these."""
        is_behind_variable = bool(_VARIABLE.search(before))
        if self._context == SINGLE:
            return quoting.quote_in_single
        if self._context == DOUBLE:
            return _quote_behind_variable if is_behind_variable else quoting.quote_in_double
        if is_behind_variable or after[:1] in _MAKES_A_MEANING:
            return quoting.quote
        is_behind_slot = bool(self._pieces) and not before
        is_part = is_behind_slot or self._notation.match(after, 0) or _is_lower(before[-1:] + after[:1])
        return quoting.quote_part if is_part else quoting.quote_alone

    def _read_plain(self) -> None:
        """In '...', in a comment, and where nothing is known."""
        character = self._line[self._place]
        self._take()
        if (self._context, character) in ((SINGLE, "'"), (COMMENT, "\n")):
            self._contexts.pop()
            self._begins_word = character == "\n"

    def _read_double(self) -> None:
        if self._passes_over(_IN_DOUBLE) or self._takes_escape('$`"\\'):
            return
        is_end = self._line[self._place] == '"'
        self._take_common()
        if is_end:
            self._contexts.pop()

    def _read_unquoted(self) -> None:
        if self._passes_over(len(_OPAQUE)) or self._takes_escape(None):
            return
        character = self._line[self._place]
        if character == "#" and (self._begins_word or self._has_just_begun):
            if self._context == SUBSTITUTION:  # bash before 4 looks for quotes and parentheses in it
                self._give_up("in or behind a comment in $(...): leave that out")
            else:
                self._enter(COMMENT)
        elif character in "'\"":
            self._tail, self._begins_word = "", False
            self._enter(character)
        else:
            self._count_brackets(character)
            is_left = character == ")" and self._close()
            self._take_common()
            self._begins_word = character in _ENDS_OF_WORDS and not is_left

    def _count_brackets(self, character: str) -> None:
        if character == "[" and re.match(r"\w", self._line[max(self._place - 1, 0)]):
            self._in_brackets = True
        elif character in "];\n":
            self._in_brackets = False
        if character == "(":
            self._contexts[-1].depth += 1

    def _close(self) -> bool:
        """Heed a closing parenthesis; return whether a $(...) ends with it."""
        context = self._contexts[-1]
        if context.depth:
            context.depth -= 1
        elif context.kind == SUBSTITUTION:
            self._contexts.pop()
            if "case" in self._line[context.begin : self._place].replace("\\\n", ""):
                self._give_up(f"behind a $(... case ...), whose end is not plain: {BEFORE}")
            return True
        return False

    def _take_common(self) -> None:
        """What means the same outside of quotes and in "...": $(, a variable, or a character."""
        line, place = self._line, self._place
        variable = _DOLLAR.match(line, place)
        self._begins_word, self._tail = False, ""
        if line.startswith("$(", place):
            self._enter(SUBSTITUTION, 2)
        elif variable:
            self._take(len(variable.group()))
        else:
            self._tail = line[place] if line[place] in "$\\" else ""
            self._take()

    def _takes_escape(self, escaped: str | None) -> bool:
        """Take a backslash and what it takes with it, of these or of all; drop it where the line goes on behind it."""
        line, place = self._line, self._place
        if line[place] != "\\" or place + 1 == len(line):
            return False
        if line[place + 1] == "\n":
            self._place += 2  # as a shell does before it reads anything else
            return True
        if escaped is not None and line[place + 1] not in escaped:
            return False
        self._tail, self._begins_word = "", False
        self._take(2)
        return True

    def _passes_over(self, count: int) -> bool:
        """Pass over what is not looked into, of so many kinds; give up where its end is not plain."""
        for begin, whole, reason in _OPAQUE[:count]:
            if self._line.startswith(begin, self._place):
                match = re.compile(whole).match(self._line, self._place)
                if match and not self._notation.is_in(_NUMBERS.sub("0", match.group())):
                    self._tail, self._begins_word = "", begin in ("<<<", "((")
                    self._take_until(match.end())
                else:
                    self._give_up(reason)
                return True
        return False

    def _take_until(self, end: int) -> None:
        """Go on at `end`; in what lies before it the numbers of tasks are filled in, and the rest stays as it is."""
        for number in _NUMBERS.finditer(self._line, self._place, end):
            self._take(number.start() - self._place)
            found = self._notation.match(self._line, self._place)
            if found:
                self._pieces.append((found, str))
                self._place = number.end()
        self._take(end - self._place)

    def _give_up(self, reason: str) -> None:
        self._reason = reason
        self._contexts.append(_Context(UNKNOWN, self._place))


def _is_lower(characters: str) -> bool:
    """Whether one of them could be a letter of a reserved word."""
    return any("a" <= one <= "z" for one in characters)


def _quote_behind_variable(value: str) -> str:
    return '""' + quoting.quote_in_double(value)
