"""Who works on a task, and how hard that thinks: the options of add and update, and what edit is given."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def add_task_agent(parser: ArgumentParser, none: str = "") -> None:
    """Give a parser these options; none: how it is said that a task has none of its own."""
    parser.add_argument("--agent", metavar="NAME", help=f"who works on it, instead of the run's agent{none}")
    parser.add_argument("--level", metavar="LEVEL", help=f"how hard that thinks, instead of what the run says{none}")


def check_task_agent(args: Namespace, agent: str | None, level: str | None) -> None:
    """Raise UsageError where no run here could do what was given."""
    if agent or level:
        from ..agents.wanted import check_wanted  # who says nothing does without
        from ..home import config, location

        check_wanted(agent, level, config.read(location.locate(args.home)))
