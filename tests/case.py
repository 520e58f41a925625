"""What the tests share: a home of their own, commands run as a user runs them, waiting for conditions."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import starter
from .endings import ENDINGS, make_directory
from .privileges import without_privileges as without_privileges
from .starter import Starter

if TYPE_CHECKING:
    from txlite import Store

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# So that a thousand starts compile nothing anew; one for all classes, where they run side by side.
COMPILED = os.environ.get("TESTS_COMPILED") or make_directory("txlite-compiled-")
STATE = os.environ["XDG_STATE_HOME"] = os.path.join(COMPILED, "state")  # nothing of the user's
# A machine's site-packages can double the time; but what measures coverage lies among them.
WITHOUT_SITE = () if "COVERAGE_PROCESS_START" in os.environ else ("-S",)
if "TESTS_SEED" not in os.environ:  # all that is drawn follows from it: the ids of tasks
    os.environ["TESTS_SEED"] = secrets.token_hex(4)
    print(f"TESTS_SEED={os.environ['TESTS_SEED']}", file=sys.stderr)
SEED = os.environ["TESTS_SEED"]
os.environ["TXLITE_SEED"] = SEED  # in this process; before txlite is imported
PATIENCE = float(os.environ.get("TESTS_PATIENCE", "60"))  # seconds until a condition counts as never coming true


for ignored in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
    if signal.getsignal(ignored) is signal.SIG_IGN:  # as nohup has it: what we start would ignore it, too
        signal.signal(ignored, signal.SIG_DFL)


def wait_until(condition: Callable[..., Any], what: str, patience: float = PATIENCE) -> Any:
    """Wait for a condition to hold; what it gave."""
    deadline = time.monotonic() + patience
    while True:
        began = time.monotonic()
        found = condition()
        if found:
            return found
        if began > deadline:  # one look more where this process itself was stopped for long
            raise AssertionError(f"waited {patience:g} s in vain: {what}")
        took = time.monotonic() - began
        time.sleep(min(max(4 * took, 0.005), 0.2))  # a condition that runs a command leaves the time to others


def is_running(pid: int | str) -> bool:
    """Whether a process lives (a zombie does not)."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):  # the latter: it was collected between the two calls
        return False


def running(marker: str) -> list[int]:
    """The PIDs of the processes with `marker` in their command line."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                if marker.encode() in file.read().split(b"\0") and is_running(name):
                    found.append(int(name))
        except (FileNotFoundError, ProcessLookupError):
            pass
    return found


def share(name: str, make: Callable[[str], None]) -> str:
    """A directory that is made once for all processes of the suite, by the first that asks for it; its path."""
    path = os.path.join(COMPILED, name)
    os.makedirs(COMPILED, exist_ok=True)
    with open(path + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.isdir(path):
            make(path + ".new")
            os.rename(path + ".new", path)
    return path


@functools.cache
def find_starter() -> Starter:
    """The suite's, or one of this process's own, from when it is first asked for."""
    path = os.environ.get("TESTS_STARTER")
    if path is None:
        path = ENDINGS.enter_context(starter.serve(COMPILED))
    return ENDINGS.enter_context(contextlib.closing(Starter(path, starter.plain_environment(COMPILED))))


class Case(unittest.TestCase):
    """A test with a working directory of its own and a home in it."""

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory(prefix="txlite-test-")
        self.addCleanup(self._remove, directory)
        self.directory = os.path.realpath(directory.name)
        self.home = os.path.join(self.directory, ".txlite")
        self.nap = f"600.{time.monotonic_ns()}"  # seconds for sleep(1), by which `running` finds it and no other
        self.environment = starter.plain_environment(COMPILED)
        self._starts = 0

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start a command of txlite in the working directory."""
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        self._starts += 1
        process = subprocess.Popen(
            [sys.executable, *WITHOUT_SITE, "-m", "txlite", *arguments],
            cwd=options.pop("cwd", self.directory),
            env={"TXLITE_SEED": self._seed(), **options.pop("env", self.environment)},
            **options,
        )
        self.addCleanup(self._end, process)
        return process

    def _seed(self) -> str:
        return f"{SEED} {self.id()} {self._starts}"

    def _remove(self, directory: tempfile.TemporaryDirectory[str]) -> None:
        def is_gone() -> bool:
            shutil.rmtree(directory.name, ignore_errors=True)
            return not os.path.exists(directory.name)

        try:
            directory.cleanup()
        except OSError:  # a worker that was launched is signing off there
            wait_until(is_gone, "the end of all that works there")

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        if process.poll() is None:
            process.send_signal(signal.SIGQUIT)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()

    def txlite(self, *arguments: str, code: int | None = 0, stdin: bytes = b"", **options: Any) -> str:
        """Run a command to its end; its stdout. Fails unless it exits with `code`, and without a traceback."""
        ended, out, error = self._run(arguments, stdin, options)
        self.errors = error.decode()
        if code is None:  # whatever it is, but no bug
            code = ended if ended != 70 else 0
        self.assertEqual(ended, code, f"{arguments}: {out.decode()}{self.errors}")
        self.assertNotIn("Traceback", self.errors)
        if code in (2, 64, 69):
            self.assertEqual(self.errors.count("\n"), 1, f"one line on stderr, not: {self.errors}")
        return out.decode()

    def _run(self, arguments: tuple[str, ...], stdin: bytes, options: dict[str, Any]) -> tuple[int, bytes, bytes]:
        """The exit code, stdout and stderr of a command: a fork of the starter's, where that is the same."""
        environment = options.get("env", self.environment)
        if starter.IS_POSSIBLE and type(self).start is Case.start and WITHOUT_SITE and options.keys() <= {"cwd", "env"}:
            forking = find_starter()
            if forking.can(arguments, environment, stdin):
                self._starts += 1
                environment = {"TXLITE_SEED": self._seed(), **environment}
                return forking.run(arguments, options.get("cwd", self.directory), environment, stdin, 300)
        process = self.start(*arguments, stdin=subprocess.PIPE, **options)
        out, error = process.communicate(stdin, timeout=300)
        return process.returncode, out, error

    def json(self, *arguments: str, **options: Any) -> Any:
        """The same with --json."""
        return json.loads(self.txlite(*arguments, "--json", **options))

    def batch(self, *lines: str) -> str:
        """A file with these lines, for --from."""
        path = self.path("batch")
        with open(path, "w") as file:
            file.write("".join(line + "\n" for line in lines))
        return path

    def write_config(self, text: str) -> None:
        """The home's config.ini; the home has to be there."""
        with open(os.path.join(self.home, "config.ini"), "w") as file:
            file.write(text)

    def path(self, name: str) -> str:
        return os.path.join(self.directory, name)

    def read(self, name: str) -> str:
        """The text of a file in the working directory, "" while there is none."""
        try:
            with open(self.path(name), encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def store(self) -> Store:
        """The store of the test's home."""
        import txlite

        store = txlite.open(self.home)
        self.addCleanup(store.close)
        return store

    def reports(self) -> dict[str, Any]:
        """The texts of the reports, by name."""
        directory = os.path.join(self.home, "workers")
        names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
        return {name: self.read(os.path.join(directory, name)) for name in names}

    def worker_pids(self) -> list[int]:
        """The PIDs of the workers that have not left."""
        import txlite

        with txlite.open(self.home, read_only=True) as store:
            return [int(worker.identity.split()[0]) for worker in store.workers.present()]
