"""The course of one attempt as a job of Slurm: from its ticket to its result.

It is told what Slurm says, and looks at its files; it does nothing itself but use its ticket. Guarantee: the result is
there only when its guard wrote that nothing of it is left, or when Slurm lists no job of its name any more, by a
command that succeeded, and its ticket cannot be used; a job that ran and of which its guard wrote nothing is given a
moment for that; where Slurm forgot it, nobody knows whether it runs, and its task is put aside. Made by `slurm`; what
it wants of Slurm, `slurm_cluster` sees and does.
"""

from __future__ import annotations

from ...model import DONE, FAILED, INTERRUPTED, LOST, NODE_FAILED, PREEMPTED, QUEUED, REFUSED, RUNNING, UNKILLABLE
from ...store.attempts import Result
from ...system import clock
from .job_parts import JobDeadlines, JobEnd, JobOutput, describe_ending
from .slurm_records import judge_exit, judge_gone, judge_untaken
from .ticket import EXIT, TAKEN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from ...agents.results import Sink
    from ..executor import Limits
    from .slurm_records import JobRecord
    from .ticket import Exit, Ticket

NEVER = float("inf")
MOMENT = 6.0  # seconds for a guard that was killed to clear up behind itself, and for a file to be seen here
# The same for a job of which Slurm says nothing: a controller that was killed forgets some, which run on.
FORGOTTEN = 60.0
VERDICT = 20.0  # seconds for Slurm to say why an attempt did not exit with 0
SETTLING = 10.0  # seconds for Slurm to show that a job runs whose ticket was taken


class JobCourse:
    """One job, or step. `state`: model.QUEUED or RUNNING; `id`: as Slurm knows it, "" before; `around`: the job that a
    step is of; `reason`: Slurm's, why it waits; `node`: where it runs; `wants_submission`: it is to be submitted once
    more; `wants_history`: it is to be asked what became of it, as it is listed no more."""

    def __init__(self, name: str, ticket: Ticket, script: bytes, sink: Sink, limits: Limits) -> None:
        """name: of its job. script: of its job; b"" where another process submits it, or did."""
        self.result: Result | None = None
        self.name = name
        self.ticket = ticket
        self.script = script
        self.id = self.around = self.reason = self.node = ""
        self.state = QUEUED
        self.wants_submission = self.wants_history = False
        self.retries_node_failure = False
        self.deadlines = JobDeadlines(limits)
        self.end = JobEnd(limits.kill_after)
        self._output = JobOutput(ticket, sink)
        self._is_sent = False  # it may be in Slurm
        self._is_unsure = False  # and nobody knows whether it is
        self._was_unsure = False  # so it may be there twice
        self._sure_since = NEVER  # monotonic time from which on an answer of squeue's counts
        self._started = 0.0  # monotonic time at which it was first seen to run
        self._exit: Exit | None = None
        self._last: JobRecord | None = None  # the last that Slurm said of it
        self._over_at = 0.0  # monotonic time at which its end was first seen
        self._is_gone = False  # Slurm lists it no more

    @property
    def place(self) -> str | None:
        """Return where it runs, or is to run, in words."""
        job = self.id or self.around
        return f"job {job}" + (f" on {self.node}" if self.node else "") if job else None

    @property
    def note(self) -> dict[str, object]:
        """Return what is told of it, and what finds it again."""
        told = {"job": self.id, "place": self.place, "state": self.state, "reason": self.reason}
        return {**told, **describe_ending(self.end.result)}

    @property
    def signal(self) -> str:
        """Return what is to be sent to it now, or "". A controller that was killed gives the ids that it forgot to
        other jobs: an id is not used before Slurm has said whose it is, nor when it is listed no more."""
        return "" if self._is_unsure or self._is_gone or not self.id else self.end.signal

    @property
    def is_pressing(self) -> bool:
        """Whether somebody waits for what Slurm says of it."""
        return bool(self.end.result or self._exit or self._is_gone or self._is_unsure)

    def stop(self, result: Result, only_queued: bool = False) -> None:
        """End it with this result, its ticket revoked; only_queued: if it has not started."""
        if self.result or self.end.result or (only_queued and self.state != QUEUED):
            return
        has_run = not self.ticket.revoke()
        if has_run and only_queued:
            return
        self.end.decide(result, has_run)
        if not self._is_sent:
            self._finish(result)

    def see(self, endings: Collection[str]) -> None:
        """Look at which of its files there are."""
        if TAKEN in endings and self.state == QUEUED:
            self.state, self.reason, self._started = RUNNING, "", clock.monotonic()
            self.deadlines.start(self._started - (0.0 if self.script else self.ticket.age))
        if EXIT in endings and not self._exit:
            self._exit = self.ticket.read_exit()
            self._over_at = self._over_at or clock.monotonic()

    def hear_sent(self) -> None:
        """Take it that it is being submitted."""
        self._is_sent, self.wants_submission = True, False
        self._sure_since = NEVER

    def hear_submitted(self, id: str) -> None:
        """Take its id: Slurm has it."""
        self.id, self._is_unsure, self.reason = id, False, ""
        self._sure_since = clock.monotonic()

    def hear_silence(self) -> None:
        """Take it that nobody knows whether Slurm has it."""
        self._is_sent = self._is_unsure = self._was_unsure = True
        self._sure_since = clock.monotonic()

    def hear_no_room(self, words: str) -> None:
        """Take it that Slurm has no room for it now."""
        self._is_sent, self.reason = self._was_unsure, words
        if self.end.result and not self._is_sent:
            self._finish(self.end.result)

    def hear_refused(self, words: str) -> None:
        """Take it that Slurm does not want it."""
        if self.ticket.revoke() or not self._was_unsure:
            self._finish(self.end.result or Result(REFUSED, note=f"Slurm refused its job: {words}"))
        else:
            self.hear_silence()  # it has come the time before, and runs

    def hear_records(self, records: list[JobRecord], asked: float) -> None:
        """Take what squeue said when it was asked at this time, and succeeded."""
        if self.result or asked < self._sure_since:
            return
        alive = [record for record in records if not record.is_over]
        self._last = next(iter(alive or records), self._last)
        if alive:
            self._hear_alive(alive[0], asked)
        elif self._never_came(records):
            self._is_unsure, self.wants_submission, self._sure_since = False, True, NEVER
        elif not self._is_gone:
            self._is_gone, self._is_unsure = True, False
            self._over_at = self._over_at or clock.monotonic()
            self.wants_history = not is_over(self._last) and bool(self.id)

    def _never_came(self, records: list[JobRecord]) -> bool:
        """Whether it was lost on its way to Slurm, and is wanted there."""
        return self._is_unsure and not records and self.end.result is None and bool(self.script)

    def _hear_alive(self, record: JobRecord, asked: float) -> None:
        self.id, self._is_gone, self._is_unsure = record.id, False, False
        self._over_at = self._over_at if self._exit else 0.0
        if record.is_waiting:
            self.reason = "" if record.reason == "None" else record.reason
        else:
            self.node, self.reason = record.node, ""
        if record.is_waiting and self.state == RUNNING and asked > self._started + SETTLING:
            self.stop(Result(PREEMPTED, note=f"Slurm stopped it, and would start it again (job {self.id})"))
        self.end.note_alive(asked)

    def hear_final(self, record: JobRecord | None) -> None:
        """Take what Slurm remembers of a job that it does not list any more."""
        self._last = record or self._last

    def turn(self) -> None:
        """Do what is due: take output, heed the limits, decide whether it is over."""
        now = clock.monotonic()
        if self.state == RUNNING:
            self._output.take(now)
        if self._exit:
            self._judge_exit(self._exit, now)
        elif self._is_gone:
            self._judge_gone(now)
        else:
            passed = self.deadlines.find_passed(now)
            if passed:
                self.stop(passed)
            self.end.advance(now)

    def _judge_exit(self, ended: Exit, now: float) -> None:
        self.node = self.node or ended.node
        if ended.manner == UNKILLABLE:
            note = f"processes of it on {ended.node} could not be killed"
            return self._finish(Result(UNKILLABLE, ended.code, note=note))
        if self.end.result:
            return self._finish(self.end.result._replace(exit_code=ended.code))
        if not ended.is_plain and not self._is_gone and now < self._over_at + VERDICT:
            return None  # why, Slurm will say
        return self._finish(judge_exit(ended, self._last, self.id))

    def _judge_gone(self, now: float) -> None:
        """Nothing of it is listed any more; its ticket must not be used, and a guard may still write."""
        self.node = self.node or (self._last.node if self._last else "")
        if self.ticket.is_taken:
            if now >= self._over_at + (MOMENT if is_over(self._last) else FORGOTTEN):
                self._finish(judge_gone(self._last, self.id, self.end.result))
        elif self.ticket.is_revoked:
            self._finish(self.end.result or Result(INTERRUPTED, note="it was stopped, and had not started"))
        elif self.ticket.revoke():
            self._finish(self.end.result or judge_untaken(self._last, self.id))

    def _finish(self, result: Result) -> None:
        self._output.drain()
        if result.outcome == FAILED and self.ticket.is_done_said:
            result = result._replace(outcome=DONE, note="it had said done")
        if result.outcome == NODE_FAILED and self.retries_node_failure:
            result = result._replace(outcome=LOST)
        duration = self.ticket.duration()
        if duration is None:
            duration = clock.monotonic() - self._started if self._started else 0.0
        self.result = result._replace(duration=duration, place=self.place)


def is_over(record: JobRecord | None) -> bool:
    """Return whether Slurm knows that a job has ended."""
    return record is not None and record.is_over
