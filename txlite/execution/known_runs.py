"""Runs that go on, seen from outside: found by their ids, and told to end. Used by `stop`."""

from __future__ import annotations

import signal

from ..errors import NotFound, Refused
from ..system import process
from .presence import begins, live_supervisors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..store.store import Store
    from ..store.supervisors import SupervisorRecord

PREFIX = "run-"


def find_run(store: Store, name: str) -> SupervisorRecord:
    """Return the run that goes on and has this id, or one that begins so. Raises NotFound, Refused for several."""
    found = [one for one in live_supervisors(store) if begins(one.id, name)]
    if not found:
        raise NotFound(f"{name}: no such run goes on here: `txlite status` names those that do")
    if len(found) > 1:
        raise Refused(f"{name} is the beginning of {' and '.join(one.id for one in found)}: give more of it")
    return found[0]


def end_run(run: SupervisorRecord) -> None:
    """Have a run end as TERM does: what runs may finish; told again, a second later, it ends that, too. Raises Refused
    for one that is not here."""
    identity = process.Identity.parse(run.identity)
    seen = identity and identity.find()
    if seen is None:
        raise Refused(f"{run.id} runs elsewhere, on another host or in another container: stop it there")
    process.send_signal(seen, signal.SIGTERM)
    process.send_signal(seen, signal.SIGCONT)  # somebody may have stopped it
