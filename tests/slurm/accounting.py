"""Slurm's accounting, with a database of its own: only with it are there limits for a user, as on submitted jobs."""

from __future__ import annotations

import os
import shutil
import subprocess

from ..case import wait_until
from .cluster import PATH, Cluster, answers
from .configuration import free_port

PROGRAMS = ("slurmdbd", "sacctmgr", "mariadbd", "mariadb-install-db")
DAEMON = """AuthType=auth/munge
AuthInfo=socket={directory}/munge.sock
DbdHost=controller
DbdPort={port}
SlurmUser=root
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={storage}
StorageUser=root
StorageLoc=slurm
PidFile={directory}/slurmdbd.pid
LogFile={directory}/slurmdbd.log
"""


def missing() -> str:
    """Why there can be no accounting here, "" where it can."""
    absent = [name for name in PROGRAMS if not shutil.which(name, path=PATH)]
    return f"no Slurm with accounting to test with: {' '.join(absent)} not found" if absent else ""


class Accounting:
    """The accounting of a cluster, which starts and ends with it."""

    def __init__(self) -> None:
        self._port = free_port()
        self.cluster = Cluster(
            nodes=("n1",),
            AccountingStorageType="accounting_storage/slurmdbd",
            AccountingStorageHost="controller",
            AccountingStoragePort=str(self._port),
            AccountingStorageEnforce="associations,limits,qos",
        )
        self.cluster.settings["AccountingStoragePass"] = self.cluster.path("munge.sock")

    def start(self) -> None:
        """Start the cluster and its accounting, and enter this user."""
        self.cluster.start(self._start_daemons)

    def _start_daemons(self) -> None:
        self._start_database()
        text = DAEMON.format(directory=self.cluster.directory, port=self._port, storage=self._storage)
        with open(
            self.cluster.path("slurmdbd.conf"), "w", opener=lambda path, flags: os.open(path, flags, 0o600)
        ) as file:
            file.write(text)
        self.cluster.run_daemon("slurmdbd", "controller", "slurmdbd", "-D")
        wait_until(lambda: self._ask("show", "cluster").returncode == 0, "slurmdbd")
        for what in (("cluster", "tests"), ("account", "some"), ("user", "root", "account=some")):
            self.change("add", *what)

    def _start_database(self) -> None:
        self._storage = free_port()
        directory, socket = self.cluster.path("mariadb"), self.cluster.path("mariadb.sock")
        options = ["--no-defaults", "--user=root", f"--datadir={directory}"]
        subprocess.run(
            ["mariadb-install-db", *options, "--auth-root-authentication-method=normal", "--skip-test-db"],
            env=self.cluster.environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        network = [f"--socket={socket}", "--bind-address=127.0.0.1", f"--port={self._storage}"]
        self.cluster.run_daemon("mariadbd", "controller", "mariadbd", *options, *network)
        wait_until(lambda: answers(socket), "mariadbd")

    def _ask(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.cluster.run("sacctmgr", "--immediate", *words, code=None)

    def change(self, *words: str) -> None:
        """Have sacctmgr change something, as in `user root set MaxSubmitJobs=2`."""
        done = self._ask(*words)
        if done.returncode:
            raise AssertionError(f"{words}: {done.stdout}{done.stderr}")
