"""The words of `run`: options stand first, then a template with options of its own, then the sources of its arguments.

argparse sees the options alone. Called by `parser`, which finds `cut_words` in the module of the verb.
"""

from __future__ import annotations

import os

from ..errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Action, ArgumentParser
    from collections.abc import Sequence


def cut_words(words: Sequence[str], parser: ArgumentParser) -> tuple[list[str], list[str]]:
    """Tell the options, which stand first, from the template and its sources. Raises UsageError for an option of GNU
    parallel's that does not exist here, with what to do instead."""
    from ..batch.typed import MARKS

    known, place = parser._option_string_actions, 0  # as `Parser.error` reads it
    while place < len(words):
        word = words[place]
        if word in ("--", "-") or word in MARKS or not word.startswith("-"):
            break
        values = _count_values(word, known)
        if values is None:
            from .parallel_options import refuse

            refuse(word)
            return list(words[: place + 1]), []  # argparse complains
        place += 1 + values
    options = ["--null" if word == "-0" else word for word in words[:place]]
    command = list(words[place:])
    if command == ["--"]:
        raise UsageError(f"nothing stands after --: `{parser.prog} --help` shows how")
    _check_arguments(command, known)
    return options, command


def _check_arguments(words: list[str], known: dict[str, Action]) -> None:
    """Refuse what is one of our own options and stands among arguments: it would be worked on, as one of them."""
    from ..batch.typed import MARKS

    begin = next((place for place, word in enumerate(words) if word in MARKS), len(words))
    for word in words[begin:]:
        if word.startswith("--") and word.partition("=")[0] in known and not os.path.lexists(word):
            raise UsageError(
                f"{word} stands among the arguments, and options stand first, before the command (an argument that is "
                "called so comes from stdin, or from a file with ::::)"
            )


def _count_values(word: str, known: dict[str, Action]) -> int | None:
    """How many words an option takes with it; None where there is no such option."""
    name, equals, _ = word.partition("=")
    if word == "-0":
        return 0
    if name in known:
        return 0 if equals or known[name].nargs == 0 else 1
    if word.startswith("--"):
        return None
    for place, letter in enumerate(word[1:], 2):
        action = known.get(f"-{letter}")
        if action is None:
            return None
        if action.nargs != 0:
            return 0 if word[place:] else 1
    return 0
