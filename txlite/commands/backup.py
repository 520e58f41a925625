"""backup: a copy of the database."""

from __future__ import annotations

import os

from .. import text
from ..view.json_output import print_json
from ..view.objects.homes import file_object
from . import open_reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.epilog = "To go back to it, put it in the place of a home's tasks.db while nothing runs there."
    parser.add_argument("file", metavar="FILE", help="a new file: what is there is never replaced")
    parser.add_argument("--json", action="store_true", help="print an object")


def run(args: Namespace) -> int:
    """Copy the database and print how large the copy is."""
    path = os.path.abspath(args.file)
    with open_reading(args) as store:
        size = store.backup(path)
    if args.json:
        print_json(file_object(path, size))
    else:
        print(f"{text.printable(path)} ({text.size(size)})")
    return 0
