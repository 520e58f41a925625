"""New tasks on their way into the queue: all of them are checked before the database is locked, however many come.

A thousand are kept in memory; more go to a file without a name beside the database, where there has to be room for them
anyway. So a kill leaves nothing. Filled by `new_tasks.check_many`.
"""

from __future__ import annotations

from ..errors import StoreUnavailable
from ..model import Lane
from .inserting import NewTask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

HELD = 1000  # in memory


class Spool:
    """Checked tasks in the order in which they came; use it as a context manager."""

    def __init__(self, directory: str) -> None:
        """directory: where the file is made, if one is needed."""
        self._directory = directory
        self._held: list[NewTask] = []
        self._written = 0
        self._lanes: set[Lane] = set()  # of those that are written
        self._file: BinaryIO | None = None

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()

    def __len__(self) -> int:
        return self._written + len(self._held)

    def append(self, new: NewTask) -> None:
        """Take one more. Raises StoreUnavailable where the file cannot be written."""
        if len(self._held) == HELD:
            self._write()
        self._held.append(new)

    @property
    def lanes(self) -> set[Lane]:
        """Return the lanes that they are in."""
        return self._lanes | {Lane(new.kind, new.needs) for new in self._held}

    def __iter__(self) -> Iterator[NewTask]:
        """Yield them; once at a time."""
        if self._file:
            import pickle

            self._file.seek(0)
            for _ in range(0, self._written, HELD):
                yield from map(NewTask._make, pickle.load(self._file))
        yield from self._held

    def _write(self) -> None:
        import pickle
        import tempfile

        try:
            if not self._file:
                self._file = tempfile.TemporaryFile(dir=self._directory)
            pickle.dump(list(map(tuple, self._held)), self._file, pickle.HIGHEST_PROTOCOL)
            self._file.flush()
        except OSError as error:
            raise StoreUnavailable(
                f"{self._directory} has no room for what is to be added ({error.strerror}): nothing was added"
            ) from error
        self._lanes = self.lanes
        self._written += len(self._held)
        self._held.clear()
