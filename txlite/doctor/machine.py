"""What this machine and this Python can promise: interpreter, SQLite, kernel, /proc, containers.

What is claimed is tried, in the child process that asks, wherever a trial is possible. `root` is where the
system's files are looked up. Called by `diagnose`.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys

from ..store.integrity import compile_options
from ..system import clock, process, process_tree
from .probe import BROKEN, LIMITED, OK, Check, Finding

SLOW_START = 0.05  # seconds that site-packages may add to each start
HAND_OVER = 4.0  # seconds in which the kernel has given an orphan another parent, however busy the machine is
OLDEST_SQLITE = (3, 26, 0)
RACE_FIXED = (3, 51, 3)  # and in these maintained branches, from this patch on:
RACE_FIXED_IN = {(3, 50): 7, (3, 44): 6}
INITIAL_PID_NAMESPACE = "pid:[4026531836]"  # PROC_PID_INIT_INO, since Linux 3.8
IS_LINUX = sys.platform.startswith("linux")


def checks(root: str = "/") -> list[Check]:
    """Return the checks of this machine and this Python; those of Linux only there."""
    always = [Check("python", check_python, 20.0), Check("sqlite", check_sqlite), Check("system", check_system)]
    linux = [
        Check("orphans", check_orphans),
        Check("pidfd", check_pidfd),
        Check("proc", lambda: check_proc(root)),
        Check("mark", check_mark),
    ]
    pid = os.getpid()
    rest = [Check("container", lambda: check_container(pid, root)), Check("boot", check_boot)]
    return always + (linux if IS_LINUX else []) + rest + [Check("temporary", check_temporary)]


def check_python() -> list[Finding]:
    """Look at the interpreter, and measure how long it takes to start."""
    facts = f"{sys.version.split()[0]}"
    if hasattr(sys, "gettotalrefcount"):
        facts += ", a debug build: slow"
    facts += _describe_shim()
    if not sys.executable:
        return [Finding("python", LIMITED, facts + ", and does not know its own path", "call it by its full path")]
    whole, bare = _time_start(), _time_start("-S")
    facts += f"; starts in {whole * 1000:.0f} ms, {max(whole - bare, 0) * 1000:.0f} of them for site-packages"
    if whole - bare <= SLOW_START:
        return [Finding("python", OK, facts)]
    advice = "`python3 -S -m txlite` leaves site-packages out; `python3 -X importtime -c ''` shows what they import"
    return [Finding("python", LIMITED, facts + ": each command waits for them", advice)]


def _describe_shim() -> str:
    """A word about a `python3` on PATH that is a script: it costs more than most commands."""
    import shutil

    path = shutil.which("python3")
    if not path or os.path.realpath(path) == os.path.realpath(sys.executable):
        return ""
    with open(path, "rb") as file:
        is_script = file.read(2) == b"#!"
    return f" ({path} is a script before it: {sys.executable} starts sooner)" if is_script else ""


def _time_start(*options: str) -> float:
    """Seconds that an interpreter takes to start and end; the best of three."""
    import subprocess

    taken = []
    for _ in range(3):
        began = clock.monotonic()
        subprocess.run([sys.executable, *options, "-c", ""], check=True, timeout=5, capture_output=True)
        taken.append(clock.monotonic() - began)
    return min(taken)


def check_sqlite(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> list[Finding]:
    """Compare the version of SQLite with what txlite needs, and with those that are known to be at fault."""
    name = ".".join(map(str, version))
    if version < OLDEST_SQLITE:
        return [Finding("sqlite", BROKEN, f"{name}, and txlite needs 3.26", "use a Python with a newer SQLite")]
    if "THREADSAFE=0" in compile_options():
        return [Finding("sqlite", LIMITED, f"{name}, built without threads", "use a store from one thread only")]
    if has_race(version):
        return [Finding("sqlite", OK, f"{name} has the WAL-reset race, which the write lock of txlite prevents: "
                "let no other program write its database")]  # fmt: skip
    return [Finding("sqlite", OK, name)]


def has_race(version: tuple[int, ...]) -> bool:
    """Return whether a commit and a checkpoint at once can corrupt a database (https://sqlite.org/wal.html#walresetbug)."""
    major, minor, patch = version[:3]
    return version < RACE_FIXED and patch < RACE_FIXED_IN.get((major, minor), patch + 1)


def check_system() -> list[Finding]:
    """Tell Linux from systems that promise less."""
    system = os.uname()
    facts = f"{system.sysname} {system.release} {system.machine}"
    if IS_LINUX:
        return [Finding("system", OK, facts)]
    found = f"{facts}: no child subreaper and no mark on processes; what sheds its session and its environment is not"
    advice = "let agents start no such daemons, or run on Linux"
    return [Finding("system", LIMITED, found + " found once its worker and its supervisor were both killed", advice)]


def check_orphans() -> list[Finding]:
    """Become a subreaper (prctl(2)), and see whether an orphan comes to us."""
    if not process.become_subreaper():
        found = "no child subreaper: a killed worker's orphans are found by session and mark only"
        advice = "use a Python with ctypes, outside of sandboxes that forbid prctl"
        return [Finding("orphans", LIMITED, found, advice)]
    if _parent_of_orphan() != os.getpid():
        found = "orphans do not come to their subreaper: they are found by session and mark only"
        return [Finding("orphans", LIMITED, found, "run outside of this sandbox")]
    return [Finding("orphans", OK, "a killed worker's orphans come to the supervisor")]


def _parent_of_orphan() -> int:
    import time

    reader, writer = os.pipe()
    middle = os.fork()
    if not middle:
        middle = os.getpid()
        if not os.fork():
            deadline = clock.monotonic() + HAND_OVER
            while os.getppid() == middle and clock.monotonic() < deadline:
                time.sleep(0.001)
            os.write(writer, b"%d" % os.getppid())
        os._exit(0)
    os.waitpid(middle, 0)
    return int(os.read(reader, 20))


def check_pidfd() -> list[Finding]:
    """Take a handle on our own process and signal it (pidfd_open(2))."""
    try:
        handle = os.pidfd_open(os.getpid())
        signal.pidfd_send_signal(handle, 0)
        os.close(handle)
    except (AttributeError, OSError):
        found = "no handles on processes: between a look at a PID and its signal it could be given again"
        return [Finding("pidfd", LIMITED, found, "Linux 5.3 or newer has them, unless a sandbox forbids them")]
    return [Finding("pidfd", OK, "signals reach the process that was meant")]


def check_proc(root: str = "/") -> list[Finding]:
    """Look our own process up in /proc, and whether others are hidden there (proc(5), hidepid)."""
    own = process.look(os.getpid())
    if not process.HAS_PROC or own is None or not os.access("/proc/self/environ", os.R_OK):
        found = "/proc does not show our own processes: what an attempt leaves behind is not found"
        return [Finding("proc", BROKEN, found, "mount it: mount -t proc proc /proc")]
    hidden = any(
        part.startswith("hidepid=") and part not in ("hidepid=0", "hidepid=off")
        for line in read(root, "proc/self/mountinfo").splitlines()
        if " - proc " in line
        for part in line.replace(",", " ").split()
    )
    more = ", others' are hidden (hidepid), which does no harm" if hidden else ""
    return [Finding("proc", OK, "our processes are visible" + more)]


def check_mark() -> list[Finding]:
    """Mark ourselves (setrlimit(2)), and see whether it shows."""
    home = "0" * 32
    process_tree.mark_children(home, 1)
    if process_tree.is_marked(os.getpid(), home, 1):
        return [Finding("mark", OK, "processes carry the mark of their attempt (RLIMIT_RTTIME)")]
    found = "RLIMIT_RTTIME is bounded or not shown: what sheds session and environment is found by parenthood only"
    return [Finding("mark", LIMITED, found, "start where its hard limit is unlimited (prlimit --rttime)")]


def check_container(pid: int, root: str = "/") -> list[Finding]:
    """Tell whether all ends with a container or PID namespace; `pid` is our own (pid_namespaces(7))."""
    facts = []
    if any(os.path.exists(os.path.join(root, name)) for name in (".dockerenv", "run/.containerenv")):
        facts.append("inside a container: all ends with it, and what is not on a volume is gone with it")
    elif process.pid_namespace() not in ("-", INITIAL_PID_NAMESPACE):
        facts.append("inside a PID namespace: all ends with its first process")
    if pid == 1:
        found = "running as PID 1: no signal reaches it that it does not handle, and all ends with it"
        return [Finding("container", LIMITED, found, "start it below an init: docker run --init")]
    return [Finding("container", OK, fact) for fact in facts]


def check_boot() -> list[Finding]:
    """See whether this boot has an id, by which readings of its clock can be compared."""
    if not IS_LINUX and sys.platform != "darwin":
        return []
    boot = clock.boot()
    if boot.startswith(clock.host() + "-"):
        found = "this boot has no id: when the clock is set, leases may end too early"
        return [Finding("boot", LIMITED, found, "make /proc/sys/kernel/random/boot_id readable")]
    return [Finding("boot", OK, "leases are judged by the clock of this boot, however the wall clock is set")]


def check_temporary() -> list[Finding]:
    """See whether a temporary directory can be written, and whether it is the one of TMPDIR."""
    import tempfile

    wanted = os.environ.get("TMPDIR")
    advice = "set TMPDIR to a directory that you can write"
    try:
        found = tempfile.gettempdir()
    except FileNotFoundError:
        return [Finding("temporary", LIMITED, "no temporary directory can be written: agents need one", advice)]
    if wanted and os.path.abspath(wanted) != found:
        return [Finding("temporary", LIMITED, f"TMPDIR is {wanted}, which cannot be written", advice)]
    return [Finding("temporary", OK, f"{found} can be written")]


def read(root: str, name: str) -> str:
    """Return the text of a system's file, "" where there is none or it may not be read."""
    try:
        with open(os.path.join(root, name), encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
