"""The mutants, by room."""

from __future__ import annotations

from . import allocation, commands, database, execution, files, home, jobs, ralph, store, system

ALL = (
    *system.MUTANTS, *home.MUTANTS, *database.MUTANTS, *files.MUTANTS, *store.MUTANTS, *execution.MUTANTS,
    *jobs.MUTANTS, *allocation.MUTANTS, *ralph.MUTANTS, *commands.MUTANTS,
)  # fmt: skip
