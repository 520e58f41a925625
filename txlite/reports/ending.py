"""The end of an attempt's output, read from its report without reading all of it.

Used by `ralph.reason`, which tells why an attempt ended as it did. All of the output is read by `view.follow`.
"""

from __future__ import annotations

import os

from .archive import open_report
from .header import FENCE, find_output

MOST = 1 << 18  # bytes


def read_end(path: str, attempt: int) -> bytes:
    """Return at most MOST bytes of the end of the output of an attempt that has ended. Raises OSError."""
    with open_report(path) as file:
        try:
            file.seek(-min(os.path.getsize(path), MOST), os.SEEK_END)
            is_whole = file.tell() == 0
            data = file.read()
        except FileNotFoundError:  # an archive, of which there is no end without a beginning
            data = file.read()
            is_whole = True
    if is_whole:
        data = data[find_output(data, attempt) :]
    output, fence, _ = (b"\n" + data).rpartition(b"\n" + FENCE)
    return (output[1:] if fence else data)[-MOST:]
