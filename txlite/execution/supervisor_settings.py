"""How a run is to be supervised: one record, made by the commands `run` and `ralph`; read by `supervisor`, `slots`."""

from __future__ import annotations

from ..system.named_tuple import NamedTuple
from .bounds import Reserve
from .executor import PlaceSettings
from .supervised import work_on_queue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..agents.roster import Roster
    from ..model import Lane, Outcome
    from .executor import Limits
    from .worker_process import Body


class SupervisorSettings(NamedTuple):
    """How a run is to be supervised."""

    workers: int
    roster: Roster
    max_attempts: int
    limits: Limits
    cap: int  # bytes of output kept for each report
    drain: float | None = None  # seconds that running attempts get after the first signal; None: all they need
    forever: bool = False  # stay when there is nothing left to do
    place: PlaceSettings = PlaceSettings()  # where attempts run; elsewhere one worker process has many of them
    reserve: Reserve = Reserve()  # what this machine must have left before one more begins
    body: Body = work_on_queue  # of a worker's process; it can be pickled
    keeps_output: bool = False  # of attempts, whole, for who prints it
    asks_after: tuple[Outcome, ...] = ()  # those of attempts after which `observe` may end the run
    find_lanes: Callable[[], list[Lane]] | None = None  # what its workers accept now, where that changes

    @property
    def lanes(self) -> list[Lane]:
        """Return what its workers accept now."""
        return self.find_lanes() if self.find_lanes else self.roster.lanes
