"""The verbs. Each family has a module, imported when one of its verbs is used.

A module has `configure(parser, verb)`, which declares the arguments, and `run(args)`, which gives the exit code.
Commands parse, call, and hand data to the room `view`; they decide nothing.
`arguments` holds the parsers of what is written on the command line.
"""

from __future__ import annotations

from ..store.store import Store, open_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace

# verb -> (module, what it does)
VERBS = {
    "run": ("run", "run what is queued, or a batch of commands, many at a time"),
    "ralph": ("ralph", "a fresh agent for each task; its work is judged and committed"),
    "slurm": ("slurm", "print a batch script for Slurm, which outlives its time limit"),
    "scale": ("scale", "change the number of workers of a run that goes on"),
    "launch": ("launch", "start a background worker for one task"),
    "status": ("status", "what waits, runs, and has ended"),
    "top": ("top", "follow what runs, waits and failed, with keys to act on it"),
    "logs": ("logs", "the output of an attempt, also while it runs"),
    "page": ("page", "the page of the last night: what landed, what needs a person"),
    "wait": ("wait", "wait until tasks have ended"),
    "stop": ("stop", "end what runs: gracefully, then hard"),
    "cleanup": ("cleanup", "compress old reports, delete older ones"),
    "add": ("add", "add a task: a command after --, or a prompt"),
    "list": ("list", "all tasks, or those in some states"),
    "ready": ("list", "tasks that a worker could claim now, best first"),
    "show": ("show", "one task with its attempts"),
    "update": ("update", "change a task's words, score, group, parent, status, bounds"),
    "edit": ("edit", "change a task in an editor: its words, rank, group, bounds"),
    "done": ("decide", "mark a task done"),
    "fail": ("decide", "put a task aside as failed"),
    "cancel": ("decide", "take a task out of the queue; stop it if it runs"),
    "retry": ("decide", "put a task that ended back into the queue"),
    "switch": ("switch", "put a task first, or two the other way round"),
    "attach": ("attach", "go on with an agent's session by hand, where it worked"),
    "say": ("say", "tell the agents of a task something, now or with the next one"),
    "group": ("group", "groups of tasks: how many of each may run at a time"),
    "history": ("history", "changes of state: the newest of all, or those of one task"),
    "events": ("events", "changes of state, from a number on, also as they come"),
    "export": ("transfer", "write all tasks as JSON Lines, or tick the boxes of a list"),
    "import": ("transfer", "add the tasks of a list or an export: all of it, or nothing"),
    "sync": ("transfer", "export to, or import from, a file beside the database"),
    "backup": ("backup", "copy the database while others work"),
    "reset": ("decide", "put a task back into the queue, whatever its state"),
    "delete": ("update", "remove a task"),
    "tree": ("tree", "a task and all tasks below it: its subtree"),
    "children": ("tree", "the tasks right below one"),
    "dep": ("dep", "let one task wait for another, or show what it waits for"),
    "block": ("dep", "let one task wait for another"),
    "unblock": ("dep", "let one task no longer wait for another"),
    "claim": ("claim", "take a task by hand, for a while"),
    "claim:release": ("claim", "give back a task that was claimed by hand"),
    "claim:renew": ("claim", "begin the lease of a claim again"),
    "claims": ("claim", "the claims of this moment"),
    "review": ("review", "what waits for your review, or what one task changed"),
    "approve": ("review", "land work that waits for your review"),
    "reject": ("review", "give work back, with the reason"),
    "diff": ("review", "a task's changes: to be reviewed, unfinished, landed, parked"),
    "worker": ("worker", "a persistent worker: start, list, status, stop"),
    "pause": ("pause", "begin nothing more, or nothing of a group; what runs goes on"),
    "resume": ("pause", "begin tasks again, or those of a group"),
    "reconcile": ("reconcile", "give back what dead workers held, once their agents are gone"),
    "mcp": ("mcp", "the queue as tools for agents, over stdin and stdout"),
    "prime": ("prime", "print what an agent must know to work with the queue"),
    "doctor": ("doctor", "what this machine and this home can and cannot promise"),
    "init": ("init", "make a home in this directory"),
    "service": ("service", "print what systemd or launchd needs for a run that stays"),
    "completion": ("completion", "print what makes bash, zsh or fish complete words"),
    "man": ("man", "print all of this as a manual page, for man"),
    "pack": ("pack", "write one runnable file with all of txlite"),
}


def open_reading(args: Namespace) -> Store:
    """Open the store for a command that changes nothing. Raises StoreUnavailable."""
    return _announce(open_store(args.home, read_only=True))


def open_recovered(args: Namespace) -> Store:
    """Open the store for a command that tells what became of attempts: who notices that one was lost with its worker
    recovers it, and its report gets its end. Raises StoreUnavailable."""
    store = open_reading(args)
    from ..execution import presence

    if not any(presence.is_left(store, one) for one in presence.open_attempts(store)):
        return store
    from ..execution.recovery import recover_lost

    store.close()
    recover_lost(store.database.path)
    return open_reading(args)


def open_writing(args: Namespace) -> Store:
    """Open the store, made where there is none, and say what that set aside. Raises StoreUnavailable."""
    return _announce(open_store(args.home))


def settle(args: Namespace) -> None:
    """Say what opening the store sets aside, before a worker opens it where nobody would read that."""
    import os

    from ..home import location
    from ..store.opening import is_disturbed

    if is_disturbed(os.path.join(location.locate(args.home), location.DATABASE)):
        open_writing(args).close()


def _announce(store: Store) -> Store:
    if store.notice:
        from ..view.terminal import say_aside

        say_aside(store.notice)
    return store
