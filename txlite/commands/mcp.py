"""mcp: the queue for agents, over standard input and output."""

from __future__ import annotations

import sys

from ..home import location

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.epilog = (
        "It is started by an agent's client: `claude mcp add txlite -- txlite mcp`, `codex mcp add txlite -- txlite "
        "mcp`. It speaks the Model Context Protocol, and ends with its input."
    )
    parser.add_argument(
        "--allow-commands", action="store_true", help="agents may add commands and gates, which run as you"
    )


def run(args: Namespace) -> int:
    """Serve one client."""
    from ..mcp.server import Server
    from ..mcp.wire import Wire

    home = location.locate(args.home)
    if sys.stdin.isatty():
        from ..view.terminal import say_aside

        say_aside("mcp speaks with an agent's client, not with a person: `txlite help mcp` says how to add it")
    try:
        Server(Wire(), home, args.allow_commands).run()
    except KeyboardInterrupt:
        pass  # so some clients end it
    return 0
