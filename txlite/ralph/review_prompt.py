"""What an agent is told that reviews work: the task, the gate that it passed, and what was changed.

Guarantees: what others wrote stands between marks that cannot occur in it, so that it can end none, and its size is
bounded: of large changes there is a summary, and how to see the rest. Called by `review_turn`.
"""

from __future__ import annotations

import re

from .. import text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model import Task

CHANGES_BYTES = 60_000  # of changes that are shown in full: as an argument, a prompt may have no more than 131,071
SUMMARY = 4_000  # characters of the summary of those that are not


def write(template: str, task: Task, gate: str | None, changes: str, verdict_file: str) -> str:
    """Return the prompt of a review: the template (`home.prompt_templates`) with its places filled in.

    changes: as `describe` makes them.
    """
    values: dict[str, object] = {
        "TASK_ID": task.id,
        "TASK_TITLE": task.title,
        "TASK_DESCRIPTION": task.description or task.command or "(The title says it all.)",
        "GATE": f"This command succeeded there: `{gate}`." if gate else "No command has judged it.",
        "CHANGES": changes,
        "VERDICT_FILE": verdict_file,
    }
    return text.expand(template, values)


def describe(start: str, commit: str, summary: str, patch: str) -> str:
    """Return what was changed between two commits, by git's words, for a reviewer."""
    if commit == start:
        return "It has changed no file that git knows."
    look = f"`git diff {start[:12]} {commit[:12]}` shows it"
    patch = _clean(patch)
    if len(patch.encode()) <= CHANGES_BYTES:
        return f"It is one commit ({look}):\n\n{_fenced(patch, 'diff')}"
    summary = _clean(summary)
    if len(summary) > SUMMARY:
        summary = summary[:SUMMARY] + "\n…"
    return f"It is one commit, too large to be shown here. {look[0].upper()}{look[1:]}; read all of it:\n\n" + _fenced(
        summary, ""
    )


def _clean(output: str) -> str:
    """Without what hides or turns text, and with bytes that are no UTF-8 replaced."""
    return text.printable_lines(output.encode("utf-8", "surrogateescape").decode("utf-8", "replace")).strip("\n")


def _fenced(words: str, language: str) -> str:
    mark = "`" * (max(map(len, re.findall("`{3,}", words)), default=2) + 1)
    return f"{mark}{language}\n{words}\n{mark}"
