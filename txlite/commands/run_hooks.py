"""The options that say which commands are told what became of tasks: hooks.

For the verbs that run something; what is given is understood by `execution.hooks`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .arguments import Options


def add_hooks(parser: Options, is_one: bool = False) -> None:
    """Give a parser the options for hooks; is_one: of one task, which leaves nobody idle."""
    add = parser.add_argument
    after = "when it has ended" if is_one else "after tasks that have ended"
    add("--on-finish", metavar="CMD", help=f"run this {after}: a line for sh -c, told by $TXLITE_MESSAGE and more")
    add("--on-failure", metavar="CMD", help=f"the same {'if it' if is_one else 'after tasks that'} failed")
    if not is_one:
        add("--on-idle", metavar="CMD", help="the same when nothing is left to do, or all has ended")
