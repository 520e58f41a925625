"""Mutants of `system`, and of `text`: processes, locks, who lives, files that appear complete."""

from __future__ import annotations

from .mutant import Mutant

TREE = "system.test_process_tree"
TEXT = "test_text.Terminals"

MUTANTS = (
    Mutant(
        "text-del-and-c1", "text.py", r"\x7f-\x9f", r"\x9f", "DEL and C1 are escaped", (TEXT,),
    ),
    Mutant(
        "tree-no-cont", "system/process_tree.py", "send(member, signal.SIGCONT)", "pass",
        "a stopped process hears that it is to end", (f"{TREE}.Endings",),
    ),
    Mutant(
        "tree-no-stop-before-kill", "system/process_tree.py", "(signal.SIGSTOP, signal.SIGKILL)", "(signal.SIGKILL,)",
        "nobody forks while the others are killed", (f"{TREE}.Endings",),
    ),
    Mutant(
        "liveness-file-is-gone", "system/liveness.py",
        "try_lock(self._file) and os.path.samestat(os.stat(self.path), os.fstat(self._file))", "try_lock(self._file)",
        "who lives holds the lock that others look at", ("system.test_liveness.Locks",),
    ),
)  # fmt: skip
