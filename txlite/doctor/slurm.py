"""What of Slurm is here, whether attempts can be its jobs, and which commands hand their work to it by themselves.

A killed srun(1), salloc(1) or sbatch(1) leaves its job to the cluster, which runs on; the task would be tried again
beside it. An attempt that is a job itself is found and ended there, and a step that srun starts in it with it. Looks at
tasks that have not ended, and at config.ini's agents; nothing is changed. Called by `diagnose`.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from functools import partial

from .. import text
from ..agents.agent import describe_agent
from ..errors import Error
from ..execution.executors import slurm_check
from ..execution.executors.slurm_options import parse_options
from ..execution.places import is_said_shared
from ..home import config
from ..store.integrity import Inspection
from ..store.store import open_store
from ..system import mounts
from .filesystem import nearest_directory
from .probe import LIMITED, OK, Check, Finding

STEPS = ("srun",)  # where an attempt is a job: a step of it
COMMANDS = (*STEPS, "salloc", "sbatch")
# What stands before a command and is none, each perhaps with options and a number.
_BEFORE = frozenset(
    "! command do elif else env exec if nice nohup setsid stdbuf sudo then time timeout until while".split()
)
LONG = 60.0  # seconds for what reads the whole database
PATIENCE = 40.0  # seconds for Slurm: without a controller its commands try for nine and more
SHOWN = 6  # partitions
ADVICE = (
    "let the task itself be the job: `txlite add --slurm OPTIONS -- COMMAND`, or `run --executor slurm` "
    "(`txlite help slurm`)"
)


def checks(home: str) -> list[Check]:
    """Return the check of Slurm, and of whether attempts of this home could be its jobs."""
    if not is_here():
        return [Check("Slurm", lambda: [Finding("Slurm", OK, "not here: attempts run on this machine")])]
    silent = _found_silent(f"no answer within {PATIENCE:g} s")
    return [Check("Slurm", partial(check_cluster, home), PATIENCE, silent)]


def is_here() -> bool:
    """Return whether there is anything of Slurm."""
    return shutil.which("sbatch") is not None


def content_checks(home: str) -> list[Check]:
    """Return the check of commands that hand their work to Slurm."""
    return [Check("jobs by hand", partial(check_jobs, home), LONG)]


def check_cluster(home: str) -> list[Finding]:
    """Ask the controller who it is, what a job gets that says nothing of memory, and whether it would take one; whether
    there is accounting, and whether nodes see home."""
    missing = [name for name in slurm_check.COMMANDS if not shutil.which(name)]
    if missing:
        found = f"{', '.join(missing)} not on PATH: attempts cannot be jobs"
        return [Finding("Slurm", LIMITED, found, "load Slurm's module, or add its directory to PATH")]
    answer = slurm_check.ask(["scontrol", "show", "config"])
    if answer.code:
        return [_found_silent(text.shorten(answer.reason, 120))]
    settings = dict(re.findall(r"^(\w+)\s*= (.*?) *$", answer.output, re.M))
    return [
        _describe(settings),
        *_check_memory(settings),
        _check_accounting(),
        *check_home(home),
        *check_submission(home),
    ]


def _describe(settings: dict[str, str]) -> Finding:
    partitions = slurm_check.ask(["sinfo", "-h", "-o", "%R"]).output.split()
    name = f"{settings.get('SLURM_VERSION', 'of an unknown version')}, cluster {settings.get('ClusterName', '?')}"
    more = ", …" if len(partitions) > SHOWN else ""
    found = f"{name}, answers; partitions: {', '.join(partitions[:SHOWN])}{more}"
    return Finding("Slurm", OK, text.printable(found))


def _found_silent(words: str) -> Finding:
    found = f"its controller does not answer ({words}): attempts wait until it does"
    return Finding("Slurm", LIMITED, found, "`scontrol ping` shows who should")


def _check_memory(settings: dict[str, str]) -> list[Finding]:
    is_counted = "MEMORY" in settings.get("SelectTypeParameters", "").upper()
    if not is_counted or settings.get("DefMemPerNode") != "UNLIMITED":
        return []
    found = "a job that does not say how much it needs gets all of its node: one attempt on each"
    return [Finding("job memory", LIMITED, found, "`slurm = --mem=4G` in config.ini, or `--slurm --mem=4G`")]


def _check_accounting() -> Finding:
    if shutil.which("sacct"):
        answer = slurm_check.ask(["sacct", "-n", "-X", "-S", "now-1minutes"])
        if not answer.code:
            return Finding("accounting", OK, "sacct answers: why a job ended is known long after")
        said = text.shorten(answer.reason, 80)
    else:
        said = "sacct is not here"
    return Finding("accounting", OK, f"{said}: why a job ended the controller is asked, which soon forgets it")


def check_home(home: str) -> list[Finding]:
    """Tell whether nodes see home, as a run decides it."""
    place = nearest_directory(home)
    kind = mounts.file_system(place) or "a file system of unknown type"
    if mounts.is_on_network(place):
        return [Finding("shared home", OK, f"{kind}, a network file system, as jobs need it")]
    if _says_shared(home):
        return [Finding("shared home", OK, f"{kind}, and config.ini says that nodes see it (slurm_shared)")]
    if slurm_check.is_seen_by_nodes(place):
        return [Finding("shared home", OK, f"{kind}; the only node is this host")]
    advice = (
        "give one that nodes share, with --home; or `slurm_shared = yes` under [txlite] in config.ini, if they see it"
    )
    return [Finding("shared home", LIMITED, f"{kind}, which nodes do not see: attempts cannot be jobs", advice)]


def check_submission(home: str) -> list[Finding]:
    """Have Slurm test a job with the options of config.ini."""
    try:
        options = parse_options(config.option(config.read(home), "slurm", ""))
        slurm_check.check_slurm(home, tuple(options), is_shared=True)
    except Error as error:
        return [Finding("jobs", LIMITED, str(error), "see `slurm` in config.ini; for a single run: --slurm OPTIONS")]
    return [Finding("jobs", OK, "Slurm would take one" + (", with config.ini's options" if options else ""))]


def _says_shared(home: str) -> bool:
    try:
        return is_said_shared(config.read(home))
    except Error:
        return False  # said already, of config.ini


def check_jobs(home: str) -> list[Finding]:
    """Look for commands in the queue, and for agents, that hand their work to Slurm by themselves."""
    are_jobs = _runs_as_jobs(home)
    with open_store(home, read_only=True) as store:
        found = Inspection(store.database).open_commands(COMMANDS)
    tasks = [id for id, command, options in found if hands_over(command, are_jobs or options is not None)]
    whose = [f"agent {name}" for name in _find_agents(home, are_jobs)]
    if tasks:
        names = ", ".join(tasks[:3]) + (", …" if len(tasks) > 3 else "")
        whose.insert(0, f"{len(tasks)} waiting or running task{'s' * (len(tasks) > 1)} ({names})")
    if not whose:
        return [Finding("jobs by hand", OK, "no command in the queue hands its work to Slurm by itself")]
    said = f"{' and '.join(whose)} hand their work to Slurm: when an attempt is killed, that job runs on"
    return [Finding("jobs by hand", LIMITED, said, ADVICE)]


def _runs_as_jobs(home: str) -> bool:
    try:
        return config.option(config.read(home), "executor", "local") == "slurm"
    except Error:
        return False


def _find_agents(home: str, are_jobs: bool) -> list[str]:
    try:
        settings = config.read(home)
        agents = [describe_agent(name, settings) for name in config.agents(settings)]
    except Error:
        return []
    return sorted(agent.name for agent in agents if hands_over(shlex.join(agent.argv), are_jobs))


def hands_over(command: str, is_job: bool = False) -> bool:
    """Return whether a line for the shell calls one of COMMANDS, as far as can be told without running it. is_job: it
    runs as a job, in which srun starts a step of that."""
    wanted = [name for name in COMMANDS if not (is_job and name in STEPS)]
    return any(_first_word(part.split()) in wanted for part in re.split(r"[;&|(){}`\n]", command))


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
