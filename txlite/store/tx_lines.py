"""What lines of tx's say about tasks: {"op": "upsert", …} and {"op": "dep_add", …}, each checked by itself.

Used by `staging`; nothing here reads files or the database.
"""

from __future__ import annotations

from ..errors import InvalidValue
from ..model import BACKLOG, BLOCKED, DONE, PROMPT
from .import_lines import NO_LAUNCH, ImportLine, TaskLine, Waits, check_relations
from .import_values import line, moment, optional_moment, score, shown, task_id, text

# What tx calls a task that somebody works on is ready again here, and what it keeps for a person is blocked. Its own
# "blocked" is both a person's word and a task that waits for others: `staging` decides, which knows the dependencies.
TX_WAITS = "waits"
TX_STATES = {"backlog": BACKLOG, "ready": BACKLOG, "planning": BACKLOG, "active": BACKLOG, "done": DONE,
             "review": BLOCKED, "needs_review": BLOCKED, "human_needs_to_review": BLOCKED,
             "blocked": TX_WAITS}  # fmt: skip


def check(fields: dict[str, object], directory: str) -> ImportLine:
    """Check a line of tx's; what it says. `directory`: where its tasks are to run. Raises InvalidValue."""
    operation, data = fields["op"], fields.get("data")
    if operation == "dep_add":
        return _check_dependency(fields)
    if operation == "upsert" and isinstance(data, dict):
        return _check_task(fields, data, directory)
    raise InvalidValue(f"op {shown(operation)} is not taken: of tx's lines those with upsert and data, or dep_add, are")


def _check_dependency(fields: dict[str, object]) -> ImportLine:
    task = task_id(fields.get("blockedId", fields.get("taskId")), "blockedId")
    blocker = task_id(fields.get("blockerId"), "blockerId")
    check_relations(task, None, [blocker])
    return ImportLine(Waits(task, blocker))


def _check_task(fields: dict[str, object], data: dict, directory: str) -> ImportLine:
    task, status = task_id(fields.get("id"), "id"), data.get("status")
    if not isinstance(status, str) or status not in TX_STATES:
        raise InvalidValue(f"unknown status {shown(status)}: it is one of {', '.join(TX_STATES)}")
    updated = moment(fields.get("ts"), "ts")
    created = data.get("createdAt")
    record = TaskLine._make(
        (
            task,
            line(data.get("title"), "the title"),
            PROMPT,
            "",
            score(data.get("score", 0)),
            TX_STATES[status],
            None,
            0,
            updated if created is None else moment(created, "createdAt"),
            updated,
            optional_moment(data.get("completedAt"), "completedAt"),
            text(data.get("description") or "", "the description"),
            None,
            directory,
            *(None,) * 5,
            "",
            *(None,) * 7,
            *NO_LAUNCH,
            True,
        )
    )
    return ImportLine(record, *check_relations(task, data.get("parentId"), []))
