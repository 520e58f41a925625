"""txlite: a supervisor for parallel background work, on Python's standard library alone.

A task is a command or a prompt. Workers claim tasks from one SQLite file and run an agent for each attempt, in
a session of its own, with a report; a supervisor keeps N workers alive. From Python:

    import txlite

    with txlite.open() as store:              # the home that the command line would use, or a path
        task = store.add("Say hello", command="echo hello")
        claim = store.claim(task.id, "me")    # AlreadyClaimed if another has it
        store.done(task.id, token=claim.token)

The map. A module imports from the floors below its own, and from those before it on its own floor; SQL stands
on floor 2 and in `schema`; `tests/test_layers.py` proves both.

    0  errors      the error tree, an exit code each
       record      named tuples that are quick to import
       model       Task, Claim, Attempt, Worker; the states, and the moves allowed between them
       version     which txlite this is
       clock       boot id, monotonic time, UTC text
       text        {{NAME}} templates, terminal-safe text, durations, sizes
       schema      tables and migrations, as SQL
       cycle       a way back to its beginning, in a graph
       interchange  the lines of an export, written and checked
    1  installation  this copy of the code, and one file of it
       config      where home is, and whether it may be trusted; config.ini
       lock        file locks: an exclusive one with a deadline, one that keeps other hosts out
       template    the templates of launched tasks
       newfile     a file that appears complete, or not at all
       mounts      which file system a directory lies on, and whether it is a network's
       db          connect, write lock, transactions, migrations, sqlite3's errors made ours
       creation    how a database comes into being
       wake        how an idle worker learns that there is work
       process     who processes are, the process table, signals that reach the one that was meant
       tree        an attempt's tree of processes, and its end
       liveness    alive means holding a lock
    2  arrivals    what an import brings: staged, checked, merged
       renewal     a claim made from Python, renewed in the background
       dependencies, tasks, claims, outcomes, edits, attempts, workers, batches
                   the store's nouns, each with its SQL
       launches    launched tasks, and their turns
       trials      attempts of a loop, whose work is judged
       standings   attempts as they stand at this moment
       transfer    exports, imports, backups, the history
       inspection  what in the database contradicts itself
       store       all of them together, and how they are opened
    3  heading     a report's head, and where its output lies
       report      a report's life: TEMP name, live output, final name
       archive     a report compressed, and read in either form
       cleanup     old reports: compressed, later deleted
       provider    what the provider of an agent says through it
       agent       from task to argv, prompt and environment; from exit to outcome
       sensitive   which new files look like secrets
       git         how git is run: what it is told, what it may see
       repository  a working tree: its state, its index, its commits
       parking     what did not pass, under a ref, and the tree as it was
       landing     how a base branch is put forward
       briefing    what an agent of a loop is told
       attempt     one agent from its start to the end of its tree
    4  recovery    dead workers, lapsed leases, survivors
       worker      claim, run, record
       standalone  workers without a supervisor
    5  supervisor  N workers, signals, the end
       launcher    one detached worker, a PID back
       workplace   where an attempt of a loop works
       inplace     the user's own working tree
       worktree    a working tree and a branch for each attempt
       leftovers   worktrees that are still there
       ralph       the worker of a loop: a fresh agent for each task, and a gate
       loop        the loop's own side: where it works, when it ends
       night       what became of a loop
       presence    workers seen from outside: idle, busy, stalled, lost; how they are told to leave
       watch       attempts seen from outside: wait for their end, follow, stop
       finding     what is well and what is not, asked so that nothing can hang
       machine, limits, login, disk, premises
                   the findings about this machine, its bounds, its logins, home's file system, home
       doctor      all of them together
    6  output      tables, JSON, progress
       listing     how attempts are shown
       timeline    a night as a page
       commands/   one module for each family of verbs
    7  cli         verb to module, errors to exit codes
"""

__all__ = [
    "open", "Store", "Task", "Claim", "Attempt", "Worker", "Lane", "Result",
    "Error", "Refused", "AlreadyClaimed", "NotReady", "LeaseLost", "InvalidMove", "DependencyCycle",
    "NotFound", "TaskNotFound", "UsageError", "InvalidValue", "StoreUnavailable",
]  # fmt: skip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .claims import Result
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
    from .model import Attempt, Claim, Lane, Task, Worker
    from .store import Store
    from .store import open_store as open

_ELSEWHERE = {"open": ("store", "open_store"), "Store": ("store", "Store"), "Result": ("claims", "Result")}


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
