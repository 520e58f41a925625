"""A process that starts commands of txlite for tests: it has imported all of txlite once, and each command is a fork of
it, with streams, directory and environment as they are wanted, that runs `__main__`. So a command takes a third of the
CPU time that it takes with an interpreter's start, and is still a process of its own.

This file is its script, too, with a socket that listens as stdin; it ends when nobody is connected any more. `serve`
starts it, `Starter` is a test's side of it.
"""

from __future__ import annotations

import array
import contextlib
import functools
import gc
import importlib
import json
import os
import pkgutil
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
IS_POSSIBLE = sys.platform == "linux"  # elsewhere sockets of this kind, or forks, are not what they are here
# What txlite imports where it is used: also here once for all.
LATE = ("ctypes", "encodings.ascii", "multiprocessing.context", "multiprocessing.popen_fork", "platform", "uuid")
LARGEST = 100_000  # bytes of arguments and environment, and of stdin: more does not pass at once


def find_locale(environment: Mapping[str, str]) -> str:
    """By which Python chooses its encoding; "C" for what it does not tell apart."""
    found = environment.get("LC_ALL") or environment.get("LC_CTYPE") or environment.get("LANG") or "C"
    return "C" if found in ("C", "POSIX", "C.UTF-8") else found


def at_start(environment: Mapping[str, str]) -> dict[str, str]:
    """What of an environment Python itself reads when it starts."""
    settings = {name: value for name, value in environment.items() if name.startswith("PYTHON")}
    return {**settings, "locale": find_locale(environment)}


def plain_environment(compiled: str) -> dict[str, str]:
    """What commands find in their environment, unless a test wants more."""
    found = {name: value for name, value in os.environ.items() if not name.startswith("TXLITE_")}
    for setting in ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"):  # of a machine, and not of most
        found.pop(setting, None)
    state = os.path.join(compiled, "state")  # nothing of the user's
    return {**found, "PYTHONPATH": ROOT, "PYTHONPYCACHEPREFIX": compiled, "XDG_STATE_HOME": state}


@contextlib.contextmanager
def serve(compiled: str) -> Iterator[str]:
    """Have such a process; the path of its socket, "" where there can be none."""
    if not IS_POSSIBLE:
        yield ""
        return
    with tempfile.TemporaryDirectory(prefix="txlite-starter-") as directory:
        path = os.path.join(directory, "socket")
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
            listening.bind(path)
            listening.listen(64)
            process = subprocess.Popen([sys.executable, "-S", os.path.abspath(__file__)], cwd="/",
                                       stdin=listening.fileno(), stdout=subprocess.DEVNULL,
                                       env=plain_environment(compiled))  # fmt: skip
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
            connection.connect(path)
            yield path
        process.wait()


class Starter:
    def __init__(self, path: str, environment: Mapping[str, str]) -> None:
        self._settings = at_start(environment)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.connect(path)

    def close(self) -> None:
        self._socket.close()

    def can(self, arguments: tuple[str, ...], environment: Mapping[str, str], stdin: bytes) -> bool:
        """Whether a command would be the same as one that a new interpreter runs."""
        size = len(stdin) + sum(map(len, arguments)) + sum(len(name) + len(environment[name]) for name in environment)
        return size < LARGEST // 2 and at_start(environment) == self._settings

    def run(
        self, arguments: tuple[str, ...], directory: str, environment: Mapping[str, str], stdin: bytes, timeout: float
    ) -> tuple[int, bytes, bytes]:
        """Run a command to its end, and to that of all that have its streams; its exit code, stdout, stderr."""
        pipes = [os.pipe() for _ in range(4)]
        (fed, feeding), *reading = pipes
        os.write(feeding, stdin)
        os.close(feeding)
        theirs = [fed, *(pipe[1] for pipe in reading)]
        message = json.dumps([list(map(os.fsdecode, arguments)), directory, dict(environment)]).encode()
        try:
            self._socket.sendmsg([message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", theirs))])
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        try:
            out, error, ended = read_all([pipe[0] for pipe in reading], time.monotonic() + timeout)
        finally:
            for pipe in reading:
                os.close(pipe[0])
        return int(ended), out, error


def read_all(descriptors: list[int], deadline: float) -> list[bytes]:
    """What comes from each until its end."""
    found = {descriptor: bytearray() for descriptor in descriptors}
    with selectors.DefaultSelector() as selector:
        for descriptor in descriptors:
            selector.register(descriptor, selectors.EVENT_READ)
        while selector.get_map():
            if time.monotonic() > deadline:
                raise AssertionError(f"a command did not end; so far: {list(found.values())}")
            for key, _ in selector.select(1):
                data = os.read(key.fd, 65536)
                found[key.fd] += data
                if not data:
                    selector.unregister(key.fd)
    return [bytes(data) for data in found.values()]


class StarterProcess:
    """The process's own side: forks what is asked for, and tells how each ended."""

    def __init__(self) -> None:
        self.listening = socket.socket(fileno=os.dup(0))
        self.connections: set[socket.socket] = set()
        self.woken, self.waking = os.pipe()
        os.set_blocking(self.waking, False)
        self.running: dict[int, tuple[int, socket.socket]] = {}  # PID -> where its end is told, who wanted it
        self.selector = selectors.DefaultSelector()

    def serve(self) -> None:
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.waking)
        self.selector.register(self.listening, selectors.EVENT_READ, self.accept)
        self.selector.register(self.woken, selectors.EVENT_READ, self.collect)
        self.accept()
        while self.connections:
            for key, _ in self.selector.select():
                act: Callable[[], None] = key.data
                act()

    def accept(self) -> None:
        connection, _ = self.listening.accept()
        self.connections.add(connection)
        self.selector.register(connection, selectors.EVENT_READ, functools.partial(self.fork, connection))

    def collect(self) -> None:
        os.read(self.woken, 4096)
        for pid in list(self.running):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
                telling, _ = self.running.pop(pid)
                with contextlib.suppress(BrokenPipeError):
                    os.write(telling, str(code).encode())
                os.close(telling)

    def fork(self, connection: socket.socket) -> None:
        message, descriptors = receive(connection)
        if not message:
            self.leave(connection)
            return
        pid = os.fork()
        if not pid:
            code = 1
            try:
                code = self.become(json.loads(message), descriptors)
            except BaseException:
                traceback.print_exc()
            os._exit(code)
        self.running[pid] = (descriptors.pop(), connection)
        for descriptor in descriptors:
            os.close(descriptor)

    def leave(self, connection: socket.socket) -> None:
        """Nobody waits any more for what was wanted there."""
        for pid, (_, by) in self.running.items():
            if by is connection:
                os.kill(pid, signal.SIGKILL)
        self.selector.unregister(connection)
        self.connections.remove(connection)
        connection.close()

    def become(self, wanted: list, descriptors: list[int]) -> int:
        """Be, in a fork, the command that is wanted."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for number in range(3):
            os.dup2(descriptors[number], number)
        ours = [self.woken, self.waking, self.selector.fileno(), self.listening.fileno()]
        ours += [connection.fileno() for connection in self.connections] + [
            telling for telling, _ in self.running.values()
        ]
        for descriptor in (*ours, *descriptors):
            os.close(descriptor)
        for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):  # they believe that they may seek
            old = getattr(sys, name)
            buffering = 1 if name == "stderr" else -1
            new = open(old.fileno(), mode, buffering, encoding=old.encoding, errors=old.errors, closefd=False)
            setattr(sys, name, new)
            setattr(sys, f"__{name}__", new)
        arguments, directory, environment = wanted
        os.chdir(directory)
        sys.path.insert(0, directory)  # as `-m` has it
        os.environ.clear()
        os.environ.update(environment)
        if find_locale(environment) == "C" and not environment.get("LC_ALL"):
            os.environ["LC_CTYPE"] = "C.UTF-8"  # as Python has it, PEP 538
        time.tzset()
        tempfile.tempdir = None
        from txlite.store import inserting

        inserting.SEED = environment.get("TXLITE_SEED")
        sys.argv = ["txlite", *arguments]
        try:
            runpy.run_module("txlite", run_name="__main__", alter_sys=True)
        except SystemExit as end:  # as --help ends
            if isinstance(end.code, str):
                print(end.code, file=sys.stderr)
            sys.stdout.flush()
            sys.stderr.flush()
            return end.code if isinstance(end.code, int) else int(end.code is not None)
        return 0  # which never comes: `__main__` exits


def receive(connection: socket.socket) -> tuple[bytes, list[int]]:
    """A message, and the descriptors that came with it; b"" at the end."""
    message, rights, _, _ = connection.recvmsg(LARGEST * 2, socket.CMSG_SPACE(16))
    found = array.array("i")
    for _, _, data in rights:
        found.frombytes(data)
    return message, list(found)


def main() -> None:
    del sys.path[0]  # of this file
    import txlite

    gc.disable()
    for module in pkgutil.walk_packages(txlite.__path__, "txlite."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in LATE:
        importlib.import_module(name)
    gc.freeze()  # so that collections in forks copy nothing
    StarterProcess().serve()


if __name__ == "__main__":
    main()
