"""pack: one file with all of txlite."""

from __future__ import annotations

import os

from .. import text
from ..home import installation
from ..view.json_output import print_json
from ..view.objects.homes import file_object

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.epilog = "Run the file as ./FILE or python3 FILE, with any command after it."
    parser.add_argument("file", metavar="FILE", help="such as txlite.pyz; replaced if it is there")
    parser.add_argument("--json", action="store_true", help="print an object")


def run(args: Namespace) -> int:
    """Write the archive and print how large it is."""
    path = os.path.abspath(args.file)
    installation.pack(path)
    size = os.path.getsize(path)
    if args.json:
        print_json(file_object(path, size))
    else:
        print(f"{text.printable(path)} ({text.size(size)})")
    return 0
