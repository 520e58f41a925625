"""top: one screen that follows a home."""

from __future__ import annotations

from . import open_recovered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def configure(parser: ArgumentParser, verb: str) -> None:
    """Declare the arguments of a verb."""
    parser.epilog = (
        "Keys: arrows choose a task, enter opens its log, s stops it, c cancels it, r retries it, p pauses the queue, "
        "+ and - change the number of workers, / filters, ? tells the others, q leaves. What runs goes on."
    )


def run(args: Namespace) -> int:
    """Follow a home on the whole terminal."""
    from ..view.top.screen import follow_home

    with open_recovered(args) as store:
        return follow_home(store)
