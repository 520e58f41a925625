"""The templates of launched tasks: home's own go before the built-in ones.

A template ends the prompt, and its part before the first section begins the report. One that others could have written
is refused. Called by `execution.launch` and `ralph` before anything is recorded, and by `doctor`.
"""

from __future__ import annotations

import os

from ..errors import StoreUnavailable, UsageError
from ..model import WORKERS
from ..text import check_plain_name, check_text, shorten
from . import location

BY_TYPE = {WORKERS: "worker-task", "research": "research-report", "review": "code-review"}


def read(home: str, type: str, name: str | None = None) -> str:
    """Return the text of the template `name`, or of the one that belongs to a type of reports.

    That is the one named after the type, where there is one, else `worker-task`. Raises UsageError where the one
    that was named is missing, or is not text.
    """
    if name is not None:
        check_plain_name(name, "the template")
        found = _find(home, name)
        if found is None:
            raise UsageError(f"no template {name!r}: put {shorten(name, 60)}.md into {home}/templates")
        return found
    found = _find(home, BY_TYPE.get(type, type))
    return found if found is not None else _find(home, BY_TYPE[WORKERS]) or ""


def _find(home: str, name: str) -> str | None:
    own = os.path.join(home, "templates", name + ".md")
    if os.path.lexists(own):
        location.check_trust(own)
        try:
            with open(own, "rb") as file:
                return _decode(file.read(), own)
        except OSError as error:
            raise StoreUnavailable(f"template {own}: {error.strerror}") from error
    package = os.path.dirname(os.path.dirname(__file__))  # as the loader knows it: ./txlite.pyz is not made absolute
    path = os.path.join(package, "templates", name + ".md")
    try:
        return _decode(__loader__.get_data(path), path)  # type: ignore[name-defined]  # inside an archive, too
    except OSError:
        return None


def _decode(data: bytes, path: str) -> str:
    try:
        return check_text(data.decode(), f"template {path}")
    except UnicodeDecodeError:
        raise UsageError(f"template {path} is not UTF-8 text: re-encode it") from None
