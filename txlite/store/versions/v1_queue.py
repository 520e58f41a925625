"""Version 1 of the schema: tasks, their attempts and claims, workers, runs, batches, and the history."""

# Version 9 makes the table of tasks anew: with these columns, for the statuses of its time, and these triggers.
TASK_COLUMNS = """    seq           INTEGER PRIMARY KEY AUTOINCREMENT,
    id            TEXT NOT NULL CONSTRAINT task_id_is_unique UNIQUE
                  CONSTRAINT task_id_form CHECK (id GLOB 'tx-????????*' AND substr(id, 4) NOT GLOB '*[^a-z0-9]*'),
    title         TEXT NOT NULL CONSTRAINT title_is_not_empty CHECK (length(title) > 0),
    kind          TEXT NOT NULL CONSTRAINT kind_is_known CHECK (kind IN ('command', 'prompt')),
    needs         TEXT NOT NULL DEFAULT '',
    score         NUMERIC NOT NULL DEFAULT 0
                  CONSTRAINT score_is_a_number CHECK (typeof(score) IN ('integer', 'real')),
    status        TEXT NOT NULL DEFAULT 'backlog' CONSTRAINT status_is_known
                  CHECK (status IN (%s)),
    open_blockers INTEGER NOT NULL DEFAULT 0 CONSTRAINT open_blockers_are_counted CHECK (open_blockers >= 0),
    not_before    TEXT,
    reserved_for  TEXT,
    failures      INTEGER NOT NULL DEFAULT 0,
    token         INTEGER NOT NULL DEFAULT 0,
    created       TEXT NOT NULL,
    updated       TEXT NOT NULL,
    completed     TEXT,
    parent        INTEGER CONSTRAINT parent_exists REFERENCES tasks (seq) ON DELETE SET NULL
                  CONSTRAINT not_its_own_parent CHECK (parent <> seq)"""
TASK_TRIGGERS = """
CREATE TRIGGER task_added AFTER INSERT ON tasks BEGIN
    INSERT INTO history (at, task, from_status, to_status, token)
        VALUES (NEW.created, NEW.id, NULL, NEW.status, NEW.token);
END;
CREATE TRIGGER task_moved AFTER UPDATE OF status ON tasks WHEN OLD.status <> NEW.status BEGIN
    INSERT INTO history (at, task, from_status, to_status, token)
        VALUES (NEW.updated, NEW.id, OLD.status, NEW.status, NEW.token);
END;
CREATE TRIGGER task_deleted BEFORE DELETE ON tasks BEGIN
    DELETE FROM dependencies WHERE blocker = OLD.seq OR task = OLD.seq;
    INSERT INTO history (at, task, from_status, to_status, token)
        VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), OLD.id, OLD.status, NULL, OLD.token);
END;

-- open_blockers: how many of a task's blockers are not done.
CREATE TRIGGER dependency_added AFTER INSERT ON dependencies BEGIN
    UPDATE tasks SET open_blockers = open_blockers + 1 WHERE seq = NEW.task
        AND EXISTS (SELECT 1 FROM tasks WHERE seq = NEW.blocker AND status <> 'done');
END;
CREATE TRIGGER dependency_removed AFTER DELETE ON dependencies BEGIN
    UPDATE tasks SET open_blockers = open_blockers - 1 WHERE seq = OLD.task
        AND EXISTS (SELECT 1 FROM tasks WHERE seq = OLD.blocker AND status <> 'done');
END;
CREATE TRIGGER blocker_done AFTER UPDATE OF status ON tasks
    WHEN NEW.status = 'done' AND OLD.status <> 'done' BEGIN
    UPDATE tasks SET open_blockers = open_blockers - 1
        WHERE seq IN (SELECT task FROM dependencies WHERE blocker = NEW.seq);
END;
CREATE TRIGGER blocker_reopened AFTER UPDATE OF status ON tasks
    WHEN OLD.status = 'done' AND NEW.status <> 'done' BEGIN
    UPDATE tasks SET open_blockers = open_blockers + 1
        WHERE seq IN (SELECT task FROM dependencies WHERE blocker = NEW.seq);
END;"""

SQL = f"""
CREATE TABLE home (
    id      INTEGER PRIMARY KEY CONSTRAINT one_home CHECK (id = 1),
    uuid    TEXT NOT NULL,
    created TEXT NOT NULL
);

CREATE TABLE tasks (
{TASK_COLUMNS % "'backlog', 'active', 'done', 'failed', 'cancelled', 'blocked'"}
);

-- Claiming is one step down this index: what the worker accepts, then the best, then the oldest.
CREATE INDEX tasks_ready ON tasks (kind, needs, score DESC, seq)
    WHERE status = 'backlog' AND open_blockers = 0 AND not_before IS NULL;
-- A task for later enters the index above when its time has come.
CREATE INDEX tasks_later ON tasks (not_before) WHERE status = 'backlog' AND not_before IS NOT NULL;
CREATE INDEX tasks_children ON tasks (parent) WHERE parent IS NOT NULL;

CREATE TABLE task_texts (
    task        INTEGER PRIMARY KEY REFERENCES tasks (seq) ON DELETE CASCADE,
    description TEXT NOT NULL DEFAULT '',
    command     TEXT,
    directory   TEXT
);

CREATE TABLE dependencies (
    task    INTEGER NOT NULL REFERENCES tasks (seq) ON DELETE CASCADE,
    blocker INTEGER NOT NULL REFERENCES tasks (seq) ON DELETE CASCADE,
    PRIMARY KEY (task, blocker),
    CONSTRAINT not_blocked_by_itself CHECK (task <> blocker)
) WITHOUT ROWID;
CREATE INDEX dependencies_by_blocker ON dependencies (blocker, task);

-- Attempts outlive their tasks, so that no token is ever given twice.
CREATE TABLE attempts (
    id        INTEGER PRIMARY KEY,
    task      INTEGER NOT NULL,
    previous  INTEGER NOT NULL,
    worker    TEXT NOT NULL,
    agent     TEXT NOT NULL,
    started   TEXT NOT NULL,
    ended     TEXT,
    outcome   TEXT CONSTRAINT outcome_is_known CHECK (outcome IN ('done', 'failed', 'timeout', 'unstartable',
              'unkillable', 'interrupted', 'lost', 'released', 'cancelled')),
    exit_code INTEGER,
    duration  REAL,
    pid       INTEGER,
    report    TEXT,
    note      TEXT,
    CONSTRAINT ended_with_an_outcome CHECK ((ended IS NULL) = (outcome IS NULL))
);

CREATE TABLE attempt_texts (
    attempt INTEGER PRIMARY KEY REFERENCES attempts (id) ON DELETE CASCADE,
    tail    TEXT NOT NULL
);

CREATE TABLE claims (
    task     INTEGER PRIMARY KEY REFERENCES tasks (seq) ON DELETE CASCADE,
    token    INTEGER NOT NULL REFERENCES attempts (id),
    worker   TEXT NOT NULL,
    held     INTEGER NOT NULL,
    lease    REAL NOT NULL CONSTRAINT lease_is_long_enough CHECK (lease >= 1),
    host     TEXT NOT NULL,
    boot     TEXT NOT NULL,
    deadline REAL NOT NULL,
    expires  TEXT NOT NULL,
    verdict  TEXT CONSTRAINT verdict_is_known CHECK (verdict IN ('done', 'failed', 'cancelled')),
    stopping INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE workers (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL CONSTRAINT worker_has_a_name CHECK (length(name) > 0),
    supervisor TEXT,
    accepts    TEXT NOT NULL,
    host       TEXT NOT NULL,
    identity   TEXT NOT NULL,
    kill_after REAL NOT NULL,
    started    TEXT NOT NULL,
    heartbeat  TEXT NOT NULL,
    ended      TEXT
) WITHOUT ROWID;
CREATE INDEX workers_present ON workers (id) WHERE ended IS NULL;

CREATE TABLE supervisors (
    id       TEXT PRIMARY KEY,
    identity TEXT NOT NULL,
    wanted   INTEGER NOT NULL CONSTRAINT some_workers CHECK (wanted > 0),
    started  TEXT NOT NULL,
    ended    TEXT
) WITHOUT ROWID;

CREATE TABLE batches (
    id     INTEGER PRIMARY KEY,
    digest TEXT NOT NULL,
    source TEXT NOT NULL,
    first  INTEGER NOT NULL,
    last   INTEGER NOT NULL,
    added  TEXT NOT NULL,
    ended  TEXT,
    CONSTRAINT batch_is_a_range CHECK (first <= last)
);
CREATE INDEX batches_unfinished ON batches (digest) WHERE ended IS NULL;

CREATE TABLE history (
    id          INTEGER PRIMARY KEY,
    at          TEXT NOT NULL,
    task        TEXT NOT NULL,
    from_status TEXT,
    to_status   TEXT,
    token       INTEGER NOT NULL
);

{TASK_TRIGGERS}
"""
