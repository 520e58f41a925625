"""Version 9: reviews, what attempts cost, and what is said to agents.

A task may wait for a review, so its table is made anew, as in version 7. The triggers of other tables that name it are
gone meanwhile: no table can be renamed while one of them names what is not there. Money is in millionths of a US
dollar.
"""

from .v1_queue import TASK_COLUMNS, TASK_TRIGGERS
from .v8_groups import GROUP_TRIGGERS

SQL = f"""
DROP TRIGGER dependency_added;
DROP TRIGGER dependency_removed;
CREATE TABLE tasks_with_reviews (
{TASK_COLUMNS % "'backlog', 'active', 'review', 'done', 'failed', 'cancelled', 'blocked'"},
    delay_host    TEXT,
    delay_boot    TEXT,
    delay_until   REAL,
    max_attempts  INTEGER CONSTRAINT some_attempts CHECK (max_attempts > 0),
    in_group      TEXT NOT NULL DEFAULT '',
    every         TEXT
);
INSERT INTO sqlite_sequence (name, seq) SELECT 'tasks_with_reviews', seq FROM sqlite_sequence WHERE name = 'tasks';
INSERT INTO tasks_with_reviews (seq, id, title, kind, needs, score, status, open_blockers, not_before, reserved_for,
        failures, token, created, updated, completed, parent, delay_host, delay_boot, delay_until, max_attempts,
        in_group, every)
    SELECT seq, id, title, kind, needs, score, status, open_blockers, not_before, reserved_for, failures, token,
        created, updated, completed, parent, delay_host, delay_boot, delay_until, max_attempts, in_group, every
    FROM tasks ORDER BY seq;
DROP TABLE tasks;
ALTER TABLE tasks_with_reviews RENAME TO tasks;

CREATE INDEX tasks_ready ON tasks (kind, needs, in_group, score DESC, seq)
    WHERE status = 'backlog' AND open_blockers = 0 AND not_before IS NULL;
CREATE INDEX tasks_grouped ON tasks (kind, needs, score DESC, seq, in_group)
    WHERE in_group <> '' AND status = 'backlog' AND open_blockers = 0 AND not_before IS NULL;
CREATE INDEX tasks_later ON tasks (not_before)
    WHERE status = 'backlog' AND not_before IS NOT NULL AND delay_boot IS NULL;
CREATE INDEX tasks_delayed ON tasks (delay_boot, delay_until) WHERE status = 'backlog' AND delay_boot IS NOT NULL;
CREATE INDEX tasks_children ON tasks (parent) WHERE parent IS NOT NULL;
CREATE INDEX tasks_held_back ON tasks (seq) WHERE status = 'blocked';
CREATE INDEX tasks_to_review ON tasks (seq) WHERE status = 'review';

{TASK_TRIGGERS}
{GROUP_TRIGGERS}

ALTER TABLE task_texts ADD COLUMN agent TEXT;
ALTER TABLE task_texts ADD COLUMN level TEXT;
ALTER TABLE task_texts ADD COLUMN max_cost INTEGER CONSTRAINT some_cost CHECK (max_cost > 0);
ALTER TABLE attempts ADD COLUMN level TEXT;
ALTER TABLE loops ADD COLUMN max_cost INTEGER CONSTRAINT some_cost CHECK (max_cost > 0);
ALTER TABLE loops ADD COLUMN review INTEGER NOT NULL DEFAULT 0;

CREATE TABLE usages (
    attempt       INTEGER NOT NULL REFERENCES attempts (id) ON DELETE CASCADE,
    part          TEXT NOT NULL CONSTRAINT part_is_known CHECK (part IN ('agent', 'reviewer')),
    agent         TEXT NOT NULL,
    model         TEXT,
    session       TEXT,
    input_tokens  INTEGER CONSTRAINT some_input CHECK (input_tokens >= 0),
    cached_tokens INTEGER CONSTRAINT some_cached CHECK (cached_tokens >= 0),
    output_tokens INTEGER CONSTRAINT some_output CHECK (output_tokens >= 0),
    cost          INTEGER CONSTRAINT no_debt CHECK (cost >= 0),
    turns         INTEGER CONSTRAINT some_turns CHECK (turns >= 0),
    PRIMARY KEY (attempt, part)
) WITHOUT ROWID;

CREATE TABLE reviews (
    attempt      INTEGER PRIMARY KEY REFERENCES attempts (id) ON DELETE CASCADE,
    task         INTEGER NOT NULL,
    repository   TEXT NOT NULL,
    base         TEXT NOT NULL,
    branch       TEXT NOT NULL,
    work         TEXT NOT NULL,
    since        TEXT NOT NULL,
    gate         TEXT,
    gate_timeout REAL NOT NULL
);
CREATE INDEX reviews_of_task ON reviews (task);

CREATE TABLE verdicts (
    id       INTEGER PRIMARY KEY,
    attempt  INTEGER NOT NULL REFERENCES attempts (id) ON DELETE CASCADE,
    reviewer TEXT NOT NULL DEFAULT '',
    verdict  TEXT NOT NULL CONSTRAINT verdict_of_review_is_known CHECK (verdict IN ('approved', 'rejected')),
    reason   TEXT NOT NULL DEFAULT '',
    at       TEXT NOT NULL
);
CREATE INDEX verdicts_by_attempt ON verdicts (attempt);

CREATE TABLE dropped_agents (
    loop   TEXT NOT NULL,
    agent  TEXT NOT NULL,
    at     TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (loop, agent)
) WITHOUT ROWID;

CREATE TABLE messages (
    id      INTEGER PRIMARY KEY,
    task    INTEGER NOT NULL REFERENCES tasks (seq) ON DELETE CASCADE,
    at      TEXT NOT NULL,
    words   TEXT NOT NULL CONSTRAINT some_words CHECK (length(words) > 0),
    attempt INTEGER
);
CREATE INDEX messages_of_task ON messages (task);
"""
