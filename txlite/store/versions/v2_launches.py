"""Version 2: tasks that are launched, each with a worker of its own."""

SQL = """
CREATE TABLE launches (
    task       INTEGER PRIMARY KEY REFERENCES tasks (seq) ON DELETE CASCADE,
    agent      TEXT NOT NULL,
    type       TEXT NOT NULL CONSTRAINT type_is_not_empty CHECK (length(type) > 0),
    level      TEXT NOT NULL,
    template   TEXT NOT NULL,
    timeout    REAL,
    kill_after REAL NOT NULL,
    width      INTEGER CONSTRAINT some_width CHECK (width > 0),
    has_turn   INTEGER NOT NULL
);
"""
