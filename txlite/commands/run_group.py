"""run: --group, which puts what is added into a group and may set its limit."""

from __future__ import annotations

from ..errors import UsageError
from .arguments import parse_group_limit, value_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping

    from ..store.batches import Batch
    from ..store.store import Store
    from .arguments import Options


def add_options(parser: Options) -> None:
    """Give a parser the option."""
    parser.add_argument(
        "--group", type=value_of(_parse), metavar="GROUP[=N]",
        help="what is added is of this group, of which N may run at a time (as it is; a new one: 1)",
    )  # fmt: skip


def _parse(value: str) -> tuple[str, int | None]:
    """The name of a group, and its limit: 0 for none, None where it is to stay as it is."""
    from ..store.groups import check_name

    name, is_given, limit = value.rpartition("=")
    if not is_given:
        return check_name(value), None
    return check_name(name), parse_group_limit(limit)


def fields_of_group(args: Namespace) -> Mapping[str, object]:
    """Return what new tasks of a run have in common by it."""
    return {"group": args.group[0]} if args.group else {}


def set_group_limit(store: Store, args: Namespace, adds: bool) -> bool:
    """Set the limit that is given; return whether the group was there before. adds: whether the run adds tasks. Raises
    UsageError where nothing is to be done."""
    if not args.group:
        return True
    name, limit = args.group
    is_known = store.groups.exists(name)
    if limit is not None:
        store.groups.set_limit(name, limit or None)
    elif not adds:
        raise UsageError(f"--group {name}: this run adds nothing to it: `--group {name}=N` sets its limit")
    return is_known


def tell_group(store: Store, args: Namespace, batch: Batch | None, is_known: bool) -> None:
    """Say that the group has come into being, where nobody has said what its limit is; and of tasks that were added
    before without it, that they stay where they are."""
    if not args.group or not batch or args.json:
        return
    from ..view.groups import say_new_group, say_outside

    name, limit = args.group
    if limit is None and not is_known:
        say_new_group(store.groups.find(name))
    if batch.found:
        say_outside(name, store.batches.count_outside(batch, name))
