"""The ten tools: what each is called, takes and does, as a client is told it, and as its calls are checked.

Every word here is in the context of every agent that has the server, so there are few. Used by `server`.
"""

from __future__ import annotations

from .. import text
from ..errors import UsageError
from ..model import SHOWN_STATES
from ..system.named_tuple import NamedTuple
from . import acting, reading
from .waits import MOST_IDS, MOST_SECONDS, begin_wait

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .tool_call import ToolCall

    Schema = dict[str, Any]

LIMIT: Schema = {"type": "integer", "minimum": 1, "maximum": 100}
ID: Schema = {"type": "string"}
IDS: Schema = {"type": "array", "items": ID, "maxItems": MOST_IDS}
READS = {"readOnlyHint": True}
ADDS = {"readOnlyHint": False, "destructiveHint": False, "openWorldHint": False}
KINDS: dict[str, tuple[type, ...]] = {"string": (str,), "integer": (int,), "number": (int, float), "array": (list,)}


class Tool(NamedTuple):
    """One tool. `run`: what it does; a wait, which is answered later, or an object, which is told."""

    says: str
    takes: dict[str, Schema]
    needs: tuple[str, ...]
    hints: dict[str, bool]  # some clients let an agent use alone what is harmless by these
    run: Callable[[ToolCall], object]

    @property
    def is_reading(self) -> bool:
        """Whether it changes nothing."""
        return self.hints == READS


WITH_COMMANDS: dict[str, Schema] = {
    "command": {"type": "string", "description": "for sh -c, instead of a prompt"},
    "verify": {"type": "string", "description": "its gate, for sh -c"},
    "directory": {"type": "string"},
}
TOOLS: dict[str, Tool] = {
    "add": Tool(
        "Queue a task for another agent: title and description are its prompt.",
        {
            "title": {"type": "string"},
            "description": {"type": "string"},
            "parent": ID,
            "after": {**IDS, "description": "ids to wait for"},
            "score": {"type": "number", "description": "higher: sooner"},
        },
        ("title",), ADDS, acting.add,
    ),
    "ready": Tool("Tasks that can be begun now, best first.", {"limit": LIMIT}, (), READS, reading.ready),
    "list": Tool(
        "Tasks of one state, or all that are not done or cancelled.",
        {"state": {"enum": list(SHOWN_STATES)}, "parent": ID, "limit": LIMIT}, (), READS, reading.list_tasks,
    ),
    "show": Tool("A task: words, relations, attempts, why it failed.", {"id": ID}, ("id",), READS, reading.show),
    "claim": Tool(
        "Take a task to do it yourself (no id: the best prompt). Gives a token.",
        {"id": ID, "minutes": {"type": "integer", "minimum": 1, "maximum": 1440}}, (), ADDS, acting.claim,
    ),
    "renew": Tool("Prolong your claim.", {"id": ID, "token": ID}, ("id", "token"), ADDS, acting.renew),
    "finish": Tool(
        "End your claim (with its token), or your own task (without).",
        {"id": ID, "token": ID, "outcome": {"enum": list(acting.OUTCOMES)}, "reason": {"type": "string"}},
        ("id", "outcome"), ADDS, acting.finish,
    ),
    "logs": Tool(
        "The end of a task's last output.",
        {"id": ID, "chars": {"type": "integer", "minimum": 1, "maximum": 20000}}, ("id",), READS, reading.logs,
    ),
    "wait": Tool(
        "Wait until all of these have ended, or the time is over.",
        {"ids": IDS, "seconds": {"type": "integer", "minimum": 0, "maximum": MOST_SECONDS, "default": 50}},
        ("ids",), READS, begin_wait,
    ),
    "cancel": Tool("Take a task out of the queue; stop it if it runs.", {"id": ID}, ("id",), {}, acting.cancel),
}  # fmt: skip


def properties_of(name: str, allow_commands: bool) -> dict[str, Schema]:
    """Return what a tool takes."""
    return {**TOOLS[name].takes, **(WITH_COMMANDS if allow_commands and name == "add" else {})}


def describe_tools(allow_commands: bool) -> list[Schema]:
    """Return the tools as a client is told them."""
    return [
        {
            "name": name,
            "description": tool.says,
            "inputSchema": {
                "type": "object",
                "properties": properties_of(name, allow_commands),
                **({"required": list(tool.needs)} if tool.needs else {}),
                "additionalProperties": False,
            },
            **({"annotations": tool.hints} if tool.hints else {}),
        }
        for name, tool in TOOLS.items()
    ]


def check_arguments(name: str, arguments: dict[str, object], allow_commands: bool) -> None:
    """Raise UsageError, which says what to give, unless the arguments are what the tool's schema says."""
    known = properties_of(name, allow_commands)
    for key, value in arguments.items():
        if key not in known:
            if key in WITH_COMMANDS and name == "add":
                raise UsageError(f"{key}: prompts only, unless a person starts `txlite mcp --allow-commands`")
            near = text.find_nearest(key, known)
            hint = f"did you mean {near}?" if near else f"it takes {', '.join(known)}"
            raise UsageError(f"{name} takes no {text.shorten(key, 40)}: {hint}")
        _check(key, value, known[key])
    missing = [key for key in TOOLS[name].needs if key not in arguments]
    if missing and not (missing == ["title"] and "command" in arguments):
        raise UsageError(f"{name} needs {', '.join(missing)}")


def _check(key: str, value: object, schema: Schema) -> None:
    if "enum" in schema:
        if value not in schema["enum"]:
            raise UsageError(f"{key} is one of {', '.join(schema['enum'])}")
        return
    if type(value) not in KINDS[schema["type"]]:
        raise UsageError(f"{key} is to be of type {schema['type']}")
    if isinstance(value, list):
        if len(value) > schema["maxItems"] or not all(isinstance(one, str) for one in value):
            raise UsageError(f"{key} is an array of at most {schema['maxItems']} ids")
    elif isinstance(value, (int, float)):
        least, most = schema.get("minimum", -1e300), schema.get("maximum", 1e300)
        if not least <= value <= most:
            raise UsageError(f"{key} is at least {least:g} and at most {most:g}")
