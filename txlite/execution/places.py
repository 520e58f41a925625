"""The places where attempts can run, by name: here, as jobs of Slurm, or as steps of one.

What another batch system needs is one more module in `executors/`, and a line here. Called where a worker, or recovery,
begins; what is not used is not imported.
"""

from __future__ import annotations

from ..errors import UsageError
from ..home import config
from ..store.store import Store
from ..text import shorten
from . import presence
from .executor import PlaceSettings
from .executors import ticket
from .executors.local import LocalExecutor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..agents.agent import Agent
    from ..home.config import Settings
    from .executor import Executor, RemoteExecutor
    from .executors.slurm_way import Way

LOCAL, SLURM, SRUN = "local", "slurm", "srun"
NAMES = (LOCAL, SLURM, SRUN)


def make_local(store: Store, is_subreaper: bool = False, signals: Sequence[int] = ()) -> LocalExecutor:
    """Return this machine as a place; is_subreaper: orphans come to this process; signals: those that it was sent."""
    return LocalExecutor(store.uuid, lambda: presence.live_pids(store), is_subreaper, signals)


def make_remote(store: Store, settings: PlaceSettings, say: Callable[[str], None]) -> RemoteExecutor:
    """Return another place; say: tells a person."""
    from .executors.slurm import SlurmExecutor
    from .executors.slurm_way import JobWay, StepWay

    way: Way = StepWay() if settings.executor == SRUN else JobWay()
    return SlurmExecutor(store.home, store.uuid, settings, way, say, lambda: presence.live_pids(store))


def make_executor(store: Store, settings: PlaceSettings, say: Callable[[str], None], local: LocalExecutor) -> Executor:
    """Return the place where attempts run; local: this machine."""
    if settings.executor == LOCAL:
        return local
    return make_remote(store, settings, say)


def read_place(executor: str | None, slurm: str | None, settings: Settings) -> PlaceSettings:
    """Return the place that is meant by what was given, or by config.ini. Raises UsageError."""
    name = executor or config.parse_option(settings, "executor", LOCAL, _parse_name)
    name = _parse_name(name)
    if name == LOCAL:
        if slurm is not None:
            raise UsageError("--slurm: attempts run here: give --executor slurm, too")
        return PlaceSettings()
    from .executors.slurm_options import REFUSED_OF_STEPS, parse_options

    if name == SRUN:
        return PlaceSettings(name, tuple(parse_options(slurm or "", REFUSED_OF_STEPS)))
    options = (*config.parse_option(settings, "slurm", "", parse_options), *parse_options(slurm or ""))
    retries = config.parse_option(settings, "node_failure", "aside", _parse_failure)
    return PlaceSettings(name, options, retries)


def _parse_name(value: str) -> str:
    if value not in NAMES:
        raise UsageError(f"unknown executor {shorten(value, 40)!r}: give one of {', '.join(NAMES)}")
    return value


def _parse_failure(value: str) -> bool:
    if value not in ("aside", "retry"):
        raise UsageError(f"it is {shorten(value, 40)!r}: give aside or retry")
    return value == "retry"


def _parse_yes(value: str) -> bool:
    if value not in ("yes", "no"):
        raise UsageError(f"it is {shorten(value, 40)!r}: give yes or no")
    return value == "yes"


def is_said_shared(settings: Settings) -> bool:
    """Return whether config.ini says that nodes see home. Raises UsageError."""
    return config.parse_option(settings, "slurm_shared", "no", _parse_yes)


def check_settings(settings: Settings) -> None:
    """Raise UsageError where config.ini says of places what cannot be understood, also where that is not used."""
    read_place(None, None, settings)
    read_place(SLURM, None, settings)
    is_said_shared(settings)


def move_agent(agent: Agent, place: PlaceSettings) -> Agent:
    """Return an agent with what is met where it runs."""
    return agent if place.executor != SLURM else agent._replace(meets=(SLURM,))


def check_place(home: str, place: PlaceSettings, settings: Settings, say: Callable[[str], None]) -> None:
    """Raise Refused, UsageError, StoreUnavailable where attempts could not run there: before anything is claimed or
    submitted. say: tells a person who has to wait."""
    if place.executor == LOCAL:
        return
    from .executors.slurm_check import check_slurm, check_steps

    check = check_steps if place.executor == SRUN else check_slurm
    check(home, place.options, is_said_shared(settings), say)
    ticket.check_directory(home)


def is_elsewhere(store: Store, attempt: int) -> bool:
    """Return whether an attempt runs, or was about to run, elsewhere."""
    return ticket.is_there(store.home, attempt)


class Places:
    """Where the attempts of a home ran whose workers died, for recovery."""

    def __init__(
        self,
        store: Store,
        settings: PlaceSettings | None = None,
        say: Callable[[str], None] = lambda words: None,
    ) -> None:
        """settings: of the place that is used now; say: tells a person."""
        self._store = store
        self._settings = settings or PlaceSettings()
        self._say = say
        self._local = make_local(store)
        self._remotes: dict[str, Executor] = {}  # by name

    def of(self, attempt: int) -> Executor:
        """Return the place of an attempt."""
        if not is_elsewhere(self._store, attempt):
            return self._local
        name = self._name_of(attempt)
        if name not in self._remotes:
            self._remotes[name] = make_remote(self._store, self._settings._replace(executor=name), self._say)
        return self._remotes[name]

    def _name_of(self, attempt: int) -> str:
        return str(ticket.read_note(self._store.home, attempt).get("executor") or SLURM)

    def is_adoptable(self, attempt: int) -> bool:
        """Return whether an attempt runs elsewhere in a form in which a dispatcher can go on with it."""
        note = ticket.read_note(self._store.home, attempt)
        return "stamp" in note and "end" not in note and "executor" not in note

    def has_ended(self, attempt: int) -> bool:
        """Return whether its guard wrote how an attempt ended."""
        return ticket.Ticket(self._store.home, attempt).read_exit() is not None

    def tidy(self) -> None:
        """Remove what lies beside the tickets of attempts whose end is recorded."""
        left = ticket.scan(self._store.home)
        if left:
            held = {claim.token for claim in self._store.claims()}  # a claim comes before its ticket
            for attempt in left.keys() - held:
                ticket.Ticket(self._store.home, attempt).remove()
