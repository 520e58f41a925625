"""What a kill cut off in the user's own working tree, put away before the next attempt begins there.

Guarantees: what an attempt had left is parked, or was committed already and is recorded; what a person did there since
the kill stays. Held by `in_place`.
"""

from __future__ import annotations

from ..execution.worker_loop import HEARTBEAT
from ..git.parking import PARKED, Label
from ..git.rebase import is_rebasing
from ..git.repository import Origin
from ..model import LANDING
from ..system import clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..git.repository import Repository
    from ..model import LoopAttempt
    from ..store.store import Store
    from .clearing import Clearing
    from .workspace import Host

CUT_OFF = "it was cut off"  # why its work is parked


class InPlaceRecovery:
    """Settles the attempts in one working tree whose ends were not recorded: all others have left it as it was."""

    def __init__(self, store: Store, host: Host, tree: Repository, clearing: Clearing, token: int) -> None:
        self._store = store
        self._host = host
        self._tree = tree
        self._clearing = clearing
        self._token = token  # of the attempt that clears up, which is none of them

    def _found(self) -> list[LoopAttempt]:
        unsettled = self._store.loop_attempts.unsettled()
        here = [one for one in unsettled if one.repository == self._tree.top and not one.worktree]
        return [one for one in here if one.attempt != self._token and one.start]

    def must_wait(self) -> bool:
        """Return whether a worker died here whose agent may not be gone yet (`execution.recovery`)."""
        claimed = {claim.token for claim in self._store.claims()}
        return any(record.attempt in claimed for record in self._found())

    def settle(self) -> None:
        """Find out how far each had come, park what it left, and record that. Raises GitError."""
        for record in self._found():
            if self._has_landed(record):
                self._store.loop_attempts.settle(record.attempt, self._tree.head())
                continue
            parked = self._park(record)
            if parked:
                whose = f"attempt {record.attempt} of {record.task}"
                self._host.remark(f"what {whose} left when it was cut off is {parked}")
            self._store.loop_attempts.settle(record.attempt, parked=parked)

    def _park(self, record: LoopAttempt) -> str | None:
        """What is committed on the branch stays there: it may be the user's, of the time since."""
        tree, start = self._tree, str(record.start)
        base = tree.commit_of(f"refs/heads/{record.base}") if record.base else None
        state = tree.state()
        has_left = bool(base) and state.branch != record.base and self._was_moved_by(record)
        if state.changes or is_rebasing(tree) or has_left:
            back = Origin(base, record.base) if base and has_left else Origin(state.commit or start, state.branch)
            return self._clearing.clear_away(tree, back, Label(record.task, record.attempt, CUT_OFF))
        if state.commit == start:
            return None
        parked = f"{PARKED}/{record.task}/{record.attempt}"
        tree.act("update-ref", parked, "HEAD")
        return parked

    def _was_moved_by(self, record: LoopAttempt) -> bool:
        """Whether HEAD was last moved while the attempt ran: by its agent, and not by a person later."""
        moved = self._tree.ask("log", "-g", "-1", "--date=unix", "--format=%gd").strip()
        attempt = next(one for one in self._store.attempts(record.task) if one.id == record.attempt)
        alive = clock.to_seconds(self._store.workers.get(attempt.worker).heartbeat) + HEARTBEAT
        seconds = moved.partition("{")[2].rstrip("}")
        return is_rebasing(self._tree) or (seconds.isdigit() and int(seconds) <= alive)

    def _has_landed(self, record: LoopAttempt) -> bool:
        """Whether its commit is there, and only the record of it is not."""
        state = self._tree.state()
        if record.stage != LANDING or state.changes or not state.commit or state.branch != record.base:
            return False
        subject = self._tree.ask("log", "-1", "--format=%s")
        return subject.startswith(f"Complete {record.task}: ") and self._tree.commit_of("HEAD~1") == record.start
