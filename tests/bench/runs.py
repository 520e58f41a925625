"""A `txlite run --forever` with idle workers, for the benchmarks that look at one from outside (Linux: /proc)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from types import TracebackType

import homes
import processes

PATIENCE = 60.0  # seconds until it must be idle, or gone
CALM = 2.0  # seconds from then until what its start put off is over


class Run:
    """A context: entered when all its workers wait for work, which took so many `seconds`, left when all are gone.
    `flags` are the interpreter's."""

    def __init__(self, home: str, workers: int, flags: Sequence[str] = ()) -> None:
        self._wake = os.path.join(home, "wake")
        self._workers = workers
        self.seconds = 0.0
        self._started = time.monotonic()
        self._supervisor = subprocess.Popen(
            [sys.executable, *flags, "-m", "txlite", "run", "--forever", "--json", "--workers", str(workers)],
            cwd=homes.PACKAGE, env=homes.environment(home), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def __enter__(self) -> Run:
        while self._idle() < self._workers:
            if time.monotonic() > self._started + PATIENCE or self._supervisor.poll() is not None:
                raise RuntimeError("the run did not get idle")
            time.sleep(0.02)
        self.seconds = time.monotonic() - self._started
        time.sleep(CALM)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._supervisor.send_signal(signal.SIGTERM)
        try:
            self._supervisor.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._supervisor.kill()
            raise

    def _idle(self) -> int:
        """An idle worker shows the FIFO by which it can be woken."""
        try:
            return sum(name.startswith("worker-") for name in os.listdir(self._wake))
        except FileNotFoundError:
            return 0

    @property
    def supervisor(self) -> int:
        return self._supervisor.pid

    @property
    def workers(self) -> list[int]:
        """All that the supervisor has started: there is nothing else beside them."""
        return processes.children(self.supervisor)
