"""Random templates and nasty values, for the test of quoting and for its campaign.

`known` makes templates whose output is known beforehand, of every place in which a value may stand. `junk` makes lines
out of what shells give a meaning to, in any order, and `mangle` out of both: where they are accepted, no value may
become code.
"""

from __future__ import annotations

import random
from collections.abc import Callable

Known = tuple[str, Callable[[str], str]]  # a template, and what it prints for a value

VALUES = (
    "plain", "two words", "it's", "\"", "\\", "\\\\'", "$(touch pwned)", "`touch pwned`", "';touch pwned;'",
    "\";touch pwned;\"", "\ntouch pwned\n", "a\n\n", "-n", "--help", "*", "?", "[a]", "!", "!!", "~", "#x",
    "a#b", "$HOME", "${HOME}", "$$", "&touch pwned&", "|touch pwned", ";touch pwned", ">pwned", "<x",
    "(touch pwned)", ")touch pwned", "{", "}", "{a,b}", "a=b", "PATH=x", "if", "case", "esac", "2", "", " ",
    "\t", "\r", "x\r", "é", "%s", "\\n", "$'x'", "EOF\n", "$((1))", "'\"'\"'", "\"$(touch pwned)\"",
    "'$(touch pwned)'", "\\$(touch pwned)", "\\`touch pwned\\`", "'\n'touch pwned", "x[$(touch pwned)]",
    "))touch pwned;((", "\\", "$", "\\\n", "}touch pwned", ";;esac;touch pwned;", "0", "1", "%1",
)  # fmt: skip
ATTACKS = (  # each is code in another place, where it is quoted for a wrong one
    "$(touch pwned)", "`touch pwned`", "';touch pwned;'", "\";touch pwned;\"", "\ntouch pwned\n", ")\ntouch pwned\n",
    "'\"$(touch pwned)", "\"'\ntouch pwned\n",
)  # fmt: skip
ALPHABET = (
    "{}", "{}", "{}", "{}", "{}", "'", "'", '"', '"', "$(", ")", "(", "))", "((", "$((", "${x", "}", "${x:-", "`", "\\",
    "\\\n", "\n", "#", " ", " ", " ", "echo ", "printf %s ", "a", "x=", ";", "&&", "|", "<<", "<<E\n", "\nE\n", "<<<",
    "<", ">f", "$", "$'", '$"', "$x", "case x in x) ", ";; esac", "case ", " in ", "if :; then ", " fi", "!", "~", "[",
    "]", "a[", "$[", "1", "2", ">", "i", "f", "{", "{a,", "=", "+", ",", "$$", "$#", "$@", "ca", "se ", "done", "&",
    "$(#", "\n#", " #'", "'\n", '"$(', ')"',
)  # fmt: skip


def draw_value(dice: random.Random) -> str:
    """One of the nasty ones, or two or three that stand together."""
    return "".join(dice.choice(VALUES) for _ in range(dice.choice((1, 1, 1, 2, 3))))


def junk(dice: random.Random) -> str:
    """A line that says nothing, and holds a placeholder."""
    parts = [dice.choice(ALPHABET) for _ in range(dice.randrange(1, 14))]
    return "".join([*parts, "{}", *(dice.choice(ALPHABET) for _ in range(dice.randrange(0, 6)))])


def mangle(dice: random.Random) -> str:
    """A line that said something, with something put in, and something missing."""
    line, _ = known(dice)
    for _ in range(dice.randrange(1, 4)):
        place = dice.randrange(len(line))
        line = line[:place] + dice.choice(ALPHABET) + line[place + dice.choice((0, 0, 0, 1, 2)) :]
    return line


def known(dice: random.Random) -> Known:
    """One or several commands that print words."""
    line, said = _command(dice)
    for _ in range(dice.randrange(0, 3)):
        more, says = _command(dice)
        joined = dice.choice((" && ", "; ", "\n", " # note's\n", " \\\n&& "))
        line, said = line + joined + more, _both(said, says)
    return line, said


def _both(one: Callable[[str], str], other: Callable[[str], str]) -> Callable[[str], str]:
    return lambda value: one(value) + other(value)


def _command(dice: random.Random) -> Known:
    words = [_bare(dice, 0), *(_word(dice, 2) for _ in range(dice.randrange(1, 4)))]
    line = "printf '<%s>' " + " ".join(text for text, _ in words)
    wrapped = dice.choice(("{0}", "{0}", "( {0} )", "(echo | {0})", "{{ {0}; }}", "if :; then {0}; fi",
                           "case a in a) {0};; esac", "x=1 {0}", "{0} 2>&1", "for i in 1; do {0}; done"))  # fmt: skip
    return wrapped.format(line.replace("{", "{{").replace("}", "}}")).replace("{{", "{").replace("}}", "}"), (
        lambda value: "".join(f"<{says(value)}>" for _, says in words)
    )


def _word(dice: random.Random, depth: int) -> Known:
    """A word of several parts, each in another context."""
    parts = [dice.choice(_PARTS)(dice, depth) for _ in range(dice.randrange(1, 5))]
    return "".join(text for text, _ in parts), lambda value: "".join(says(value) for _, says in parts)


def _literal(dice: random.Random, depth: int) -> Known:
    text, said = dice.choice(
        (("a", "a"), ("if", "if"), ("\\'", "'"), ("\\{}", "{}"), ("1", "1"), ("b#", "b#"), ("/", "/"), ("'#'", "#"))
    )
    return text, lambda value: said


def _bare(dice: random.Random, depth: int) -> Known:
    return "{}", lambda value: value


def _single(dice: random.Random, depth: int) -> Known:
    before, after = dice.choice(("", "x", "$(", '"', "\\", "#")), dice.choice(("", "y", "`", "\\", ")"))
    return f"'{before}{{}}{after}'", lambda value: before + value + after


def _double(dice: random.Random, depth: int) -> Known:
    before, said = dice.choice(
        (("", ""), ("x", "x"), ("$none", ""), ("\\\\", "\\"), ("'", "'"), ("# ", "# "), ("\\$", "$"))
    )
    return f'"{before}{{}} "', lambda value: said + value + " "


def _substitution(dice: random.Random, depth: int) -> Known:
    """In "$(...)", which takes the line ends at its end away."""
    if not depth:
        return _bare(dice, depth)
    text, says = _word(dice, depth - 1)
    return f'"$(printf %s {text})"', lambda value: says(value).rstrip("\n")


_PARTS = (_literal, _bare, _bare, _single, _double, _substitution)
