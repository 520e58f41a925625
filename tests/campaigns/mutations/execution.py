"""Mutants of `execution` and `reports`: recovery, stopping, limits, the report's order of writing."""

from __future__ import annotations

from .mutant import Mutant

MUTANTS = (
    Mutant(
        "recovery-unkillable-given-back", "execution/dead_worker.py",
        "if self._ending and self._ending.survivors:", "if False:",
        "what could not be killed is not run twice", ("execution.test_recovery.Given",),
    ),
    Mutant(
        "stop-no-second-between", "execution/stop_policy.py", " and now >= self._first_at + SECOND_SIGNAL", "",
        "signals closer than a second are one", ("execution.test_stopping.Policy",),
    ),
    Mutant(
        "report-not-synced", "reports/report.py", "if size > TAIL:", "if False:",
        "a long output is on the disk before it has its name", ("reports.test_report.Names",),
    ),
)  # fmt: skip
