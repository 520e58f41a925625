"""complete: what a shell offers while somebody types, from the home at hand; called by the scripts of `completion`.

`txlite complete KIND BEGINNING VERB` prints a line for each word that may be meant, with what it is behind a tab.
Guarantee: no word and no title can do anything to a terminal or a shell; whatever goes wrong, nothing is said, nothing
made, and the exit code is 0. Each answer has a tenth of a second, so that argparse is not imported for it.
"""

from __future__ import annotations

from .. import text
from ..model import ACTIVE, BACKLOG, BLOCKED, CANCELLED, DONE, FAILED, REVIEW
from ..store.store import open_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..store.store import Store

    Found = Iterable[tuple[str, str]]

TITLE = 60  # columns
# verb -> the states in which it can do something with a task; others are offered all of them.
STATES_FOR: dict[str, tuple[str, ...]] = {
    "stop": (ACTIVE,),
    "claim:release": (ACTIVE,),
    "claim:renew": (ACTIVE,),
    "wait": (BACKLOG, ACTIVE, BLOCKED),
    "claim": (BACKLOG,),
    "cancel": (BACKLOG, ACTIVE, REVIEW, BLOCKED, FAILED),
    "done": (BACKLOG, ACTIVE, REVIEW, BLOCKED, FAILED),
    "fail": (BACKLOG, ACTIVE),
    "retry": (REVIEW, DONE, FAILED, CANCELLED),
    "logs": (ACTIVE, REVIEW, DONE, FAILED, CANCELLED, BACKLOG),
    "switch": (BACKLOG,),
    "block": (BACKLOG, BLOCKED),
    "unblock": (BACKLOG, BLOCKED),
}


def complete(home: str | None, words: list[str]) -> int:
    """Print what may be meant: words are the kind, the beginning of the word and the verb."""
    kind, beginning, verb = [*words, "", "", ""][:3]
    try:
        with open_store(home, read_only=True) as store:
            found = list(KINDS[kind](store, beginning, verb))
    except Exception:  # somebody is typing: what is wrong is said when they have typed it
        return 0
    for word, title in found:
        if text.printable(word) == word:
            print(f"{word}\t{text.shorten(title, TITLE)}")
    return 0


def _find_ids(store: Store, beginning: str, verb: str) -> Found:
    from ..store.candidates import find_candidates

    return find_candidates(store.database, beginning, STATES_FOR.get(verb, ()))


def _find_workers(store: Store, beginning: str, verb: str) -> Found:
    return [(one.name, one.id) for one in store.workers.present() if one.identity and one.name.startswith(beginning)]


def _find_holders(store: Store, beginning: str, verb: str) -> Found:
    """Who has something by hand."""
    return [(one.worker, one.task) for one in store.claims() if not one.held and one.worker.startswith(beginning)]


def _find_runs(store: Store, beginning: str, verb: str) -> Found:
    from ..system.liveness import is_held  # `execution.presence` knows more, and takes too long

    runs = [one for one in store.supervisors.present() if one.id.startswith(beginning)]
    return [(one.id, text.count(one.wanted, "worker")) for one in runs if is_held(store.lock_path(one.id))]


def _find_running(store: Store, beginning: str, verb: str) -> Found:
    """What `stop` ends."""
    return [*_find_ids(store, beginning, verb), *_find_runs(store, beginning, verb)]


def _find_groups(store: Store, beginning: str, verb: str) -> Found:
    return [(name, "") for name in store.groups.names() if name.startswith(beginning)]


def _find_agents(store: Store, beginning: str, verb: str) -> Found:
    from ..agents.agent import BUILT_IN, SHELL
    from ..home import config

    known = {SHELL: {"command": "runs commands"}, **BUILT_IN, **config.agents(config.read(store.home))}
    return [(name, options.get("command", "")) for name, options in known.items() if name.startswith(beginning)]


KINDS: dict[str, Callable[[Store, str, str], Found]] = {
    "ids": _find_ids,
    "workers": _find_workers,
    "holders": _find_holders,
    "runs": _find_runs,
    "running": _find_running,
    "agents": _find_agents,
    "groups": _find_groups,
}
