"""Two things measured side by side: A B A B …, the ratio of each pair, then their median and spread.

Timings taken in separate runs differ by tens of per cent on a machine that others use as well. The ratio of two
that were taken one after the other does not, and its spread over the pairs says how far the median is to be
trusted. Used by every benchmark here.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence


def alternate(rounds: int, *measures: Callable[[], float]) -> list[tuple[float, ...]]:
    """What each of `measures` gave in each round. The first round warms up and is not among them."""
    return [tuple(measure() for measure in measures) for _ in range(rounds + 1)][1:]


def seconds(action: Callable[[], object]) -> float:
    """How long `action` took."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def run(argv: Sequence[str], cwd: str, environment: dict[str, str], stdin: str = os.devnull) -> None:
    """Run a command, its output thrown away; it must succeed."""
    with open(stdin, "rb") as file:
        subprocess.run(argv, cwd=cwd, env=environment, stdin=file, stdout=subprocess.DEVNULL, check=True)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` (0 to 1) of `values` do not exceed."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def report(
    what: str, values: Sequence[float], at_most: float | None = None, at_least: float | None = None, unit: str = ""
) -> bool:
    """Print median, spread and budget of the `values` (ratios, unless `unit` says otherwise); whether it is met."""
    median = statistics.median(values)
    spread = f"{min(values):.3g}..{max(values):.3g}"
    return verdict(f"{what}: {median:.3g}{unit} ({spread})", median, at_most, at_least, unit)


def verdict(
    line: str, value: float, at_most: float | None = None, at_least: float | None = None, unit: str = ""
) -> bool:
    """Print a line with the budget that `value` has to meet, where there is one; whether it is met."""
    met = (at_most is None or value <= at_most) and (at_least is None or value >= at_least)
    bounds = [f"at most {at_most:g}{unit}"] if at_most is not None else []
    bounds += [f"at least {at_least:g}{unit}"] if at_least is not None else []
    if bounds:
        line += f"  [{', '.join(bounds)}: {'met' if met else 'NOT MET'}]"
    print(line, flush=True)
    return met
