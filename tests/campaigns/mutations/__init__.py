"""The mutants, by room."""

from __future__ import annotations

from . import commands, execution, ralph, store, system

ALL = (*system.MUTANTS, *store.MUTANTS, *execution.MUTANTS, *ralph.MUTANTS, *commands.MUTANTS)
