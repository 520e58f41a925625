"""The files of a cluster: slurm.conf with its nodes and partitions, cgroup.conf, munge's key, /etc/hosts."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Mapping

from ..endings import ENDINGS

MEMORY = "/sys/fs/cgroup/memory"  # of cgroups version 1, which take no daemon of the system's to set limits
LIMITS_MEMORY = os.path.exists(f"{MEMORY}/cgroup.procs")

SETTINGS = {
    "ClusterName": "tests",
    "CommunicationParameters": "NoCtldInAddrAny,NoInAddrAny",
    "AuthType": "auth/munge",
    "CredType": "cred/munge",
    "SlurmUser": "root",
    "SlurmdUser": "root",
    "ProctrackType": "proctrack/linuxproc",
    "TaskPlugin": "task/cgroup" if LIMITS_MEMORY else "task/none",
    "SwitchType": "switch/none",
    "MpiDefault": "none",
    "SchedulerType": "sched/backfill",
    "SchedulerParameters": "sched_interval=2,bf_interval=2,batch_sched_delay=0",
    "SelectType": "select/cons_tres",
    "SelectTypeParameters": "CR_CPU_Memory",
    "JobAcctGatherType": "jobacct_gather/none",
    "AccountingStorageType": "accounting_storage/none",
    "PreemptType": "preempt/partition_prio",
    "PreemptMode": "CANCEL",
    "DefMemPerCPU": "100",
    "ReturnToService": "2",
    "MinJobAge": "300",
    "KillWait": "5",  # seconds from TERM to KILL: within them a run that is cancelled writes down what it was at
    "InactiveLimit": "0",
    "SlurmdParameters": "config_overrides",
}

CGROUPS = """CgroupPlugin=cgroup/v1
CgroupMountpoint={}
ConstrainRAMSpace=yes
ConstrainSwapSpace=yes
AllowedSwapSpace=0
MinRAMSpace=1
"""


def write(directory: str, nodes: tuple[str, ...], settings: Mapping[str, str]) -> None:
    """Write them into the cluster's directory.

    settings: lines of slurm.conf beside, or instead of, those above.
    """
    os.chmod(directory, 0o755)
    os.mkdir(f"{directory}/state")
    os.makedirs(f"{directory}/cgroup/memory")
    with open(f"{directory}/munge.key", "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as key:
        key.write(os.urandom(1024))
    texts = {
        "hosts": f"127.0.0.1 localhost login controller {' '.join(nodes)}\n",
        "cgroup.conf": CGROUPS.format(f"{directory}/cgroup"),
        "slurm.conf": "".join(line + "\n" for line in _lines(directory, nodes, settings)),
    }
    for name, text in texts.items():
        with open(f"{directory}/{name}", "w") as file:
            file.write(text)


def _lines(directory: str, nodes: tuple[str, ...], settings: Mapping[str, str]) -> list[str]:
    places = {
        "SlurmctldHost": "controller(127.0.0.1)",
        "SlurmctldPort": str(free_port()),
        "AuthInfo": f"socket={directory}/munge.sock",
        "StateSaveLocation": f"{directory}/state",
        "SlurmdSpoolDir": f"{directory}/spool-%n",
        "SlurmctldPidFile": f"{directory}/slurmctld.pid",
        "SlurmdPidFile": f"{directory}/%n.pid",
        "SlurmctldLogFile": f"{directory}/slurmctld.log",
        "SlurmdLogFile": f"{directory}/%n.log",
    }
    size = "CPUs=16 RealMemory=8000 State=UNKNOWN"  # pretended: a job is a process that sleeps
    return [
        *(f"{name}={value}" for name, value in {**places, **SETTINGS, **settings}.items()),
        *(f"NodeName={node} NodeAddr=127.0.0.1 Port={free_port()} {size}" for node in nodes),
        "PartitionName=main Nodes=ALL Default=YES PriorityTier=1",
        "PartitionName=short Nodes=ALL MaxTime=1 PriorityTier=1",
        "PartitionName=urgent Nodes=ALL PriorityTier=9",  # its jobs preempt those of the others
        f"PartitionName=closed Nodes={nodes[0]} State=DOWN",
    ]


def free_port() -> int:
    """A port that nobody listens at, below those that the system gives by itself.

    Until somebody listens there, no other cluster gets it: a socket with its number for a name claims it for this
    process.
    """
    while True:
        port, claim = random.randint(12_000, 32_000), socket.socket(socket.AF_UNIX)
        with socket.socket() as probe:
            try:
                claim.bind(f"\0txlite-tests-port-{port}")
                probe.bind(("127.0.0.1", port))
            except OSError:
                claim.close()
            else:
                ENDINGS.enter_context(claim)
                return port
