"""What the benchmarks measure on: a copy of the package, homes of any size, a scratch directory for both.

The package is copied and compiled first, as an installed one is: otherwise a setting of this machine
(PYTHONDONTWRITEBYTECODE) or somebody who edits the source meanwhile would be measured too. Importing this module
makes the copy and puts it in front of sys.path, so it is imported before anything of `txlite`.
"""

from __future__ import annotations

import argparse
import atexit
import compileall
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable

import pairs
from pairs import MISSED, Measurement

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CHUNK = 100_000  # tasks added in one transaction
COPY = "TXLITE_BENCH_COPY"  # names the directory of the copy to our own child processes


def _copy_package() -> str:
    """The directory to import the package from."""
    if COPY in os.environ:
        return os.environ[COPY]
    directory = tempfile.mkdtemp(prefix="txlite-bench-")
    atexit.register(shutil.rmtree, directory, True)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(os.path.join(ROOT, "txlite"), os.path.join(directory, "txlite"), ignore=ignored)
    compileall.compile_dir(directory, quiet=1)
    os.environ[COPY] = directory  # for processes started by `multiprocessing`, which import this module again
    return directory


PACKAGE = _copy_package()
sys.path.insert(0, PACKAGE)


def options(purpose: str | None, *parents: argparse.ArgumentParser) -> argparse.Namespace:
    """What every benchmark takes. `scratch` is a new directory, removed when the process ends."""
    parser = argparse.ArgumentParser(
        description=purpose, formatter_class=argparse.RawDescriptionHelpFormatter, parents=parents
    )
    parser.add_argument("--short", action="store_true", help="smaller sizes and fewer rounds: a few seconds")
    parser.add_argument("--json", action="store_true", help="an object a line, for budgets.py, and nothing else")
    parser.add_argument(
        "--scratch", default="/var/tmp", metavar="DIR", help="where homes are made: on the file system to be measured"
    )
    args = parser.parse_args()
    args.scratch = tempfile.mkdtemp(prefix="txlite-bench-", dir=args.scratch)
    atexit.register(shutil.rmtree, args.scratch, True)
    return args


def bench(
    purpose: str | None,
    measure: Callable[[argparse.Namespace], Iterable[Measurement]],
    *parents: argparse.ArgumentParser,
) -> int:
    """Be a benchmark: print what `measure` gives as it comes; 1 where a bound is missed. `parents` have further
    options."""
    args = options(purpose, *parents)
    if not args.json:
        print(f"Python {sys.version.split()[0]}, {os.cpu_count()} CPUs, load average before: {os.getloadavg()[0]:.2f}")
    met = True
    for measurement in measure(args):
        print(json.dumps(measurement._asdict()) if args.json else measurement, flush=True)
        met &= measurement.verdict != MISSED
    return 0 if met else 1


def environment(home: str) -> dict[str, str]:
    """For child processes: this home, and no setting of Python's. They find the package in `PACKAGE`, as their
    working directory."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "TXLITE"))}
    return {**kept, "TXLITE_HOME": home}


def python(home: str, *arguments: str) -> float:
    """Seconds that the interpreter takes with these arguments, for this home."""
    return pairs.seconds(lambda: pairs.run([sys.executable, *arguments], PACKAGE, environment(home)))


def make(directory: str, count: int, command: str | None = "true", synchronous: str = "FULL") -> str:
    """A new home below `directory` with `count` ready tasks: commands, or prompts where `command` is None."""
    from txlite.store.store import open_store

    home = tempfile.mkdtemp(prefix=f"home-{count}-", dir=directory)
    with open(os.path.join(home, "config.ini"), "w", encoding="utf-8") as file:
        file.write(f"[txlite]\nsynchronous = {synchronous}\n")
    with open_store(home) as store:
        for done in range(0, count, CHUNK):
            store.add_many({"title": "a task", "command": command} for _ in range(min(CHUNK, count - done)))
    return home
