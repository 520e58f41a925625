"""txlite: a supervisor for parallel background work, on Python's standard library alone.

A task is a command or a prompt. Workers claim tasks from one SQLite file and run an agent for each attempt, in
a session of its own, with a report; a supervisor keeps N workers alive. From Python:

    import txlite

    with txlite.open() as store:              # the home that the command line would use, or a path
        task = store.add("Say hello", command="echo hello")
        claim = store.claim(task.id, "me")    # AlreadyClaimed if another has it
        store.done(task.id, token=claim.token)

`docs/architecture.md`, beside this file, is the map of the code.
"""

__all__ = [
    "open", "Store", "Task", "Claim", "Attempt", "Worker", "Lane", "Result",
    "Error", "Refused", "AlreadyClaimed", "NotReady", "LeaseLost", "InvalidMove", "DependencyCycle",
    "NotFound", "TaskNotFound", "UsageError", "InvalidValue", "StoreUnavailable",
]  # fmt: skip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .errors import (
        AlreadyClaimed,
        DependencyCycle,
        Error,
        InvalidMove,
        InvalidValue,
        LeaseLost,
        NotFound,
        NotReady,
        Refused,
        StoreUnavailable,
        TaskNotFound,
        UsageError,
    )
    from .model import Attempt, Claim, Lane, Task
    from .model import WorkerRecord as Worker
    from .store.attempts import Result
    from .store.store import Store
    from .store.store import open_store as open

_ELSEWHERE = {
    "open": ("store.store", "open_store"),
    "Store": ("store.store", "Store"),
    "Result": ("store.attempts", "Result"),
    "Worker": ("model", "WorkerRecord"),
}


def __getattr__(name: str) -> object:
    """The public names, imported when they are asked for: a command that reads needs few of them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    model = import_module(".model", __name__)
    module, there = _ELSEWHERE.get(name) or ("model" if hasattr(model, name) else "errors", name)
    return getattr(import_module(f".{module}", __name__), there)


def __dir__() -> "list[str]":
    return sorted(__all__)
