"""page: the page about the last night, as a file."""

from __future__ import annotations

from ..errors import NotFound
from ..ralph import summary
from ..view.json_objects import print_json
from ..view.loop_summary import write_page
from . import open_recovered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.epilog = (
        "The page tells what became of the last loop: what needs a person, with what to type; what landed; what it "
        "cost, beside earlier nights; when each worker did what. It is one file, which holds no script and loads "
        "nothing. `ralph` writes it when it ends, `txlite page` at any time, and prints its path."
    )
    parser.add_argument("--json", action="store_true", help="print an object")


def run(args: Namespace) -> int:
    """Write the page, and print its path."""
    with open_recovered(args) as store:
        found = summary.look(store)
    if found is None:
        raise NotFound("there was no loop in this home: `txlite ralph` starts one")
    path = write_page(found)
    if args.json:
        print_json({"page": path})
    else:
        print(path)
    return 0
