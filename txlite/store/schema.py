"""Tables and migrations, as SQL.

The schema states its own rules, each with a name, so that no program can break them quietly.
`MIGRATIONS[n]` takes a database from `user_version` n to n + 1; the first makes it. Run by `migrations`.

    home          one row: who this database is, and since when its queue has been paused
    tasks         what is to be done; narrow, because claims walk it
    task_texts    its long text: 100 KB in the task's row would make claims twelve times slower
    dependencies  which task waits for which
    attempts      each run of a task; its id is the claim's token, so tokens only grow; the task's `token` names
                  the last one and `previous` the one before: a list needs no index, which each claim would write
    attempt_texts the end of an attempt's output
    claims        the holds of this moment: at most one a task, because the task is the key; `verdict` is what
                  was decided about the task while its agent still ran, `stopping` that the agent is to be stopped
    workers       processes that claim, and names used by hand
    supervisors   the runs, and how many workers each should have
    batches       what each `run` added, as a range of tasks
    groups        how many tasks of each may be in work at a time
    launches      how a launched task is run; its worker is its own, and no other ever claims it
    loops         the runs of RALPH, each under its supervisor's id
    trials        attempts of a loop: what their agents said, where their work lies, and what became of it
    agent_limits  until when the provider of an agent refuses to work
    dropped_agents  those that could not work, and take no more part in a loop
    usages        what attempts cost, by their agents' own words; what was not said is NULL
    reviews       the work of attempts that passed its gate and waits, or waited, for a person's word
    verdicts      what was said of it, and by whom: a person ('') or an agent that reviews
    messages      what persons said to the agents of a task, and to which attempt each was told
    history       each change of a task's state, written by triggers
"""

from __future__ import annotations

APPLICATION_ID = 0x74786C74  # "txlt", in the file's header: not every SQLite file is ours

# What was made anew since stands once: the columns of tasks, for the statuses of the time, and the triggers about them.
_TASK_COLUMNS = """    seq           INTEGER PRIMARY KEY AUTOINCREMENT,
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
_TASK_TRIGGERS = """
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
_GROUP_TRIGGERS = """
CREATE TRIGGER grouped_task_added AFTER INSERT ON tasks WHEN NEW.in_group <> '' BEGIN
    INSERT OR IGNORE INTO groups (name) VALUES (NEW.in_group);
END;
CREATE TRIGGER task_regrouped AFTER UPDATE OF in_group ON tasks WHEN NEW.in_group <> '' BEGIN
    INSERT OR IGNORE INTO groups (name) VALUES (NEW.in_group);
END;"""

_FIRST = f"""
CREATE TABLE home (
    id      INTEGER PRIMARY KEY CONSTRAINT one_home CHECK (id = 1),
    uuid    TEXT NOT NULL,
    created TEXT NOT NULL
);

CREATE TABLE tasks (
{_TASK_COLUMNS % "'backlog', 'active', 'done', 'failed', 'cancelled', 'blocked'"}
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

{_TASK_TRIGGERS}
"""

_LAUNCHES = """
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

_PAUSE_AND_RENEWALS = """
ALTER TABLE home ADD COLUMN paused TEXT;
ALTER TABLE claims ADD COLUMN renewals INTEGER NOT NULL DEFAULT 0;
"""

_TRIALS = """
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

# A task waits for a time of the wall clock (`not_before` alone), or for a delay to be over, which no clock that is set
# makes longer: backoff, and the moments for which a task is reserved. Then `not_before` is when that is expected.
_DELAYS_AND_LIMITS = """
ALTER TABLE tasks ADD COLUMN delay_host TEXT;
ALTER TABLE tasks ADD COLUMN delay_boot TEXT;
ALTER TABLE tasks ADD COLUMN delay_until REAL;
ALTER TABLE tasks ADD COLUMN max_attempts INTEGER CONSTRAINT some_attempts CHECK (max_attempts > 0);
DROP INDEX tasks_later;
CREATE INDEX tasks_later ON tasks (not_before)
    WHERE status = 'backlog' AND not_before IS NOT NULL AND delay_boot IS NULL;
CREATE INDEX tasks_delayed ON tasks (delay_boot, delay_until) WHERE status = 'backlog' AND delay_boot IS NOT NULL;

ALTER TABLE task_texts ADD COLUMN time_limit REAL CONSTRAINT some_time CHECK (time_limit > 0);
ALTER TABLE task_texts ADD COLUMN environment BLOB;
"""

# `digest` is of where the lines came from (before, it was of the lines themselves); batches of one series belong
# together: what was appended to a file, and what was there before. `line`: of a task that was changed since, as it was
# written in its batch.
_SERIES = """
CREATE TABLE batches_in_series (
    id     INTEGER PRIMARY KEY,
    digest TEXT NOT NULL,
    source TEXT NOT NULL,
    first  INTEGER NOT NULL,
    last   INTEGER NOT NULL,
    added  TEXT NOT NULL,
    series INTEGER NOT NULL,
    CONSTRAINT batch_is_a_range CHECK (first <= last)
);
INSERT INTO batches_in_series SELECT id, digest, source, first, last, added, id FROM batches;
DROP TABLE batches;
ALTER TABLE batches_in_series RENAME TO batches;
CREATE INDEX batches_by_digest ON batches (digest);
CREATE INDEX batches_by_series ON batches (series);
ALTER TABLE task_texts ADD COLUMN line TEXT;

CREATE INDEX tasks_held_back ON tasks (seq) WHERE status = 'blocked';
"""

# What runs as a job of Slurm's. A CHECK is changed by making its table anew: attempts keep their numbers, so that what
# refers to them stays right. Foreign keys must be off meanwhile, which is done before the transaction begins (inside
# one the pragma has no effect): else the end of the old table would be the end of all that refers to it
# (sqlite.org/lang_altertable.html, 7).
_JOBS = """
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

# A task is in one group, or in none (''): what comes into a group that is not known makes it known, as a lock. Two ways
# lead to the best that has room: down `tasks_ready`, group by group; and down `tasks_grouped`, past those without room.
_GROUPS = f"""
CREATE TABLE groups (
    name   TEXT PRIMARY KEY CONSTRAINT group_has_a_name CHECK (length(name) > 0),
    wanted INTEGER DEFAULT 1 CONSTRAINT some_limit CHECK (wanted > 0),
    paused TEXT
) WITHOUT ROWID;

ALTER TABLE tasks ADD COLUMN in_group TEXT NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN every TEXT;
ALTER TABLE task_texts ADD COLUMN planned TEXT;
ALTER TABLE task_texts ADD COLUMN arguments TEXT;
ALTER TABLE task_texts ADD COLUMN max_memory INTEGER CONSTRAINT some_memory CHECK (max_memory > 0);
ALTER TABLE supervisors ADD COLUMN hold TEXT;

DROP INDEX tasks_ready;
CREATE INDEX tasks_ready ON tasks (kind, needs, in_group, score DESC, seq)
    WHERE status = 'backlog' AND open_blockers = 0 AND not_before IS NULL;
CREATE INDEX tasks_grouped ON tasks (kind, needs, score DESC, seq, in_group)
    WHERE in_group <> '' AND status = 'backlog' AND open_blockers = 0 AND not_before IS NULL;

{_GROUP_TRIGGERS}
"""

# A task may wait for a review, so its table is made anew, as above. The triggers of other tables that name it are gone
# meanwhile: no table can be renamed while one of them names what is not there. Money is in millionths of a US dollar.
_REVIEWS = f"""
DROP TRIGGER dependency_added;
DROP TRIGGER dependency_removed;
CREATE TABLE tasks_with_reviews (
{_TASK_COLUMNS % "'backlog', 'active', 'review', 'done', 'failed', 'cancelled', 'blocked'"},
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

{_TASK_TRIGGERS}
{_GROUP_TRIGGERS}

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

MIGRATIONS = (_FIRST, _LAUNCHES, _PAUSE_AND_RENEWALS, _TRIALS, _DELAYS_AND_LIMITS, _SERIES, _JOBS, _GROUPS, _REVIEWS)
VERSION = len(MIGRATIONS)
