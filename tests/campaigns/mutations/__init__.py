"""The mutants, by room."""

from __future__ import annotations

from . import commands, database, execution, files, home, ralph, store, system

ALL = (
    *system.MUTANTS, *home.MUTANTS, *database.MUTANTS, *files.MUTANTS, *store.MUTANTS, *execution.MUTANTS,
    *ralph.MUTANTS, *commands.MUTANTS,
)  # fmt: skip
