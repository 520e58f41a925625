"""What each key does: moves what is looked at, asks before something ends, has verbs run."""

from __future__ import annotations

from ...model import LOST
from .errands import Errand, Errands
from .layout import Foot
from .log import LogTail
from .scaling import Scaling, find_run
from .sight import FAILED, RUNNING, Sight
from .snapshot import Snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...store.store import Store

PAGE = 10  # lines
STEPS = {"up": -1, "k": -1, "down": 1, "j": 1, "page up": -PAGE, "page down": PAGE, " ": PAGE, "b": -PAGE}
LEAVE = ("q", "Q")


class Controls:
    """The state of the screen, as keys change it.

    log: the output that is looked at, if one is; is_help: whether the page about keys is; is_over: whether a person
    has left.
    """

    def __init__(self, store: Store) -> None:
        self.sight = Sight()
        self.log: LogTail | None = None
        self.is_help = False
        self.is_over = False
        self.foot = Foot()
        self.errands = Errands(store.home)
        self.seen = Snapshot("", 0.0)  # what passed the filter
        self._store = store
        self._snapshot = self.seen
        self._question: Errand | None = None
        self._typed: str | None = None  # of the filter, while it is typed
        self._scaling = Scaling()

    def take(self, snapshot: Snapshot) -> None:
        """Take note of how the home is now."""
        self._snapshot = snapshot
        self.seen = self.sight.take(snapshot)
        self._scaling.take(snapshot.runs)

    def hear(self) -> None:
        """Take what came of what was asked for."""
        reply = self.errands.step()
        if reply:
            self.foot = Foot(reply.words, reply.is_error)
            if reply.is_error:
                self._scaling.forget()

    def press(self, key: str) -> None:
        """Do what a key stands for: a character, or the name of a key; "" has no meaning, and answers no question."""
        if not key:
            return
        if self._question:
            self._answer(key)
        elif self._typed is not None:
            self._type(key)
        elif self.is_help:
            self.is_help = False
        elif self.log:
            self._press_in_log(self.log, key)
        else:
            self.foot = Foot()
            self._press_in_panes(key)

    def _press_in_panes(self, key: str) -> None:
        actions = {
            "enter": self._open, "l": self._open, "right": self._open, "s": self._stop, "c": self._cancel,
            "r": self._retry, "p": self._pause, "/": self._begin_filter,
        }  # fmt: skip
        if key in LEAVE:
            self.is_over = True
        elif key in STEPS:
            self.sight.move(STEPS[key])
        elif key in ("home", "g", "end", "G"):
            self.sight.go_to_end(key in ("end", "G"))
        elif key in ("tab", "backtab"):
            self.sight.turn(1 if key == "tab" else -1)
        elif key in ("+", "=", "-"):
            self._scale(-1 if key == "-" else 1)
        elif key in ("?", "h"):
            self.is_help = True
        elif key == "escape":
            self._set_filter("")
        elif key in actions:
            actions[key]()

    def _press_in_log(self, log: LogTail, key: str) -> None:
        self.foot = Foot()
        if key in (*LEAVE, "escape", "left", "h"):
            self.log = None
        elif key in ("page up", "b", "page down", " "):
            log.page(-1 if key in ("page up", "b") else 1)
        elif key in ("up", "k", "down", "j", "enter"):
            log.scroll(-1 if key in ("up", "k") else 1)
        elif key in ("home", "g", "end", "G"):
            log.scroll(1 << 40 if key in ("end", "G") else -(1 << 40))
        elif key == "?":
            self.is_help = True
        elif key == "s" and self.sight.pane == RUNNING:
            self._stop()

    def _answer(self, key: str) -> None:
        errand, self._question = self._question, None
        self.foot = Foot()
        if key in ("y", "Y") and errand:
            self._do(errand)

    def _do(self, errand: Errand) -> None:
        self.foot = Foot(f"txlite {' '.join(errand.words)} …")
        self.errands.order(errand)

    def _ask(self, words: str, errand: Errand) -> None:
        self.foot = Foot(f"{words}? y/n", is_asked=True)
        self._question = errand

    def _open(self) -> None:
        task = self.sight.chosen()
        if task:
            self.log = LogTail(self._store, task)
            self.log.look()

    def _stop(self) -> None:
        task = self.sight.chosen()
        if self.sight.pane != RUNNING or not task:
            self.foot = Foot("s stops what runs: tab leads to it")
        elif any(row.task == task and row.state == LOST for row in self.seen.running):
            self._do(Errand(("reconcile",), ""))
        else:
            self._ask(f"stop {task}, with all that it started", Errand(("stop", task), f"{task} was stopped"))

    def _cancel(self) -> None:
        task = self.sight.chosen()
        if task:
            more = ", and stop it" if self.sight.pane == RUNNING else ""
            self._ask(f"cancel {task}{more}", Errand(("cancel", task), f"{task} is cancelled"))

    def _retry(self) -> None:
        task = self.sight.chosen()
        if self.sight.pane != FAILED or not task:
            self.foot = Foot("r retries what failed: tab leads to it")
        else:
            self._do(Errand(("retry", task), f"{task} is queued again"))

    def _pause(self) -> None:
        self._do(Errand(("resume",) if self._snapshot.paused else ("pause",), ""))

    def _scale(self, step: int) -> None:
        run = find_run(self._snapshot.runs, self.seen.running, self.sight.chosen(RUNNING))
        wanted = self._scaling.change(run, step) if run else 0
        if not run:
            self.foot = Foot("no run goes on whose workers could be more or less: `txlite run` starts one")
        elif not wanted:
            self.foot = Foot("one worker is the least: p pauses the queue")
        else:
            self._do(Errand(("scale", str(wanted), "--run", run.id), ""))

    def _begin_filter(self) -> None:
        self._typed = self.sight.filter
        self._show_typed()

    def _type(self, key: str) -> None:
        """Change the filter; it is in force as it is typed."""
        typed = self._typed or ""
        if key in ("enter", "escape"):
            self._typed = None
            self.foot = Foot()
            if key == "escape":
                self._set_filter("")
            return
        if key == "backspace":
            typed = typed[:-1]
        elif len(key) == 1 and key.isprintable():
            typed += key
        self._typed = typed
        self._set_filter(typed)
        self._show_typed()

    def _show_typed(self) -> None:
        self.foot = Foot(f"/{self._typed}_   enter keeps it, escape shows all", is_asked=True)

    def _set_filter(self, words: str) -> None:
        self.sight.filter = words
        self.seen = self.sight.take(self._snapshot)
