"""A real Slurm for tests: a controller, nodes and a login host, started in a directory of its own in two seconds.

Each node is a `Host` (host.py), and so is the login host, on which the tests' commands run: on one machine the
tests' own look into /proc would otherwise find what only Slurm may find. All of it is gone when the tests end,
also when they are killed.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from typing import Any

from ..case import wait_until
from ..endings import ENDINGS
from . import configuration
from .host import Host

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol", "unshare")
PATH = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin"
NODES = ("n1", "n2")
SECOND = "%Y-%m-%dT%H:%M:%S"
REMOVE = """
cat
tries=0
until rm -rf "$0" && { [ ! -d "$1" ] || find "$1" -depth -type d -exec rmdir {} +; } || [ $tries = 300 ]; do
    tries=$((tries + 1))
    sleep 0.2
done 2> /dev/null
"""


@functools.lru_cache
def missing() -> str:
    """Why no cluster can be started here, "" where one can."""
    absent = [name for name in PROGRAMS if not shutil.which(name, path=PATH)]
    if absent:
        return f"no Slurm to test with: {' '.join(absent)} not found"
    if os.geteuid():
        return "no Slurm to test with: only root can start one"
    try:
        Host("probe").stop()
    except OSError as error:
        return f"no Slurm to test with: {error}"
    return ""


@functools.lru_cache
def shared() -> Cluster:
    """The cluster of this process, which is started at the first call, and stopped at its end."""
    cluster = Cluster()
    ENDINGS.callback(cluster.stop)
    cluster.start()
    return cluster


def answers(path: str) -> bool:
    """Whether somebody listens at this socket, which is there a moment earlier."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(path)
        except OSError:
            return False
    return True


def is_of_job(pid: int, job: str) -> bool:
    """Whether a process runs in a job with this number."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return f"SLURM_JOB_ID={job}".encode() in file.read().split(b"\0")
    except OSError:
        return False


class Cluster:
    """One Slurm, with its nodes."""

    def __init__(self, nodes: tuple[str, ...] = NODES, **settings: str) -> None:
        """Note what it will be.

        settings: lines of slurm.conf beside, or instead of, those that configuration.py has.
        """
        self.nodes = nodes
        self.directory = tempfile.mkdtemp(prefix="txlite-slurm-")
        self.cgroup = os.path.join(configuration.MEMORY, os.path.basename(self.directory))
        self.configuration = self.path("slurm.conf")
        self.settings = settings
        self.hosts: dict[str, Host] = {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}  # by the name of the program, or of the node
        self.environment = {**os.environ, "SLURM_CONF": self.configuration, "PATH": PATH}
        self._remover: subprocess.Popen[bytes] | None = None

    def path(self, name: str) -> str:
        return os.path.join(self.directory, name)

    def start(self, before_controller: Callable[[], None] = lambda: None) -> None:
        """Start all of it; returns when the nodes are idle.

        before_controller: starts what the controller needs beside munged.
        """
        try:
            self._start_hosts()
            self.start_munged()
            before_controller()
            self.start_controller()
            for node in self.nodes:
                self.start_node(node)
            self.wait_for_nodes(*self.nodes)
        except BaseException:
            self.stop()
            raise

    def _start_hosts(self) -> None:
        configuration.write(self.directory, self.nodes, self.settings)
        self._remover = subprocess.Popen(
            ["sh", "-c", REMOVE, self.directory, self.cgroup], stdin=subprocess.PIPE, start_new_session=True
        )
        if configuration.LIMITS_MEMORY:
            os.mkdir(self.cgroup)
        for name in ("login", "controller", *self.nodes):
            self._start_host(name)
        self.login = self.hosts["login"]

    def _start_host(self, name: str) -> None:
        memory = {self.path("cgroup/memory"): self.cgroup} if configuration.LIMITS_MEMORY else {}
        self.hosts[name] = Host(name, {"/etc/hosts": self.path("hosts"), **memory})

    def stop(self) -> None:
        """End all of it and remove its directory."""
        for host in self.hosts.values():
            host.stop()
        if self._remover:
            self._remover.communicate()

    def run_daemon(self, name: str, host: str, *command: str) -> None:
        """Run a daemon, known by this name, on a host."""
        with open(self.path(f"{name}.err"), "ab") as errors:
            self.processes[name] = self.hosts[host].start(
                list(command), env=self.environment, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors,
                start_new_session=True, cwd=self.directory,
            )  # fmt: skip

    def start_munged(self) -> None:
        names = {"key-file": "munge.key", "socket": "munge.sock", "pid-file": "munged.pid", "seed-file": "munge.seed"}
        options = [f"--{option}={self.path(name)}" for option, name in names.items()]
        self.run_daemon("munged", "controller", "munged", "--foreground", "--force", "--num-threads=2", *options)
        wait_until(lambda: answers(self.path("munge.sock")), "munged")

    def start_controller(self) -> None:
        self.run_daemon("slurmctld", "controller", "slurmctld", "-D", "-i", "-f", self.configuration)

    def start_node(self, node: str) -> None:
        self.run_daemon(node, node, "slurmd", "-D", "-f", self.configuration, "-N", node)

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Kill a daemon: `munged`, `slurmctld` or that of a node, whose jobs live on. Returns when it is dead.

        A controller that is killed by SIGKILL forgets what it was told in its last five seconds.
        """
        self.processes[name].send_signal(number)
        self.processes[name].wait()

    def restart_controller(self, number: int = signal.SIGTERM) -> None:
        """End the controller and start it again; returns when it answers."""
        self.kill("slurmctld", number)
        self.start_controller()
        self.wait_for_controller()

    def restart_node(self, node: str, number: int = signal.SIGTERM) -> None:
        """End the daemon of a node, whose jobs live on, and start it again; returns when the controller heard of it."""
        self.kill(node, number)
        old = self._daemon_began(node)
        wait_until(lambda: time.strftime(SECOND) > old, "another second")
        now = time.strftime(SECOND)
        self.start_node(node)
        wait_until(lambda: self._daemon_began(node) >= now, f"{node}, known to the controller")
        self.wait_for_nodes(node)

    def _daemon_began(self, node: str) -> str:
        """The second in which the daemon began that the controller knows, "" where it knows none."""
        found = re.search(r"\bSlurmdStartTime=(\d\S+)", self.scontrol("show", "node", node))
        return found[1] if found else ""

    def lose_node(self, node: str) -> None:
        """Cut a node's power: returns when nothing runs there any more. Slurm does not know."""
        self.hosts[node].stop()

    def return_node(self, node: str) -> None:
        """Start a node again that was lost; returns when it can be given jobs."""
        self._start_host(node)
        self.start_node(node)
        self.wait_for_nodes(node)

    def wait_for_controller(self) -> None:
        wait_until(lambda: self.run("scontrol", "ping", code=None).returncode == 0, "a controller that answers")

    def wait_for_nodes(self, *nodes: str) -> None:
        """Wait until these nodes can be given jobs.

        A controller that was killed may have forgotten that a job runs: it starts it once more, and drains its node.
        """
        self.wait_for_controller()

        def are_ready() -> bool:
            states = dict(re.findall(r"^(\S+) ([a-z]+)-?\s*$", self.nodes_shown(), re.M))  # idle* does not answer
            for node in nodes:
                if states.get(node) in ("drained", "draining"):
                    self.run("scontrol", "update", f"NodeName={node}", "State=RESUME", code=None)
            return all(states.get(node) in ("idle", "mixed", "allocated") for node in nodes)

        wait_until(are_ready, "nodes")

    def nodes_shown(self) -> str:
        return self.run("sinfo", "--noheader", "--Node", "--format=%N %T", code=None).stdout

    def pids_of(self, job: str) -> list[int]:
        """The PIDs, on our side, of what runs in a job; jobs of other clusters have the same number."""
        return [pid for node in self.nodes for pid in self.hosts[node].pids().values() if is_of_job(pid, job)]

    def run(self, *command: str, code: int | None = 0, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a command of Slurm on the login host."""
        options = {"env": self.environment, "cwd": self.directory, **options}
        with self.login.entered(options) as here:
            done = subprocess.run(command, capture_output=True, text=True, check=False, **here)
        if code is not None and done.returncode != code:
            raise AssertionError(f"{command} exits with {done.returncode}: {done.stdout}{done.stderr}")
        return done

    def scontrol(self, *arguments: str) -> str:
        return self.run("scontrol", *arguments).stdout

    def squeue(self, *arguments: str) -> str:
        return self.run("squeue", "--noheader", *arguments).stdout
