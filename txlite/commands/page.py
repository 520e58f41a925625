"""page: the page about the last night, as a file, or served to a browser."""

from __future__ import annotations

from ..errors import NotFound, UsageError
from . import open_recovered
from .arguments import parse_port, value_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.epilog = (
        "The page tells what became of the last loop that began anything: what needs a person, with what to type; "
        "what landed; what it cost, beside earlier nights; when each worker did what. As a file it holds no script "
        "and loads nothing; `ralph` writes it when it ends, `txlite page` at any time, and prints its path. With "
        "--serve it updates itself in a browser of this machine, at an address that nobody can guess, until Ctrl-C."
    )
    add = parser.add_argument
    add("--serve", action="store_true", help="serve it to browsers of this machine, and print its address")
    add("--port", type=value_of(parse_port), metavar="N", help="for --serve (any that is free)")
    add("--json", action="store_true", help="print an object")


def run(args: Namespace) -> int:
    """Write the page, or serve it; print where it is."""
    if args.serve:
        return _serve(args)
    if args.port is not None:
        raise UsageError("--port is for a page that is served: give --serve, too")
    from ..ralph import summary
    from ..view.json_output import print_json
    from ..view.loop_summary import write_page

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


def _serve(args: Namespace) -> int:
    """Serve it until Ctrl-C."""
    from ..view.page_server import serve

    open_recovered(args).close()  # so that what is wrong is said here

    def announce(address: str) -> None:
        import sys

        from ..view.json_output import print_json
        from ..view.terminal import say, say_aside

        if args.json:
            print_json({"address": address})
            sys.stdout.flush()
        else:
            say(address)
            say_aside("the page updates itself until Ctrl-C")

    try:
        serve(lambda: open_recovered(args), args.port or 0, announce)
    except KeyboardInterrupt:
        pass
    return 0
