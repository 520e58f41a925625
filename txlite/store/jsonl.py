"""The lines of an export: JSON Lines in UTF-8, how they are written, and how they are read as objects.

The first line names the format and its version; after it come groups by name, tasks in the order of arrival, attempts
by number. A line has its keys in a fixed order, leaves out what is null or empty, and says nothing about the moment or
the machine it was written on, so that version control sees a line change when its task does. What a line that comes
back may say is checked in `import_lines`. Used by `export` and `staging`; nothing here reads files or the database.
"""

from __future__ import annotations

import json

from ..errors import InvalidValue
from ..text import printable_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import NoReturn

VERSION = 1
FORMAT = {"format": "txlite", "version": VERSION}

TASK_KEYS = ("id", "title", "description", "status", "parentId", "score", "createdAt", "updatedAt", "completedAt",
             "after", "kind", "command", "directory", "verify", "needs", "notBefore", "failures",
             "timeout", "maxAttempts", "environment", "slurm", "group",
             "every", "planned", "arguments", "maxMemory", "agent", "level", "maxCost", "launch")  # fmt: skip
GROUP_KEYS = ("group", "limit")  # without a limit: as many as there are workers; one without a line: 1
LAUNCH_KEYS = ("agent", "type", "level", "template", "timeout", "killAfter", "width")
ATTEMPT_KEYS = ("attempt", "task", "worker", "agent", "startedAt", "endedAt", "outcome", "exitCode", "duration", "pid",
                "report", "place", "note", "level", "usages", "tail")  # fmt: skip
_SAID_EMPTY = ("slurm",)  # where the empty text says something

_encode = json.JSONEncoder(ensure_ascii=False).encode


def write(keys: Iterable[str], values: Iterable[object]) -> str:
    """Return a line, with its end. Characters that a terminal could act on are escaped, as JSON allows anywhere."""
    line = _encode({key: value for key, value in zip(keys, values) if _is_said(key, value)})
    return printable_json(line) + "\n"


def _is_said(key: str, value: object) -> bool:
    return value is not None and (value != "" or key in _SAID_EMPTY)


def parse(line: bytes) -> dict[str, object]:
    """Return the object of a line; raises InvalidValue."""
    try:
        found = _decoder.decode(line.decode())
    except UnicodeDecodeError as error:
        raise InvalidValue(f"it is not valid UTF-8 at byte {error.start + 1}") from None
    except json.JSONDecodeError as error:
        raise InvalidValue(f"it is not JSON at character {error.pos + 1} ({error.msg})") from None
    except (ValueError, RecursionError) as error:
        raise InvalidValue(f"it holds what cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise InvalidValue("it is not an object")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidValue(f"{name} is not a number")


_decoder = json.JSONDecoder(parse_constant=_refuse_constant)


def is_first(fields: dict[str, object]) -> bool:
    """Say whether this is the first line of an export; raises InvalidValue for one that is not understood."""
    if "format" not in fields:
        return False
    version = fields.get("version")
    if fields["format"] != "txlite" or type(version) is not int or version < 1:
        raise InvalidValue(f"its format is not txlite's: an export begins with {_encode(FORMAT)}")
    if version > VERSION:
        raise InvalidValue(f"its version is {version}, this txlite knows {VERSION}: use a newer txlite")
    return True
