"""A mutant: a small change in the code that breaks a promise, and the tests that should see it. Made by the modules
beside it, each for the rooms that it names; run by `mutants`."""

from __future__ import annotations

from typing import NamedTuple


class Mutant(NamedTuple):
    """One small change."""

    name: str
    path: str  # of the module, below txlite/
    old: str  # stands in it exactly once
    new: str
    breaks: str  # the promise
    tests: tuple[str, ...]  # classes or methods, below tests/, the quickest first
    equivalent: str = ""  # why no test can see it, where that is so
