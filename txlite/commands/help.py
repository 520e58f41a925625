"""The pages of the documentation, which are part of the package, and come along in a copy or an archive of it.

They stand in docs/, one Markdown file for each topic. Called by `cli` for `txlite help TOPIC`; no verb of its own.
"""

from __future__ import annotations

import sys

from ..errors import NotFound

TOPICS = {
    "guide": "the tour: batches, tasks, outputs, background, configuration",
    "recipes": "short answers to common wishes, to be pasted",
    "parallel": "commands with {} and :::, and what differs from GNU parallel",
    "ralph": "agents overnight: the loop, the gate, git, the morning's page",
    "mcp": "the queue as tools for claude, codex and other agents",
    "slurm": "attempts as jobs of a cluster, beyond its time limits",
    "states": "what states are called, and what a task can wait for",
    "reference": "every command with every option; exit codes, JSON",
    "python": "the queue from Python programs",
    "architecture": "the map of the code",
    "changelog": "what changed, version by version",
}


def read(topic: str) -> str:
    """Return the page of a topic, as Markdown. Raises NotFound where this copy came without it."""
    import pkgutil

    page = f"docs/{topic}.md"
    try:
        data = pkgutil.get_data(__package__.rpartition(".")[0], page)
    except OSError:
        data = None
    if data is None:
        raise NotFound(f"{page} is not in this copy of txlite: copy the whole directory")
    return data.decode()


def show(text: str) -> None:
    """Print a text, through $PAGER (or less) on a terminal."""
    if not sys.stdout.isatty():
        print(text, end="")
        return
    from pydoc import pager

    pager(text)
