"""Version 4: loops of RALPH, what became of their attempts, and agents that are refused for a time."""

SQL = """
ALTER TABLE task_texts ADD COLUMN verify TEXT;

CREATE TABLE loops (
    id           TEXT PRIMARY KEY,
    agent        TEXT NOT NULL,
    started      TEXT NOT NULL,
    ended        TEXT,
    reason       TEXT,
    max_tasks    INTEGER CONSTRAINT some_tasks CHECK (max_tasks > 0),
    max_failures INTEGER CONSTRAINT some_failures CHECK (max_failures > 0)
) WITHOUT ROWID;

CREATE TABLE trials (
    attempt    INTEGER PRIMARY KEY REFERENCES attempts (id) ON DELETE CASCADE,
    task       INTEGER NOT NULL,
    loop       TEXT NOT NULL REFERENCES loops (id),
    stage      TEXT NOT NULL CONSTRAINT stage_is_known CHECK (stage IN ('begun', 'prepared', 'landing', 'settled')),
    said_done  INTEGER NOT NULL DEFAULT 0,
    repository TEXT,
    base       TEXT,
    start      TEXT,
    worktree   TEXT,
    landed     TEXT,
    parked     TEXT
);
CREATE INDEX trials_of_loop ON trials (loop, task);
CREATE INDEX trials_unsettled ON trials (task) WHERE stage <> 'settled';

CREATE TABLE agent_limits (
    agent  TEXT PRIMARY KEY,
    until  TEXT NOT NULL,
    reason TEXT NOT NULL
) WITHOUT ROWID;
"""
