"""How quickly a copy starts that can keep no compiled code of its own, beside an installed one with its own.

    python3 tests/bench/starts.py                      an archive that `pack` made, and a read-only copy; and one that
                                                       was compiled by somebody else, which must not be slower for it
    python3 tests/bench/starts.py --other PYTHON ...   and, without a budget, the archive run by other Pythons

Each is `ready --limit 1 --json`; all take turns, and each is compared with the installed one of the same round.
"""

from __future__ import annotations

import argparse
import functools
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator

import homes
import pairs
from pairs import Measurement

sys.path.append(homes.ROOT)
from tests.privileges import without_privileges

BUDGETS = {"archive": 1.3, "read-only copy": 1.3, "installed by another": 1.05}
READY = ["ready", "--limit", "1", "--json"]


def start(argv: list[str], directory: str, environment: dict[str, str]) -> float:
    """Milliseconds of one start."""
    return 1000 * pairs.seconds(lambda: pairs.run([*argv, *READY], directory, environment))


def copy_read_only(scratch: str, *ignored: str) -> str:
    """A copy of the package, compiled code and all but what is `ignored`, which nobody may write."""
    place = tempfile.mkdtemp(dir=scratch)
    shutil.copytree(os.path.join(homes.PACKAGE, "txlite"), os.path.join(place, "txlite"),
                    ignore=shutil.ignore_patterns(*ignored))  # fmt: skip
    for directory, _, names in os.walk(place):
        for name in (*names, "."):
            os.chmod(os.path.join(directory, name), 0o444 if name in names else 0o555)
    return place


def measure(args: argparse.Namespace) -> Iterator[Measurement]:
    home = homes.make(args.scratch, 10)
    cache = os.path.join(args.scratch, "cache")
    environment = {**homes.environment(home), "XDG_CACHE_HOME": cache}
    archive, copy = os.path.join(args.scratch, "txlite.pyz"), copy_read_only(args.scratch, "__pycache__")
    module = [sys.executable, "-m", "txlite"]
    pairs.run([*module, "pack", archive], homes.PACKAGE, environment)
    without_privileges()  # root's would write to what is read-only
    places = {
        "installed": (module, homes.PACKAGE, environment),
        "archive": ([sys.executable, archive], args.scratch, environment),
        "installed by another": (module, copy_read_only(args.scratch), environment),
        "read-only copy": (module, copy, environment),
        "read-only copy, no cache": (module, copy, {**environment, "XDG_CACHE_HOME": "none"}),
        **{f"archive, run by {other}": ([other, archive], args.scratch, environment) for other in args.other},
    }
    turns = (functools.partial(start, *place) for place in places.values())
    installed, *others = pairs.alternate(10 if args.short else 60, *turns)
    yield Measurement("installed", installed, " ms")
    for place, times in zip(list(places)[1:], others):
        yield Measurement(place, times, " ms")
        yield Measurement(f"{place} : installed", pairs.ratios(times, installed), at_most=BUDGETS.get(place))


if __name__ == "__main__":
    others = argparse.ArgumentParser(add_help=False)
    others.add_argument("--other", metavar="PYTHON", action="append", default=[])
    sys.exit(homes.bench(__doc__, measure, others))
