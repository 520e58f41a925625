"""The page of `txlite help`: each verb below what one wants, other tools' words, and the topics.

Called by `cli`; imported when it is shown.
"""

from __future__ import annotations

from textwrap import fill

from . import VERBS
from .help import TOPICS
from .spelling import ALIASES

WIDTH = 78  # columns

# What one wants -> the verbs for it; each stands once.
GROUPS = {
    "Queue it": ("add", "update", "edit", "delete", "dep", "block", "unblock"),
    "Run it": ("run", "launch", "ralph", "worker", "slurm"),
    "Look": ("status", "top", "list", "show", "logs", "page", "history", "events", "tree", "children", "ready",
             "claims"),
    "Act on what waits, runs or has ended": (
        "wait", "stop", "cancel", "retry", "reset", "done", "fail", "switch", "say", "attach", "group",
        "pause", "resume", "scale",
    ),
    "Judge what agents did": ("review", "approve", "reject", "diff"),
    "Take a task by hand, or from a script": ("claim", "claim:release", "claim:renew"),
    "For agents": ("mcp", "prime"),
    "Keep up": (
        "init", "doctor", "cleanup", "reconcile", "export", "import", "sync", "backup", "service", "completion", "man",
        "pack",
    ),
}  # fmt: skip


def write_overview() -> str:
    """Return the page, without the end of its last line."""
    aliases = ", ".join(f"{alias} ({verb})" for alias, verb in ALIASES.items())
    groups = [[f"{heading}:", *(_row(verb, VERBS[verb][1]) for verb in verbs)] for heading, verbs in GROUPS.items()]
    parts = [
        ["usage: txlite [--home DIR] COMMAND ..."],
        [_fill("Runs commands and AI coding agents in the background, several at a time, each with a report.")],
        *groups,
        [_fill(f"Other tools' words are understood, too: {aliases}.")],
        [_fill("`txlite COMMAND --help` explains one of them, with examples; `txlite help TOPIC` shows a page:")],
        [_row(topic, summary) for topic, summary in TOPICS.items()],
    ]
    return "\n\n".join("\n".join(part) for part in parts)


def _row(name: str, summary: str) -> str:
    width = 2 + max(map(len, VERBS)) + 2
    return fill(summary, WIDTH, initial_indent=f"  {name}".ljust(width), subsequent_indent=" " * width)


def _fill(words: str) -> str:
    return fill(words, WIDTH, break_on_hyphens=False)
