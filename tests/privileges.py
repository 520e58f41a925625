"""What root may and others may not: to be given up where a test, or a benchmark, is about rights."""

from __future__ import annotations

import ctypes


def without_privileges() -> None:
    """Of root's, those that make a file's rights count for nothing."""
    libc = ctypes.CDLL(None)
    for capability in (1, 2) if hasattr(libc, "prctl") else ():  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP
