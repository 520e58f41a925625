"""What an agent of a loop is told: one task, what is known about it, and how to say that it is done.

Guarantees: its size depends on the task alone, never on the queue. Called for each attempt (`agent_turn`), and by the
command `ralph` for its dry run.
"""

from __future__ import annotations

from .. import text
from ..model import APPROVAL, COSTLY, REJECTED, describe_agent
from .reason import find_reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model import Attempt, Task, Verdict
    from ..store.store import Store

SHOWN = 20  # dependencies that are named
TITLE = 100  # characters of their titles


def write(
    template: str,
    store: Store,
    task: Task,
    gate: str | None = None,
    done_file: str = "DONE-FILE",
    goes_on: bool = False,
    is_committed: bool = False,
    by: str = "",
) -> str:
    """Return the prompt of a task: the template (`home.prompt_templates`) with its places filled in.

    goes_on: unfinished work of another attempt is in the directory. is_committed: its work will be. by: by whom this
    attempt is made, in words.
    """
    values: dict[str, object] = {
        "TASK_ID": task.id,
        "TASK_TITLE": task.title,
        "TASK_DESCRIPTION": task.description or "(The title says it all.)",
        "DEPENDENCIES": _dependencies(store, task),
        "LAST_ATTEMPT": _last_attempt(store, task, goes_on, by),
        "GATE": f"The task counts as done only if this command succeeds here: `{gate}`" if gate
        else "Check your work before you call it done.",
        "COMMIT": "Leave commits alone: all that is changed here is committed when you have ended." if is_committed
        else "Nothing is committed for you.",
        "DONE_FILE": done_file,
    }  # fmt: skip
    return text.expand(template, values)


def _dependencies(store: Store, task: Task) -> str:
    blockers = store.relations([task])[task.id].blocked_by
    if not blockers:
        return ""
    lines = [f"- {one.id}: {text.shorten(one.title, TITLE)}" for one in map(store.get, blockers[:SHOWN])]
    more = len(blockers) - SHOWN
    lines += [f"- and {more} more (`txlite show {task.id}`)"] if more > 0 else []
    return "\n".join(["## Done before it, because it needs them", "", *lines, "", ""])


def _last_attempt(store: Store, task: Task, goes_on: bool, by: str) -> str:
    """What the next one must know of the one before it."""
    ended = [attempt for attempt in store.attempts(task.id) if attempt.ended and attempt.agent != APPROVAL]
    failed = [attempt for attempt in ended if attempt.outcome in COSTLY]
    parts = [_whose_turn(failed, by)] if failed and by else []
    parts += [_failure(store, failed[-1])] if failed else []
    parts += _rejected_unheard(store, ended, failed[-1].id if failed else 0)
    parts += _unaccepted(store, task, ended, goes_on)
    return "\n".join(["## Earlier attempts", "", *parts, ""]) if parts else ""


def _rejected_unheard(store: Store, ended: list[Attempt], since: int) -> list[str]:
    """What a reviewer said of work whose attempt, a later one than `since`, was cut off before it could say so."""
    for attempt in [one for one in reversed(ended) if one.id > since]:
        said = _said_against(store, attempt)
        if said:
            words = f"The reviewer {said.reviewer} did not accept the work of an attempt that was cut off then:\n\n"
            return [words + _indented(text.printable_lines(said.reason))]
    return []


def _said_against(store: Store, attempt: Attempt) -> Verdict | None:
    """The last verdict of a reviewer that did not accept an attempt's work."""
    said = [one for one in store.reviews.verdicts(attempt.id) if one.reviewer and one.verdict == REJECTED]
    return said[-1] if said else None


def _indented(words: str) -> str:
    return "".join(f"    {line}\n" for line in words.split("\n"))


def _unaccepted(store: Store, task: Task, ended: list[Attempt], goes_on: bool) -> list[str]:
    """What a person rejected, and what was not finished."""
    rejection = store.approvals.last_rejection(task)
    if rejection and ended[-1].id == rejection.attempt:
        return [_rejection(store, rejection, goes_on)]
    parts = [_rejection(store, rejection, False)] if rejection else []
    return [*parts, _cut_off(ended[-1])] if goes_on and ended else parts


def _cut_off(attempt: Attempt) -> str:
    by = describe_agent(attempt.agent, attempt.level) if attempt.agent else "somebody"
    why = f" ({text.printable(attempt.note)})" if attempt.note else ""
    return (
        f"An attempt by {by} was cut off{why}. Its unfinished changes are in this directory: look at them, and go on.\n"
    )


def _whose_turn(failed: list[Attempt], by: str) -> str:
    """Which attempt this is, and by whom, where that is another one than before."""
    count, last = f"This is attempt {len(failed) + 1}", describe_agent(failed[-1].agent, failed[-1].level)
    return f"{count}.\n" if by == last else f"{count}, by {by}, because the one before it, by {last}, did not pass.\n"


def _rejection(store: Store, rejection: Verdict, is_here: bool) -> str:
    """What a person said of the work of an attempt; is_here: the work is in the directory as that attempt left it."""
    words = "A person looked at the work of an attempt before, and did not accept it:\n\n"
    words += _indented(text.printable_lines(rejection.reason))
    review = store.reviews.get(rejection.attempt)
    if is_here:
        return words + "\nThat work is in this directory, as its last commit (`git show`): go on with it.\n"
    return words + (f"\n`git show {review.work}` shows that work.\n" if review else "")


def _failure(store: Store, attempt: Attempt) -> str:
    record = store.loop_attempts.get(attempt.id)
    words = f"The last attempt did not pass: {text.printable(attempt.note or f'exit {attempt.exit_code}')}.\n"
    if record and record.parked:
        words += f"What it had changed is not here any more; `git show {record.parked}` shows it.\n"
    said = _said_against(store, attempt)
    parts = [(f"what the reviewer {said.reviewer} said", text.printable_lines(said.reason))] if said else []
    for heading, part in [*parts, *find_reason(store.home, attempt).parts]:
        words += f"\n{heading[0].upper()}{heading[1:]}:\n\n{_indented(part)}"
    return words
