"""Mutants of runs inside an allocation of Slurm: whether one is over, the batch script, steps."""

from __future__ import annotations

from .mutant import Mutant

JUDGED, SCRIPTS, STEPS = "execution.test_allocation.Judged", "commands.test_slurm.Scripts", "slurm.test_steps.Steps"
ALLOCATION, SCRIPT = "execution/allocation.py", "execution/batch_script.py"

MUTANTS = (
    Mutant(
        "allocation-judged-unasked", ALLOCATION, "if found not in self._asked or self._command:", "if False:",
        "an answer that is older than an allocation says nothing of it", (JUDGED,),
    ),
    Mutant(
        "allocation-part-of-an-answer", ALLOCATION, ' and lines[-1] == "end"', "",
        "a squeue that failed says nothing", (JUDGED,),
    ),
    Mutant(
        "allocation-of-another-cluster", ALLOCATION,
        "if self._cluster is None or self._cluster != (found.cluster or self._cluster):", "if self._cluster is None:",
        "one cluster says nothing of another's jobs", (JUDGED,),
    ),
    Mutant(
        "allocation-on-a-node-that-failed", ALLOCATION, "if state in SILENT:", "if False:",
        "a node that failed may run on", (JUDGED,),
    ),
    Mutant(
        "allocation-earlier-start", ALLOCATION, "return OVER if found.restarts < self._own.restarts else ALIVE",
        "return ALIVE", "an earlier start of the own job is over", (JUDGED,),
    ),
    Mutant(
        "script-cancelled-at-its-limit", SCRIPT, '*" Reason=TimeLimit "*) warned=yes ;;', "",
        "a job that met its time limit is started again", (SCRIPTS,),
    ),
    Mutant(
        "script-disobedient", SCRIPT,
        '        *) exit "$code" ;;\n    esac\nfi', "        *) warned=yes ;;\n    esac\nfi",
        "who cancels the job is obeyed", (SCRIPTS,),
    ),
    Mutant(
        "script-without-time-to-work", SCRIPT, "-lt @SHORT@ ]", "-lt 0 ]",
        "a job that has no time to work is not started again", (SCRIPTS,),
    ),
    Mutant(
        "script-makes-a-home", SCRIPT, 'if ! [ -d "$TXLITE_HOME" ] || ! cd', "if ! cd",
        "no home is made where a node sees none", (SCRIPTS,),
    ),
    Mutant(
        "script-without-drain", SCRIPT, "if not order.has_drain:", "if False:",
        "a warning gives back what is too long", (SCRIPTS,),
    ),
    Mutant(
        "signal-of-its-own", "execution/guarded_process.py", "if number not in self._signals[self._heard :]:",
        "if False:", "an agent that ends itself by a signal has failed",
        ("execution.test_signals.Stopping.test_an_agent_that_ends_itself_by_a_signal_has_failed",),
    ),
    Mutant(
        "signal-not-waited-for", "execution/guarded_process.py", "        time.sleep(TOGETHER)\n", "",
        "a signal to all of a run is no failure of its agent", ("execution.test_guarded_process.Guarded",),
    ),
    Mutant(
        "allocation-asked-often", ALLOCATION, "min(self._pause * 2, LONGEST_PAUSE)", "FIRST_PAUSE",
        "Slurm is asked seldom", (JUDGED,),
    ),
    Mutant(
        "step-that-had-begun-is-forgotten", "execution/executors/step_submissions.py",
        "if not ended and job.ticket.is_taken:", "if False:",
        "a step that is not listed has ended", (f"{STEPS}.test_what_a_killed_allocation_left_is_lost",),
    ),
    Mutant(
        "step-goes-on-alone", "execution/presence.py", ' and "executor" not in note', "",
        "a step is lost with its worker", (f"{STEPS}.test_what_a_killed_allocation_left_is_lost",),
    ),
    Mutant(
        "lock-kept-by-who-looks", "execution/recovery.py", "            dead.let_go()\n", "            pass\n",
        "who only looks lets go of what it could not end", (f"{STEPS}.test_what_a_killed_allocation_left_is_lost",),
    ),
)  # fmt: skip
