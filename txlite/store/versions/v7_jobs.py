"""Version 7: what runs as a job of Slurm's.

A CHECK is changed by making its table anew: attempts keep their numbers, so that what refers to them stays right.
Foreign keys must be off meanwhile, which is done before the transaction begins (inside one the pragma has no effect):
else the end of the old table would be the end of all that refers to it (sqlite.org/lang_altertable.html, 7).
"""

SQL = """
CREATE TABLE attempts_in_places (
    id        INTEGER PRIMARY KEY,
    task      INTEGER NOT NULL,
    previous  INTEGER NOT NULL,
    worker    TEXT NOT NULL,
    agent     TEXT NOT NULL,
    started   TEXT NOT NULL,
    ended     TEXT,
    outcome   TEXT CONSTRAINT outcome_is_known CHECK (outcome IN ('done', 'failed', 'timeout', 'unstartable',
              'unkillable', 'interrupted', 'lost', 'released', 'cancelled', 'out-of-memory', 'preempted', 'refused',
              'node-failed')),
    exit_code INTEGER,
    duration  REAL,
    pid       INTEGER,
    report    TEXT,
    note      TEXT,
    place     TEXT,
    CONSTRAINT ended_with_an_outcome CHECK ((ended IS NULL) = (outcome IS NULL))
);
INSERT INTO attempts_in_places (id, task, previous, worker, agent, started, ended, outcome, exit_code, duration, pid,
        report, note)
    SELECT id, task, previous, worker, agent, started, ended, outcome, exit_code, duration, pid, report, note
    FROM attempts ORDER BY id;
DROP TABLE attempts;
ALTER TABLE attempts_in_places RENAME TO attempts;

ALTER TABLE task_texts ADD COLUMN slurm TEXT;
ALTER TABLE workers ADD COLUMN allocation TEXT;
"""
