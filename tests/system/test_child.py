from __future__ import annotations

import os
import subprocess
import sys
from typing import Any
from unittest import mock

from txlite.system import child, process

from ..case import Case, wait_until


class Children(Case):
    """Both ways to start one are to do the same."""

    WITHOUT_SPAWN = mock.patch.object(child, "_spawn", side_effect=NotImplementedError)

    def run_child(self, *argv: str, directory: str | None = None, stdin: int | None = None, path: str = "") -> str:
        reading, writing = os.pipe()
        environment = {b"PATH": os.fsencode(path or os.defpath)}
        try:
            started = child.start(list(argv), directory, environment, stdin, writing)
        finally:
            os.close(writing)
        with open(reading) as output:
            said = output.read()
        wait_until(lambda: started.poll() is not None, "its end")
        return f"{said}{started.returncode}"

    def both(self, *argv: str, **options: Any) -> tuple[str, str]:
        """What is said by a child of each way."""
        said = self.run_child(*argv, **options)
        with self.WITHOUT_SPAWN:
            return said, self.run_child(*argv, **options)

    def test_it_runs_where_it_is_told_and_we_stay_where_we_are(self) -> None:
        here = os.getcwd()
        directory = os.path.realpath(self.directory)
        self.assertEqual(self.both("/bin/sh", "-c", "pwd; exit 3", directory=directory), (f"{directory}\n3",) * 2)
        self.assertEqual(os.getcwd(), here)

    def test_who_collects_orphans_leaves_it_to_who_started_it(self) -> None:
        started = child.start(["/bin/sh", "-c", "exit 3"], None, {}, None, 2)
        self.assertEqual(child.uncollected(), {started.pid})
        wait_until(lambda: process.look(started.pid).state == "Z", "its end")
        self.assertTrue(process.reap_adopted(child.uncollected()))
        self.assertEqual((started.poll(), child.uncollected()), (3, frozenset()))

    def test_it_leads_a_session_and_a_signal_is_a_negative_code(self) -> None:
        lead = "import os; print(os.getsid(0) == os.getpid(), flush=True); os.kill(os.getpid(), 9)"
        self.assertEqual(self.both(sys.executable, "-c", lead), ("True\n-9",) * 2)

    def test_it_gets_its_input_or_none_and_no_other_descriptor(self) -> None:
        self.assertEqual(self.both("/bin/sh", "-c", "cat; echo error >&2"), ("error\n0",) * 2)
        with open(self.path("input"), "w+") as file:
            file.write("something")
            file.seek(0)
            self.assertEqual(self.run_child("/bin/cat", stdin=file.fileno()), "something0")

    def test_a_program_is_looked_for_in_the_childs_path_and_an_error_is_raised_here(self) -> None:
        for name in ("here", "there"):
            os.mkdir(self.path(name))
        os.mkdir(self.path("here/tool"))  # a directory is no program
        with open(self.path("there/tool"), "w") as file:
            file.write("#!/bin/sh\necho found\n")
        path = f"{self.path('here')}:{self.path('there')}"
        for way in (mock.MagicMock(), self.WITHOUT_SPAWN):
            with way:
                for mode, error in ((0o644, PermissionError), (0o755, None)):
                    os.chmod(self.path("there/tool"), mode)
                    if error is None:
                        self.assertEqual(self.run_child("tool", path=path), "found\n0")
                    else:
                        self.assertRaises(error, self.run_child, self.path("there/tool"))
                self.assertRaises(FileNotFoundError, self.run_child, "no such program", path=path)
                self.assertRaises(FileNotFoundError, self.run_child, "/bin/sh", directory=self.path("nowhere"))

    def test_what_this_process_was_started_with_stays_with_it(self) -> None:
        program = """
import os, sys
sys.path.insert(0, sys.argv[1])
from txlite.system import child, process
child.keep_descriptors()
child.start(["/bin/sh", "-c", "ls /dev/fd"], None, {}, None, 1).pid and os.wait()
"""
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        self.addCleanup(os.close, writing)
        root = os.path.dirname(os.path.dirname(child.__file__.rstrip("c")))
        argv = [sys.executable, "-c", program, os.path.dirname(root)]
        said = subprocess.run(argv, pass_fds=[writing], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
        self.assertNotIn(str(writing), said)
        self.assertEqual(said[:3], ["0", "1", "2"])
