"""The batch script that runs a queue inside an allocation of Slurm, for longer than its time limit.

For any POSIX shell. Guarantees: warned before its time limit it has the run let go of everything, which costs no task
an attempt, and then has Slurm start it again; only while the run says that it was interrupted, and not where it could
not work in between. Who cancels it is obeyed. What crashes is started again a few times, and then no more. Composed for
the verb `slurm`.
"""

from __future__ import annotations

import re
import shlex

from ..errors import UsageError
from ..system.named_tuple import NamedTuple
from .executors.slurm_options import parse_options

SPARE = 10.0  # seconds between the end of what runs and the time limit
LATEST = 65535  # seconds before the end that Slurm can signal at the most: sbatch(1)
SHORT = 30  # seconds: warned sooner after its start, it could not work
REFUSED = {
    "array": "one job runs the queue",
    "signal": "--warn says when it is warned",
    "no-requeue": "it is started again until the queue is done",
    "open-mode": "its output goes on where it was",
    "wrap": "it is a script already",
    "test-only": "nothing would be run",
    "help": "nothing would be run",
    "usage": "nothing would be run",
    "version": "nothing would be run",
}

_SCRIPT = r"""#!/bin/sh
# A run of txlite inside an allocation of Slurm: give it to sbatch. It is warned before its time limit, lets what runs
# finish, gives back what does not, and has itself started again, until nothing is left to do.
#SBATCH --job-name=txlite
@OPTIONS@#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=B:USR1@@WARN@
warned= cancelled= heard= run=
stop() { [ -z "$run" ] || kill -TERM "$run" 2>/dev/null; }
trap 'heard=yes warned=yes; stop' USR1
trap 'heard=yes cancelled=yes; stop; sleep 2; stop' TERM
say() { echo "txlite: $*" >&2; }

export TXLITE_HOME=@HOME@
txlite() { exec @CALL@ "$@"; }
if ! [ -d "$TXLITE_HOME" ] || ! cd @DIRECTORY@; then
    say "node $(uname -n) does not see home $TXLITE_HOME, or where you were: have it on a file system that all share"
    exit 69
fi

nodes=${SLURM_JOB_NUM_NODES:-1} where=local
[ "$nodes" -le 1 ] || where=srun
many=${SLURM_NTASKS:-$((${SLURM_CPUS_ON_NODE:-4} * nodes))}

began=$(date +%s) tries=0 code=130
while [ -z "$warned$cancelled" ]; do
    txlite run @WORDS@ &
    run=$!
    [ -z "$warned$cancelled" ] || stop
    while heard=; wait "$run"; ended=$?; [ "$ended" = 127 ] || code=$ended; [ -n "$heard" ]; do :; done
    run= tries=$((tries + 1))
    case $code in
        69) # the host that it ran on before may still hold home, on a network file system, for some minutes
            [ "${SLURM_RESTART_COUNT:-0}" -gt 0 ] && [ "$tries" -le 30 ] || break ;;
        13[1-9] | 14?) # it crashed, or was killed, as by a lack of memory
            [ "$tries" -le 3 ] || break
            say "the run ended with $code, and is started again" ;;
        *) break ;;
    esac
    [ -n "$warned$cancelled" ] || sleep 10
done

case $code in 0 | 1 | 64 | 70) exit "$code" ;; esac
if [ -n "$cancelled" ]; then
    case $(scontrol -o show job "$SLURM_JOB_ID") in
        *" Reason=TimeLimit "*) warned=yes ;;
        *" JobState=RUNNING "*" PreemptTime=2"*) say "preempted: Slurm says what comes next"; sleep 3600 ;;
        *) exit "$code" ;;
    esac
fi
[ -n "$warned" ] || exit "$code"
if [ $(($(date +%s) - began)) -lt @SHORT@ ]; then
    say "its time limit leaves no time to work: give a longer one to sbatch, or a shorter --warn than @WARN@ seconds"
    exit "$code"
fi
say "not done: the job is started again"
for try in 1 2 3 4 5 6 7 8 9 10 11 12; do
    scontrol requeue "$SLURM_JOB_ID" && exit 0
    sleep 5
done
say "it could not be started again: give this script to sbatch once more"
exit "$code"
"""


class BatchOrder(NamedTuple):
    """What a batch script is to do."""

    call: str  # what stands in a shell before the arguments of txlite
    home: str
    directory: str
    words: list[str]  # options of `txlite run`
    options: str  # for sbatch
    warn: float  # seconds before its time limit
    kill_after: float  # seconds that the run leaves an agent between TERM and KILL
    has_executor: bool  # whether the options say where attempts run,
    has_workers: bool  # how many workers there are,
    has_drain: bool  # and how long what runs may finish


def compose_script(order: BatchOrder) -> str:
    """Return the script. Raises UsageError for options that sbatch shall not have, or time that it cannot give."""
    warn = int(order.warn + 0.999)
    if warn > LATEST:
        raise UsageError(f"a warning {warn} seconds before the time limit: Slurm gives one {LATEST} before it at most")
    options = "".join(f"#SBATCH {line}\n" for line in _write_lines(parse_options(order.options, REFUSED)))
    words = list(map(shlex.quote, order.words))
    if not order.has_executor:
        words.append('--executor "$where"')
    if not order.has_workers:
        words.append('--workers "$many"')
    if not order.has_drain:
        words.append(f"--drain {max(warn - order.kill_after - SPARE, 0.1):g}")
    values = {
        "OPTIONS": options,
        "WARN": str(warn),
        "HOME": shlex.quote(order.home),
        "CALL": order.call,
        "DIRECTORY": shlex.quote(order.directory),
        "WORDS": " ".join(words),
        "SHORT": str(min(SHORT, warn // 2)),
    }
    return re.sub("@([A-Z]+)@", lambda match: values[match[1]], _SCRIPT)


def _write_lines(words: list[str]) -> list[str]:
    """An option with its value a line, quoted as sbatch reads it."""
    lines: list[str] = []
    for word in words:
        if "\n" in word:
            raise UsageError("an option for sbatch must stand on one line")
        if word.startswith("-"):
            lines.append(_quote(word))
        else:
            lines[-1] += " " + _quote(word)
    return lines


def _quote(word: str) -> str:
    """A word of a line of #SBATCH, where a backslash is one also between quotes."""
    if re.fullmatch(r"[\w@%+=:,./-]+", word, re.ASCII):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
