"""The templates of launched tasks: home's own go before the built-in ones.

A template ends the prompt, and its part before the first section begins the report. One that others could have written
is refused, and so is one with a {{NAME}} that is unknown. Called by `execution.launch` and `ralph` before anything is
recorded, and by `doctor`.
"""

from __future__ import annotations

import os
import re

from ..errors import StoreUnavailable, UsageError
from ..model import WORKERS
from ..text import check_plain_name, check_text, find_nearest, shorten
from . import location

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

BY_TYPE = {WORKERS: "worker-task", "research": "research-report", "review": "code-review"}
LOOP = "ralph-task"  # what an agent of a loop is told
REVIEW = "ralph-review"  # what one is told that reviews its work
PRIMER = "prime"  # what any agent must know that works with the queue
# The {{NAME}}s of a launched task's template (filled in by `reports.header`), of a loop's (by `ralph.prompt`), and of a
# review's (by `ralph.review_prompt`).
NAMES = (
    "TASK_DESCRIPTION", "TOPIC", "START_TIME", "DATE", "REASONING_LEVEL", "WORKER_PID", "END_TIME", "DURATION",
    "EXIT_CODE",
)  # fmt: skip
LOOP_NAMES = (
    "TASK_ID", "TASK_TITLE", "TASK_DESCRIPTION", "DEPENDENCIES", "LAST_ATTEMPT", "GATE", "COMMIT", "DONE_FILE",
)  # fmt: skip
REVIEW_NAMES = ("TASK_ID", "TASK_TITLE", "TASK_DESCRIPTION", "GATE", "CHANGES", "VERDICT_FILE")


def read(home: str, type: str, name: str | None = None) -> str:
    """Return the text of the template `name`, or of the one that belongs to a type of reports.

    That is the one named after the type, where there is one, else `worker-task`. Raises UsageError where the one
    that was named is missing, or is not text, or has a {{NAME}} that is unknown.
    """
    if name is not None:
        check_plain_name(name, "the template")
        found = _find(home, name)
        if found is None:
            raise UsageError(f"no template {name!r}: put {shorten(name, 60)}.md into {home}/templates")
    else:
        found = _find(home, BY_TYPE.get(type, type)) or _find(home, BY_TYPE[WORKERS])
    if found is None:
        return ""
    return _check_names(*found, NAMES)


def read_for_loop(home: str) -> str:
    """Return the text of the template of a loop's tasks. Raises UsageError where it is not text, or has a {{NAME}} that
    is unknown."""
    found = _find(home, LOOP)
    return _check_names(*found, LOOP_NAMES) if found else ""


def read_for_review(home: str) -> str:
    """Return the text of the template of a loop's reviews. Raises UsageError, as `read_for_loop`."""
    found = _find(home, REVIEW)
    return _check_names(*found, REVIEW_NAMES) if found else ""


def read_primer(home: str) -> str:
    """Return what an agent must know to work with the queue. Raises UsageError where home's own is not text."""
    found = _find(home, PRIMER)
    return found[1] if found else ""


def _check_names(path: str, words: str, names: Collection[str]) -> str:
    for number, line in enumerate(words.splitlines(), 1):
        for name in re.findall(r"(?<!\$)\{\{([A-Za-z_]+)\}\}", line):
            if name not in names:
                near = find_nearest(name.upper(), names)
                advice = f"write {{{{{near}}}}}" if near else " ".join(f"{{{{{one}}}}}" for one in names)
                raise UsageError(f"{path}, line {number}: unknown {{{{{shorten(name, 40)}}}}}: {advice}")
    return words


def _find(home: str, name: str) -> tuple[str, str] | None:
    """Path and text of a template."""
    own = os.path.join(home, "templates", name + ".md")
    if os.path.lexists(own):
        location.check_trust(own)
        try:
            with open(own, "rb") as file:
                return own, _decode(file.read(), own)
        except OSError as error:
            raise StoreUnavailable(f"template {own}: {error.strerror}") from error
    package = os.path.dirname(os.path.dirname(__file__))  # as the loader knows it: ./txlite.pyz is not made absolute
    path = os.path.join(package, "templates", name + ".md")
    try:
        return path, _decode(__loader__.get_data(path), path)  # type: ignore[name-defined]  # inside an archive, too
    except OSError:
        return None


def _decode(data: bytes, path: str) -> str:
    try:
        return check_text(data.decode(), f"template {path}")
    except UnicodeDecodeError:
        raise UsageError(f"template {path} is not UTF-8 text: re-encode it") from None
