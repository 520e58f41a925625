"""prime: what an agent must know to work with the queue."""

from __future__ import annotations

from ..home import location, prompt_templates

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.epilog = "templates/prime.md of home is printed instead, where there is one."


def run(args: Namespace) -> int:
    """Print it."""
    print(prompt_templates.read_primer(location.locate(args.home)), end="")
    return 0
