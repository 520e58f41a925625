"""init: make a home."""

from __future__ import annotations

import os

from ..home import location
from ..view.json_output import print_json
from . import open_writing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.add_argument("--json", action="store_true", help="print an object")


def run(args: Namespace) -> int:
    """Make a home and print where it is."""
    chosen = args.home or os.environ.get("TXLITE_HOME")
    home = os.path.abspath(chosen or os.path.join(location.working_directory(), location.NAME))
    is_new = not os.path.lexists(os.path.join(home, location.DATABASE))
    args.home = home
    open_writing(args).close()
    if args.json:
        print_json({"home": home, "created": is_new})
    else:
        print(f"home: {home}" + ("" if is_new else " (it was there already)"))
    return 0
