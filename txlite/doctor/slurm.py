"""Which commands hand their work to Slurm, where no tree of processes that we end reaches it.

A killed srun(1), salloc(1) or sbatch(1) leaves its job to the cluster, which runs on; the task would be tried again
beside it. Looks at tasks that have not ended, and at config.ini's agents; nothing is changed. Called by `diagnose`.
"""

from __future__ import annotations

import os
import re
import shlex
from functools import partial

from ..agents.agent import describe_agent
from ..errors import Error
from ..home import config
from ..store.integrity import Inspection
from ..store.store import open_store
from .probe import LIMITED, OK, Check, Finding

COMMANDS = ("srun", "salloc", "sbatch")
# What stands before a command and is none, each perhaps with options and a number.
_BEFORE = frozenset(
    "! command do elif else env exec if nice nohup setsid stdbuf sudo then time timeout until while".split()
)
LONG = 60.0  # seconds for what reads the whole database
ADVICE = "call it as `srun --job-name=$TXLITE_TASK ...`; when an attempt was killed, end its job by `scancel --name=ID`"


def checks(home: str) -> list[Check]:
    """Return the check of commands that hand their work to Slurm."""
    return [Check("Slurm", partial(check_jobs, home), LONG)]


def check_jobs(home: str) -> list[Finding]:
    """Look for commands in the queue, and for agents, that are jobs of Slurm."""
    with open_store(home, read_only=True) as store:
        tasks = [id for id, command in Inspection(store.database).open_commands(COMMANDS) if calls_slurm(command)]
    whose = [f"agent {name}" for name in _find_agents(home)]
    if tasks:
        names = ", ".join(tasks[:3]) + (", …" if len(tasks) > 3 else "")
        whose.insert(0, f"{len(tasks)} waiting or running task{'s' * (len(tasks) > 1)} ({names})")
    if not whose:
        return [Finding("Slurm", OK, "no command in the queue hands its work to it")]
    found = f"{' and '.join(whose)} hand their work to it: when an attempt is killed, that job runs on"
    return [Finding("Slurm", LIMITED, found, ADVICE)]


def _find_agents(home: str) -> list[str]:
    try:
        settings = config.read(home)
        agents = [describe_agent(name, settings) for name in config.agents(settings)]
    except Error:
        return []  # said already, of config.ini
    return sorted(agent.name for agent in agents if calls_slurm(shlex.join(agent.argv)))


def calls_slurm(command: str) -> bool:
    """Return whether a line for the shell calls one of COMMANDS, as far as can be told without running it."""
    return any(_first_word(part.split()) in COMMANDS for part in re.split(r"[;&|(){}`\n]", command))


def _first_word(words: list[str]) -> str:
    """The command of a simple command, without its directory."""
    is_prefixed = False
    for word in words:
        name = os.path.basename(word.strip("\"'"))
        if name in _BEFORE:
            is_prefixed = True
        elif not re.match(r"\w+=", word) and not (is_prefixed and re.match(r"-|\d", word)):
            return name
    return ""
