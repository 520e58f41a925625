"""One call of a tool: what it is about, and the queue in which it acts. Passed by `server` to the tools."""

from __future__ import annotations

from ..system.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..store.store import Store
    from .caller import Caller


class ToolCall(NamedTuple):
    """What a tool is given. Its arguments are checked: they have the types that its schema says, and no others."""

    store: Store
    caller: Caller
    worker: str  # in whose name it claims
    arguments: dict[str, Any]

    def get(self, name: str, default: Any = None) -> Any:
        """Return an argument; `default` where it was not given."""
        return self.arguments.get(name, default)

    def task(self, name: str = "id") -> str:
        """Return the id of the task that an argument means. Raises TaskNotFound, UsageError."""
        return self.caller.resolve(self.store, self.arguments[name])
