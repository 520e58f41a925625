"""The mutants, by room."""

from __future__ import annotations

from . import (
    admission,
    allocation,
    batch,
    commands,
    costs,
    database,
    execution,
    files,
    home,
    jobs,
    mcp,
    output,
    page,
    providers,
    ralph,
    review,
    reviewer,
    schedule,
    screen,
    shells,
    store,
    system,
    task_lists,
    told,
    watching,
)

ALL = (
    *system.MUTANTS, *home.MUTANTS, *database.MUTANTS, *files.MUTANTS, *store.MUTANTS, *execution.MUTANTS,
    *jobs.MUTANTS, *admission.MUTANTS, *allocation.MUTANTS, *ralph.MUTANTS, *commands.MUTANTS, *told.MUTANTS,
    *screen.MUTANTS, *batch.MUTANTS, *schedule.MUTANTS, *output.MUTANTS, *shells.MUTANTS,
    *watching.MUTANTS,
    *task_lists.MUTANTS, *reviewer.MUTANTS, *review.MUTANTS,
    *mcp.MUTANTS,
    *page.MUTANTS,
    *providers.MUTANTS,
    *costs.MUTANTS,
)  # fmt: skip
