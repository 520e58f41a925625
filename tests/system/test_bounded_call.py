"""A question that is asked in a child process, within its time."""

from __future__ import annotations

import os
import signal
import unittest

from txlite.system.bounded_call import Failed, call_bounded

from ..case import Case


class Ended(Exception):
    """An error over which its process is asked to end."""

    def __str__(self) -> str:
        os.kill(os.getpid(), signal.SIGTERM)
        return "it was not asked to end"


class Children(Case):
    def test_none_goes_on_as_its_parent(self) -> None:
        def raise_it() -> None:
            raise Ended

        parent = os.getpid()
        try:
            with self.assertRaisesRegex(Failed, "its process died"):
                call_bounded(raise_it, 60.0)
        finally:
            if os.getpid() != parent:
                open(self.path("went-on"), "w").close()
                os._exit(0)
        self.assertFalse(os.path.exists(self.path("went-on")))


if __name__ == "__main__":
    unittest.main()
