"""Options of sbatch(1) that a user gives for jobs: which would break what is relied on, and are refused by name.

A job must be one job, known by its name, run once, with a guard as its script; and sbatch must come back at once. What
else is wrong with options, Slurm itself says, in its own words. Called by the commands that take them, and before each
submission by `slurm`.
"""

from __future__ import annotations

import re
import shlex

from ...errors import UsageError
from ...text import shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

REFUSED = {
    "array": "each task is a job of its own",
    "requeue": "an attempt that a site starts again would be run by nobody's order",
    "wait": "jobs are waited for all together",
    "job-name": "jobs are found by the name that they get here",
    "output": "it comes into the report",
    "error": "it comes into the report",
    "input": "a task reads its prompt, or nothing",
    "wrap": "the task itself is what is run",
    "parsable": "it is given already",
    "test-only": "nothing would be run",
    "clusters": "jobs are looked for in one cluster",
    "chdir": "a task has its own directory",
    "batch": "it belongs to scancel",
    "help": "nothing would be run",
    "usage": "nothing would be run",
    "version": "nothing would be run",
    "export-file": "a task has its own environment",
    "uid": "jobs are looked for by their user",
    "gid": "jobs are looked for by their user",
}
# Of srun, where attempts are steps.
REFUSED_OF_STEPS = {
    **{name: "each attempt is a step of one task" for name in ("ntasks", "nodes", "multi-prog", "het-group")},
    **{name: "steps are found by the name that they get here" for name in ("job-name", "jobid")},
    **{name: REFUSED[name] for name in ("output", "error", "input", "chdir", "help", "usage", "version")},
    "pty": "a task has no terminal",
    "label": "its output comes as it is",
    "wait": "steps are waited for all together",
    "test-only": "nothing would be run",
}
LETTERS = {
    "a": "array", "W": "wait", "J": "job-name", "o": "output", "e": "error", "i": "input", "M": "clusters",
    "D": "chdir", "h": "help", "V": "version", "n": "ntasks", "N": "nodes", "l": "label",
}  # fmt: skip
EXACT = ("export", "wait-all-nodes")  # whole names of others
FLAGS = "HkKOQsuvbIRS"  # letters that take no word after them
# Long options that take none, or only one after `=`.
BARE = (
    "contiguous", "exclusive", "get-user-env", "hold", "ignore-pbs", "nice", "no-kill", "no-requeue", "overcommit",
    "oversubscribe", "propagate", "quiet", "reboot", "share", "spread-job", "use-min-nodes", "verbose",
)  # fmt: skip


def parse_options(text: str, refused: Mapping[str, str] = REFUSED) -> list[str]:
    """Return the words of options for sbatch. Raises UsageError for one that is refused, and for what is none.

    refused: long names, and why."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"Slurm's options {shorten(text, 60)!r}: {error}: close the quote") from None
    takes_value = False
    for word in words:
        if takes_value:
            takes_value = False
        elif not word.startswith("-") or word in ("-", "--"):
            raise UsageError(f"Slurm's options: {shorten(word, 60)!r} is no option: give nothing else here")
        else:
            takes_value = _check(word, refused)
    return words


def _check(word: str, refused: Mapping[str, str]) -> bool:
    """Refuse an option, if need be; whether the next word is its value."""
    if word.startswith("--"):
        name, equals, _ = word[2:].partition("=")
        found = [known for known in refused if name and known.startswith(name) and name not in EXACT]
        _refuse(word, found, refused)
        return not equals and name not in BARE
    for place, letter in enumerate(word[1:], 2):
        meant = LETTERS.get(letter, "")
        _refuse(f"-{letter}", [meant] if meant in refused else [], refused)
        if letter not in FLAGS:
            return place == len(word)
    return False


def _refuse(given: str, names: list[str], refused: Mapping[str, str]) -> None:
    if names:
        given = re.sub("=.*", "", given, flags=re.S)
        raise UsageError(
            f"Slurm's option {shorten(given, 40)} ({names[0]}) is not for you to give: {refused[names[0]]}"
        )
