"""Other tools' words for our verbs: those that are understood, and those to which we say what is ours.

Guarantee: a word is understood, or a verb named for it, only where that does what was meant. Called by `cli` for a word
that is no verb, and for `txlite help`.
"""

from __future__ import annotations

from ..text import find_nearest
from . import VERBS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# Understood: what a shell, or another queue, calls it.
ALIASES = {"kill": "stop", "ls": "list", "ps": "status", "queue": "list", "restart": "retry", "rm": "delete",
           "tail": "logs"}  # fmt: skip

# Not understood, because ours is only nearly the same: word -> what to type.
MEANT = {
    "enqueue": "add",
    "follow": "logs --follow",
    "htop": "top",
    "info": "show",
    "jobs": "status",
    "parallel": "run",
    "release": "claim:release",
    "remove": "delete",
    "renew": "claim:renew",
    "rerun": "retry",
    "sbatch": "add",
    "scancel": "cancel",
    "sem": "add --group",
    "send": "say",
    "squeue": "status",
    "start": "run",
    "submit": "add",
    "ts": "add",
    "tsp": "add",
    "watch": "logs --follow",
    "xargs": "run",
}


def suggest(word: str, more: Iterable[str] = ()) -> str:
    """Return " (did you mean 'add'?)" for a word that is no verb, "" where none is near (nor in `more`)."""
    if word.startswith("-"):
        return " (options stand behind a command, as in `txlite run -j 4`)"
    known = [*VERBS, *more, *(alias for alias in ALIASES if len(alias) > 2)]
    near = MEANT.get(word) or find_nearest(word, known)
    return f" (did you mean {near!r}?)" if near else ""
