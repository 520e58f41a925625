"""Mutants of what attempts may take of a machine, and what it must have left."""

from __future__ import annotations

from .mutant import Mutant

TREES = "execution.test_memory.Trees"
LOOKS = "execution.test_memory.Looks"
RUNS = "execution.test_memory.Runs"

MUTANTS = (
    Mutant(
        "memory-unheeded", "execution/guarded_process.py", "        self._heed_memory(now)\n", "",
        "a tree that grows past its limit is ended",
        (f"{TREES}.test_one_whose_grandchildren_grow_is_ended_within_a_second",),
    ),
    Mutant(
        "memory-of-the-agent-alone", "system/process_tree.py",
        "pending += [(child, pid, one) for child, one in process.children(pid)]", "pending += []",
        "all of a tree is measured", (f"{TREES}.test_one_whose_grandchildren_grow_is_ended_within_a_second",),
    ),
    Mutant(
        "memory-counted-twice", "execution/memory_watch.py", "memory.measure_proportional(pid)\n", "sizes[pid]\n",
        "what is shared counts once", (f"{TREES}.test_what_is_shared_counts_once",),
    ),
    Mutant(
        "memory-of-a-borrower", "execution/memory_watch.py", "own = 0 if memory.is_borrowing(pid, parent, thread) else",
        "own =", "a child that has begun no program has no memory of its own",
        (f"{TREES}.test_a_child_that_has_not_begun_its_own_program_has_no_memory_of_its_own",),
    ),
    Mutant(
        "memory-judged-by-one-look", "execution/memory_watch.py", "        if not self._is_over:  #",
        "        if False:  #", "a single look ends nothing", (f"{LOOKS}.test_a_single_look_ends_nothing",),
    ),
    Mutant(
        "memory-looked-at-seldom", "execution/memory_watch.py", "        if growth > 0:\n", "        if False:\n",
        "what grows is looked at before it is too large",
        (f"{LOOKS}.test_what_grows_is_looked_at_before_it_is_too_large",),
    ),
    Mutant(
        "time-for-what-grows", "execution/guarded_process.py",
        "                self.stop(result)\n                self.hasten()\n", "                self.stop(result)\n",
        "what has too much gets no time to end by itself",
        (f"{TREES}.test_one_whose_grandchildren_grow_is_ended_within_a_second",),
    ),
    Mutant(
        "own-memory-forgotten", "execution/executor.py", "max_memory=task.max_memory or self.max_memory",
        "max_memory=self.max_memory", "a task's own bound comes first",
        (f"{RUNS}.test_a_task_may_have_a_bound_of_its_own",),
    ),
    Mutant(
        "not-nice", "execution/executors/local.py", "child.be_nice(limits.nice) if limits.nice else []", "[]",
        "a task stands behind others where that is asked for", (f"{RUNS}.test_the_tree_is_nice_and_the_worker_is_not",),
    ),
)  # fmt: skip
