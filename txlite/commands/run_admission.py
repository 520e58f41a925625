"""The options that say what a task may take of this machine, and what it must have left before one more begins.

For the verbs that run something; what is given is understood by `execution.bounds`.
"""

from __future__ import annotations

from ..execution.bounds import NONE, parse_load, parse_memfree, parse_memory, parse_nice
from ..text import parse_money
from .arguments import value_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .arguments import Options


def add_memory(parser: Options) -> None:
    """Give a parser the option --max-memory, in bytes; 0 is `none`."""
    parser.add_argument(
        "--max-memory", type=value_of(parse_memory), metavar="SIZE",
        help="that all processes of an attempt may have: 512M, 4G, none",
    )  # fmt: skip


def add_cost(parser: Options) -> None:
    """Give a parser the option --max-cost, in millionths of a US dollar; 0 is `none`."""
    parser.add_argument(
        "--max-cost", type=value_of(lambda value: 0 if value == NONE else parse_money(value)), metavar="USD",
        help="that all its attempts together may cost, if an agent works on it: 5, 0.50, none",
    )  # fmt: skip


def add_limits(parser: Options) -> None:
    """Give a parser the options of what a task may take."""
    add_memory(parser)
    add = parser.add_argument
    add("--nice", type=value_of(parse_nice), metavar="N", help="tasks stand behind other processes: 0 to 19")


def add_reserve(parser: Options) -> None:
    """Give a parser the options of what must be left."""
    add = parser.add_argument
    add("--memfree", type=value_of(parse_memfree), metavar="SIZE", help="begin nothing with less memory free: 2G, none")
    add("--load", type=value_of(parse_load), metavar="LOAD", help="begin nothing at such a load: 4, 80%%, none")
