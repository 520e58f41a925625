"""A claim made from Python, renewed in the background while long work runs.

A thread renews it at a third of its lease, and notes when it is lost: the work learns of that from `lost` or
`check`, and at the end of the `with` block. Used through `Store.claimed`.
"""

from __future__ import annotations

import threading

from ..errors import Error, LeaseLost, TaskNotFound
from ..model import DONE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Protocol

    from ..model import Claim, Task

    class ClaimingStore(Protocol):
        """The part of a store that this needs."""

        def get(self, task: str) -> Task:
            """Return the task with this id."""

        def renew(self, task: str, worker: str | None = None, token: int | None = None) -> Claim:
            """Begin the lease again."""

        def release(self, task: str, worker: str | None = None, token: int | None = None) -> None:
            """Give the task back."""

        def done(self, task: str, worker: str | None = None, token: int | None = None) -> list[str]:
            """Mark the task done."""


SHARE = 3  # of the lease: two renewals may fail before it runs out


class ClaimKeeper:
    """The claim of a `with` block. `token` proves it; `lost` is set when it is over though the work is not: its lease
    ran out, or somebody decided about the task."""

    def __init__(self, store: ClaimingStore, claim: Claim) -> None:
        self.claim = claim
        self.lost = threading.Event()
        self._store = store
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew, name=f"renewal of {claim.task}", daemon=True)

    @property
    def task(self) -> str:
        """Id of the task."""
        return self.claim.task

    @property
    def token(self) -> int:
        """Proves the claim."""
        return self.claim.token

    def check(self) -> None:
        """Raise LeaseLost if the claim was lost."""
        if self.lost.is_set():
            raise LeaseLost(
                f"{self.task} was claimed, and the claim was lost meanwhile: what was done may be done again"
            )

    def done(self) -> list[str]:
        """Mark the task done, and end the claim with it; the ids of the tasks that this made ready.

        Raises LeaseLost, and then changes nothing."""
        ready = self._store.done(self.task, token=self.token)
        self._over.set()
        return ready

    def __enter__(self) -> ClaimKeeper:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        is_done = self._over.is_set()
        self._over.set()
        self._thread.join()
        if is_done:
            return
        try:
            self._store.release(self.task, token=self.token)
        except (LeaseLost, TaskNotFound):
            self.lost.set()
            if error is None and not self._is_done():
                self.check()
        except Error:
            if error is None:
                raise  # else the work's own exception says more

    def _is_done(self) -> bool:
        """Whether the task was marked done under this claim: by the work itself, past us, or for it."""
        try:
            task = self._store.get(self.task)
        except TaskNotFound:
            return False
        return task.token == self.token and task.status == DONE

    def _renew(self) -> None:
        while not self._over.wait(self.claim.lease / SHARE):
            try:
                self._store.renew(self.task, token=self.token)
            except (LeaseLost, TaskNotFound):
                if not self._over.is_set():
                    self.lost.set()
                return
            except Error:
                continue  # the database may be locked or full for a while: the next one may come through
