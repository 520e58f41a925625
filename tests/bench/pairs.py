"""Things measured side by side: A B A B …, the ratio of each pair, then their median and spread.

Timings taken in separate runs differ by tens of per cent on a machine that others use as well. The ratio of two
that were taken one after the other does not, and its spread over the pairs says how far the median is to be
trusted. Used by every benchmark here; `budgets.py` makes one table of all that they measure.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

MISSED = "MISSED"  # the verdict


def alternate(rounds: int, *measures: Callable[[], float]) -> list[tuple[float, ...]]:
    """What each of `measures` gave, by turns, once a round. The first round warms up and is not among it."""
    return list(zip(*[tuple(measure() for measure in measures) for _ in range(rounds + 1)][1:]))


def seconds(action: Callable[[], object]) -> float:
    """How long `action` took."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def run(argv: Sequence[str], cwd: str, environment: dict[str, str], stdin: str = os.devnull) -> None:
    """Run a command, its output thrown away; it must succeed."""
    with open(stdin, "rb") as file:
        subprocess.run(argv, cwd=cwd, env=environment, stdin=file, stdout=subprocess.DEVNULL, check=True)


def ratios(these: Iterable[float], those: Iterable[float]) -> list[float]:
    """The ratio of each pair."""
    return [this / that for this, that in zip(these, those)]


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` (0 to 1) of `values` do not exceed."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


class Measurement(NamedTuple):
    """The values of what was measured, one of each round, and what one of them has to meet: the median, or the value
    that another `share` of them does not exceed. What has a bound and is not `judged` was too short for it."""

    what: str
    values: Sequence[float]
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None
    share: float = 0.5
    judged: bool = True

    @property
    def value(self) -> float:
        return statistics.median(self.values) if self.share == 0.5 else percentile(self.values, self.share)

    @property
    def found(self) -> str:
        return f"{self.value:.3g}{self.unit}" if self.values else ""

    @property
    def spread(self) -> str:
        return f"{min(self.values):.3g}..{max(self.values):.3g}" if self.values else ""

    @property
    def bound(self) -> str:
        """Empty where there is none."""
        bounds = [f"at most {self.at_most:g}{self.unit}"] if self.at_most is not None else []
        bounds += [f"at least {self.at_least:g}{self.unit}"] if self.at_least is not None else []
        return ", ".join(bounds)

    @property
    def verdict(self) -> str:
        if not self.bound:
            return ""
        if not self.values:
            return "not measured"
        if not self.judged:
            return "not judged"
        low, high = self.at_least, self.at_most
        return "met" if (low is None or self.value >= low) and (high is None or self.value <= high) else MISSED

    def __str__(self) -> str:
        bound = f"  [{self.bound}: {self.verdict}]" if self.bound else ""
        return f"{self.what}: {self.found} ({self.spread}){bound}"
