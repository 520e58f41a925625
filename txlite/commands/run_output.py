"""What comes out of a run: the options of `run` that say so, and what they need.

--output, --keep-order, --tag   what the tasks wrote, on stdout: `view.task_output`
--results FILE                  a row for each task that has ended: `view.results_file`
--halt WHEN                     when it ends before all is done: `execution.halt`
"""

from __future__ import annotations

from ..errors import UsageError
from ..execution.halt import parse_halt
from .arguments import value_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable

    from ..execution.halt import Halt
    from ..execution.supervisor import Supervisor
    from ..model import Lane
    from ..store.batches import Batch
    from ..store.store import Store
    from ..view.outlet import Outlet
    from ..view.results_file import ResultsFile
    from ..view.run_progress import RunProgress
    from ..view.task_output import TaskOutput
    from .arguments import Options


def add_options(parser: Options) -> None:
    """Give a parser the options."""
    add = parser.add_argument
    add("--output", action="store_true", help="print what each task wrote when it has ended; all else goes to stderr")
    add("--keep-order", "-k", action="store_true", help="the same, in the order of the tasks")
    add("--tag", action="store_true", help="the same, each line with the task's arguments, or its title, before it")
    add("--results", metavar="FILE", help="a row for each task that has ended: FILE.csv, or FILE.jsonl")
    add(
        "--halt", type=value_of(parse_halt), metavar="WHEN",
        help="end before all is done: now,fail=1; soon,fail=10%%; soon,done=N; now,success=1",
    )  # fmt: skip
    add(
        "--retry-failed", action="store_true",
        help="first put back all that failed; of a batch that goes on, this is done anyway",
    )  # fmt: skip


class RunOutput:
    """What comes out of one run, as its options say."""

    def __init__(self, args: Namespace) -> None:
        """From here on, where outputs are printed, stdout has nothing else. Raises UsageError."""
        self._args = args
        self.prints = args.output or args.keep_order or args.tag
        if self.prints and args.json:
            word = self.words.split()[0]
            raise UsageError(f"--json and {word}: both want stdout: give one of the two, or --results FILE.jsonl")
        self._outlets = _open_outlets() if self.prints else None
        self._output: TaskOutput | None = None
        self._results: ResultsFile | None = None
        self._halt: Halt | None = None
        self._look: Callable[[bool], None] = lambda _: None
        if args.results is not None:
            from ..view.results_file import ResultsFile

            self._results = ResultsFile(args.results)

    @property
    def succeeds(self) -> bool:
        """Whether the run ended as --halt wanted, though not all is done."""
        return self._halt is not None and self._halt.succeeds

    @property
    def words(self) -> str:
        """Return the options with which a run goes on that was interrupted."""
        args = self._args
        given = {" --output": args.output, " --keep-order": args.keep_order, " --tag": args.tag}
        words = "".join(option for option, is_given in given.items() if is_given)
        if args.results is None:
            return words
        import shlex

        return f"{words} --results {shlex.quote(args.results)}"

    def begin(
        self, store: Store, progress: RunProgress, supervisor: Supervisor, batch: Batch | None, lanes: list[Lane]
    ) -> None:
        """Listen to a run that is about to begin. lanes: what its workers accept. Raises StoreUnavailable."""
        self._look = progress.look
        if self._args.halt:
            from ..execution.halt import Halt

            self._halt = Halt(self._args.halt, store, supervisor, batch, progress.tell)
            progress.listeners.append(self._halt.heed)
        if self._results:
            self._results.begin(store, batch)
            progress.listeners.append(self._results.heed)
        if self._outlets:
            from ..view.task_output import OutputForm, TaskOutput

            form = OutputForm(self._args.keep_order, self._args.tag)
            self._output = TaskOutput(store, form, self._outlets, batch, lanes, progress.end, progress.tell)
            self._output.workers = supervisor.worker_ids
            progress.listeners.append(self._output.heed)

    def look(self, is_interrupted: bool = False) -> float | None:
        """Have everybody look at what has happened; return the seconds until there is more to do."""
        if self._output:
            self._output.prepare()
        self._look(is_interrupted)
        return self._output.advance() if self._output else None

    def finish(self) -> None:
        """Print and write all that is left, as the run is over."""
        self._look(False)
        if self._output:
            self._output.finish()


def _open_outlets() -> tuple[Outlet, Outlet]:
    from ..view.outlet import Outlet
    from ..view.terminal import move_words

    return Outlet(move_words()), Outlet(2)
