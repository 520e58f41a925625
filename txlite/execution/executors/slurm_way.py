"""In which form attempts come to Slurm: as jobs of their own, or as steps of the allocation in which this runs.

A way says which commands submit, list and signal them, and how what is listed is read; all else is the same for both:
tickets, guards, names, polling. A job is submitted by sbatch(1), which comes back at once; a step by srun(1), which
stays for as long as the step does (`step_submissions`). Made by `places`; used by `slurm` and `slurm_cluster`.
"""

from __future__ import annotations

import os
import re
from types import MappingProxyType

from .slurm_records import FIELDS, RUNNING, JobRecord, parse_records
from .slurm_submissions import Submissions
from .step_submissions import StepSubmissions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Union

    from .slurm_command import SlurmCommands
    from .slurm_polling import Polling

    Way = Union["JobWay", "StepWay"]

STEP_FIELDS = "%i|%j|%N"  # of squeue for steps: id, name, nodes
_STEP = re.compile(r"(\d+\.\d+)\|([^|]*)\|(.*)")


class JobWay:
    """Jobs of their own. `note`: what recovery must know; `remembers`: Slurm can be asked what became of one that is
    listed no more; `gently`: what scancel is told to send TERM to all of its processes."""

    name = "jobs"
    note: Mapping[str, str] = MappingProxyType({})
    remembers = True
    gently = ("--signal=TERM", "--full")
    listing = ("squeue", "-h", "--me", "-t", "all", "-o", FIELDS)

    def command(self, name: str, options: Sequence[str]) -> list[str]:
        """Return what submits the one of this name, but for what it is to run; options: a user's."""
        ours = ["--parsable", "--no-requeue", f"--job-name={name}", "--output=/dev/null", "--chdir=/"]
        return ["sbatch", *ours, *options]

    def make_submissions(
        self, uuid: str, commands: SlurmCommands, polling: Polling, say: Callable[[str], None]
    ) -> Submissions:
        """Return how they are submitted."""
        return Submissions(uuid, commands, polling, say)

    def parse(self, output: str, prefix: str) -> dict[str, list[JobRecord]]:
        """Return what is listed with names that begin so, by name."""
        return parse_records(output, prefix)


class StepWay:
    """Steps, each of one task on one node. `remembers`: nobody does."""

    name = "steps"
    note: Mapping[str, str] = MappingProxyType({"executor": "srun"})
    remembers = False
    gently = ("--signal=TERM",)
    listing = ("squeue", "-h", "--me", "--steps", "-o", STEP_FIELDS)

    def command(self, name: str, options: Sequence[str]) -> list[str]:
        """Return what starts the one of this name, but for what it is to run; options: a user's. Where the job
        is of so many tasks, each step has the CPUs of one; it shares its node's memory with the others."""
        ours = ["--exact", "--ntasks=1", "--nodes=1", f"--job-name={name}", "--output=none", "--input=none"]
        if "SLURM_NTASKS" in os.environ and os.environ.get("SLURM_CPUS_PER_TASK"):
            ours.append(f"--cpus-per-task={os.environ['SLURM_CPUS_PER_TASK']}")
        return ["srun", *ours, "--chdir=/", "--mem=0", *options]

    def make_submissions(
        self, uuid: str, commands: SlurmCommands, polling: Polling, say: Callable[[str], None]
    ) -> StepSubmissions:
        """Return how they are started."""
        return StepSubmissions(uuid, commands, polling)

    def parse(self, output: str, prefix: str) -> dict[str, list[JobRecord]]:
        """Return what is listed with names that begin so, by name: all of it is alive."""
        found: dict[str, list[JobRecord]] = {}
        for line in output.splitlines():
            match = _STEP.fullmatch(line.strip())
            if match and match[2].startswith(prefix):
                found.setdefault(match[2], []).append(JobRecord(match[1], RUNNING, "", match[3], match[2]))
        return found
