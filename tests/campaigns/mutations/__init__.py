"""The mutants, by room."""

from __future__ import annotations

from . import commands, database, execution, home, ralph, store, system

ALL = (
    *system.MUTANTS, *home.MUTANTS, *database.MUTANTS, *store.MUTANTS, *execution.MUTANTS, *ralph.MUTANTS,
    *commands.MUTANTS,
)  # fmt: skip
