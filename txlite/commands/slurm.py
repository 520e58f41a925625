"""slurm script: a batch script that runs a queue inside an allocation of Slurm."""

from __future__ import annotations

import argparse

from ..errors import UsageError
from ..execution.batch_script import BatchOrder, compose_script
from ..execution.places import LOCAL, SRUN
from ..home import installation, location
from ..view.json_output import print_json
from ..view.objects.runs import script_object
from . import open_writing
from . import run as run_verb
from .arguments import duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

TAKES_COMMAND = True  # to say what to do instead
WARN = 300.0  # seconds


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.usage = "txlite slurm script [--slurm OPTIONS] [--warn TIME] [options of `txlite run`]"
    parser.epilog = (
        "`txlite slurm script ... | sbatch` runs the queue in a job, with a worker for each CPU if --workers is not "
        "given. Before its time limit it lets what runs finish, gives back the rest at no cost, and is started again, "
        "until nothing is left to do (`txlite help slurm`). Home must be on a file system that the nodes share."
    )
    parser.add_argument("action", choices=["script"])
    _add_own(parser)
    parser.add_argument(
        "--executor", choices=[LOCAL, SRUN], help="on its first node, or as steps on all that it has (which fits)"
    )
    run_verb.add_options(parser, "one for each CPU")


def _add_own(parser: ArgumentParser) -> None:
    parser.add_argument("--slurm", default="", metavar="OPTIONS", help="for sbatch: '--time=8:00:00 -c16'")
    parser.add_argument(
        "--warn", type=duration, default=WARN, metavar="TIME", help="before the time limit it stops working (5m)"
    )
    parser.add_argument("--json", action="store_true", help="print an object")


def run(args: Namespace) -> int:
    """Print the script."""
    if args.command:
        raise UsageError("a command after -- would be run again at each start: queue it with `txlite add -- COMMAND`")
    if args.again:
        raise UsageError("--again would add the lines at each start: add them before, with `txlite run`")
    if args.source == "-":
        raise UsageError("--from -: the job has no such stdin: give a file")
    words = _words_of_run(args.typed)
    open_writing(args).close()  # a node that sees no home here sees none at all
    order = BatchOrder(
        installation.compose_call(), location.locate(args.home), location.working_directory(), words, args.slurm,
        args.warn, args.kill_after, args.executor is not None, args.workers is not None, args.drain is not None,
    )  # fmt: skip
    script = compose_script(order)
    if args.json:
        print_json(script_object(script))
    else:
        print(script, end="")
    return 0


def _words_of_run(words: list[str]) -> list[str]:
    """What was typed, without what is ours."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    _add_own(parser)
    parser.add_argument("--home")
    parser.add_argument("--db")
    parser.add_argument("--trust", action="store_true")
    rest = parser.parse_known_args(words)[1]
    rest.remove("script")
    return rest
