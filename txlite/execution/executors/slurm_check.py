"""Whether attempts could run as jobs of this Slurm, asked before anything is claimed or submitted.

Slurm's own test of a submission (`sbatch --test-only`) tells of options, partitions, accounts and permissions. That a
Slurm does not answer now is no reason to refuse: it is waited for. Called by `places`, and by `doctor`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time

from ...errors import Refused, StoreUnavailable
from ...system import clock, mounts
from ..allocation import find_own
from .slurm_command import Answer, plain
from .slurm_submissions import is_crowded, is_silent
from .slurm_way import StepWay
from .step_submissions import step_environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

COMMANDS = ("sbatch", "squeue", "scancel", "scontrol")
OF_STEPS = ("srun", "squeue", "scancel")
SOON, PATIENCE = 3.0, 30.0  # seconds: until a person is told that there is no answer yet, and until it is given up
SETTLING = 10.0  # seconds after its start in which a controller may say that there is no such node, though there is
NO_NODE = "node configuration is not available"
_BOOT = re.compile(r"^BOOT_TIME\s*=\s*(\S+)", re.M)
_UP = re.compile(r"^(idle|mix|alloc)[^*\s]?$", re.M)  # a node that answers, as sinfo(1) calls its state


def check_slurm(home: str, options: tuple[str, ...], is_shared: bool, say: Callable[[str], None] | None = None) -> None:
    """Raise Refused where there is no Slurm, or it refuses such jobs; StoreUnavailable where nodes would not see home.

    is_shared: home is seen by the nodes, as its owner says; say: tells a person who has to wait."""
    missing = [name for name in COMMANDS if not shutil.which(name)]
    if missing:
        raise Refused(f"there is no Slurm here: {missing[0]} is not on PATH: load its module, or use --executor local")
    if not is_shared and not is_seen_by_nodes(home):
        raise _not_seen(home)
    answer = _test_submission(options, say)
    if answer.code > 0 and not _may_mean_later(answer):
        given = f" with {' '.join(options)}" if options else ""
        raise Refused(f"Slurm refuses such jobs{given}: {answer.reason}")


def _test_submission(options: tuple[str, ...], say: Callable[[str], None] | None) -> Answer:
    """What Slurm says of such a job. A controller that was started just now, and knows no node for it, is asked again:
    it knows its nodes before it can use them."""
    while True:
        answer = ask(["sbatch", "--test-only", "--parsable", "--no-requeue", *options], b"#!/bin/sh\n", say=say)
        if not answer.code or NO_NODE not in answer.output or _may_mean_later(answer) or not _is_settling():
            return answer
        time.sleep(1.0)


def _is_settling() -> bool:
    """Whether the controller was started less than SETTLING seconds ago."""
    said = _BOOT.search(ask(["scontrol", "show", "config"]).output)
    try:
        started = time.mktime(time.strptime(said[1] if said else "", "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return False
    return time.time() < started + SETTLING


def _may_mean_later(answer: Answer) -> bool:
    """Whether Slurm does not answer, has too many jobs of this user, or says only that there is no such node now, and
    none is up: it says so of any job then."""
    if is_silent(answer.output) or is_crowded(answer.output, took_others=True):
        return True
    if NO_NODE not in answer.output:
        return False
    nodes = ask(["sinfo", "-h", "-N", "-o", "%t"])
    return nodes.code == 0 and not _UP.search(nodes.output)


def check_steps(home: str, options: tuple[str, ...], is_shared: bool, say: Callable[[str], None] | None = None) -> None:
    """Raise Refused where this is no allocation, or no such step can be started in it; StoreUnavailable where its other
    nodes would not see home."""
    missing = [name for name in OF_STEPS if not shutil.which(name)]
    if missing:
        raise Refused(f"there is no Slurm here: {missing[0]} is not on PATH: load its module, or use --executor local")
    if find_own() is None:
        here = "a shell of salloc's is outside of its own" if "SLURM_JOB_ID" in os.environ else "this is none"
        raise Refused(
            f"steps are run inside an allocation, and {here}: `txlite slurm script` prints a job that runs them"
        )
    is_one_node = os.environ.get("SLURM_JOB_NUM_NODES") == "1"
    if not is_shared and not is_one_node and not mounts.is_on_network(home):
        raise _not_seen(home)
    # It waits for nobody: what an earlier run left may have all CPUs.
    command = [*StepWay().command("tx-check", options), "--overlap", "true"]
    answer = ask(command, environment=step_environment(os.environb), say=say)
    if answer.code > 0 and not is_silent(answer.output):
        given = f" with {' '.join(options)}" if options else ""
        raise Refused(f"Slurm refuses such steps{given}: {answer.reason}")


def _not_seen(home: str) -> StoreUnavailable:
    return StoreUnavailable(
        f"home {home} lies on {mounts.file_system(home)}, which other nodes do not see: give one that they share with "
        "--home or, if they see it, set `slurm_shared = yes` under [txlite] in its config.ini"
    )


def is_seen_by_nodes(home: str) -> bool:
    """Return whether the nodes of this Slurm see home, as far as that can be told: it lies on a file system of the
    network, or this host is the only node."""
    if mounts.is_on_network(home):
        return True
    answer = ask(["sinfo", "-h", "-N", "-o", "%n"])
    nodes = {line.strip() for line in answer.output.splitlines()}
    return answer.code == 0 and nodes == {clock.host().partition(".")[0]}


def ask(
    argv: list[str],
    stdin: bytes = b"",
    environment: Mapping[bytes, bytes] | None = None,
    say: Callable[[str], None] | None = None,
) -> Answer:
    """Run a command of Slurm's to its end, within a deadline; a code below 0 is no answer.

    say: tells a person who has to wait."""
    asked = clock.monotonic()
    try:
        with subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=environment or plain(os.environb),
        ) as process:  # fmt: skip
            try:
                output = _read(process, stdin, f"Slurm has not answered yet, and is waited for ({argv[0]})", say)
            finally:
                process.kill()
    except (OSError, subprocess.TimeoutExpired) as error:
        return Answer(-1, str(error), asked)
    return Answer(process.returncode, output.decode("utf-8", "replace"), asked)


def _read(process: subprocess.Popen[bytes], stdin: bytes, words: str, say: Callable[[str], None] | None) -> bytes:
    try:
        return process.communicate(stdin, SOON)[0]
    except subprocess.TimeoutExpired:
        if say:
            say(words)
    return process.communicate(timeout=PATIENCE - SOON)[0]
