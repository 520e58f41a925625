"""Mutants of what attempts may take of a machine, and what it must have left."""

from __future__ import annotations

from .mutant import Mutant

TREES = "execution.test_memory.Trees"
LOOKS = "execution.test_memory.Looks"
RUNS = "execution.test_memory.Runs"

SOURCE = "execution.test_admission.Source"
PLACES = "system.test_memory_group.Places"
TURNING = "execution.test_admission.Turning"

MUTANTS = (
    Mutant(
        "claimed-though-it-waits", "execution/admission.py", "is_leaving or bool(seen.hold))", "is_leaving)",
        "nothing is claimed while the machine has not enough left",
        (f"{SOURCE}.test_nothing_is_claimed_while_it_waits",),
    ),
    Mutant(
        "all-at-once", "execution/admission.py", "self._leave(left) if 0 < left <= GAP else 0.0", "0.0",
        "what runs grows by one a second", (f"{TURNING}.test_one_begins_in_a_second",),
    ),
    Mutant(
        "turn-of-who-found-nothing", "execution/admission.py", "has_begun=taken is not None", "has_begun=True",
        "who finds nothing takes nobody's turn",
        (f"{SOURCE}.test_the_end_is_recorded_once_whatever_comes_of_it", "execution.test_admission.Runs"),
        equivalent="others wait a second longer, which only a clock could tell",
    ),
    Mutant(
        "cache-counted", "system/memory.py", "bound.room + _find_cache(bound.directory)", "bound.room",
        "files that are in memory can be freed",
        ("execution.test_admission.Looks.test_what_the_machine_and_each_control_group_have_left",),
    ),
    Mutant(
        "hold-stays", "execution/run_hold.py", "if bool(words) != bool(self._noted) or", "if",
        "who looks is not told of a wait that is over", ("execution.test_admission.Words",),
    ),
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
        "not-nice", "execution/executors/local.py", "child.be_nice(limits.nice) if limits.nice else ()", "()",
        "a task stands behind others where that is asked for", (f"{RUNS}.test_the_tree_is_nice_and_the_worker_is_not",),
    ),
    Mutant(
        "group-of-others", "system/memory_group.py", "(_is_delegated(own) and _is_ours(own))", "_is_ours(own)",
        "groups are made only where that was delegated", (f"{PLACES}.test_only_what_was_delegated_is_ours",),
    ),
    Mutant(
        "group-without-a-limit", "system/memory_group.py", "        remove_group(path)\n            raise",
        "        raise", "a group that takes no limit is not left",
        ("system.test_memory_group.Groups.test_one_that_takes_no_limit_is_not_left",),
    ),
)  # fmt: skip
