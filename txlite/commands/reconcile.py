"""reconcile: recovery, from cron or by hand."""

from __future__ import annotations

from ..execution.recovery import Recovery
from ..view.json_output import print_json
from . import open_writing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.add_argument("--json", action="store_true", help="print an object")


def run(args: Namespace) -> int:
    """Recover dead workers and print how many tasks came back."""
    with open_writing(args) as store:
        recovered = Recovery(store).run()
    if args.json:
        print_json({"recovered": recovered})
    else:
        print(f"{recovered} given back")
    return 0
