"""Messages: what a person says to the agents of a task, and which attempt was told each first.

One that runs and listens is told what is new, the next one what was ever said (`execution.conversation`); no message
is longer than a prompt has room for. Reached as `Store.messages`.
"""

from __future__ import annotations

from .. import text
from ..errors import InvalidValue
from ..model import Message
from ..system import clock
from .tasks import seq_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .database import Database

LONGEST = 10_000  # characters of what is said to agents: more of it leaves no room for their task
INSERT = "INSERT INTO messages (task, at, words) VALUES (?, ?, ?)"
OF_TASK = """SELECT m.id, t.id, m.at, m.words, m.attempt FROM messages m JOIN tasks t ON t.seq = m.task
    WHERE t.id = ? ORDER BY m.id"""
TOLD = "UPDATE messages SET attempt = ? WHERE id = ? AND attempt IS NULL"


class Messages:
    """The messages of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, task: str, words: str) -> int:
        """Leave a word for the agents of the task with this id; its number. Raises TaskNotFound, InvalidValue."""
        with self._database.writing() as connection:
            values = (seq_of(connection, task), clock.now(), _check(words))
            return connection.execute(INSERT, values).lastrowid or 0

    def of(self, task: str) -> list[Message]:
        """Return all messages to the agents of the task with this id, oldest first."""
        return list(map(Message._make, self._database.execute(OF_TASK, (task,))))

    def waiting(self, task: str) -> list[Message]:
        """Return those that no attempt was told yet."""
        return [one for one in self.of(task) if one.attempt is None]

    def tell(self, messages: Iterable[int], attempt: int) -> None:
        """Note that an attempt was told these messages, by their numbers; what was told before stays as it is."""
        with self._database.writing() as connection:
            connection.executemany(TOLD, [(attempt, id) for id in messages])


def check_length(words: str, what: str) -> str:
    """`words` if they can stand in the prompt of an agent, beside its task. Raises InvalidValue, naming `what`."""
    if len(text.check_text(words, what)) > LONGEST:
        raise InvalidValue(
            f"{what} has {len(words):,} characters and agents are told {LONGEST:,} at most: put it into a file, and "
            "say where that is"
        )
    return words


def _check(words: str) -> str:
    if not words.strip():
        raise InvalidValue("the message is empty: say something")
    return check_length(words, "the message")
