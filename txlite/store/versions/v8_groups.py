"""Version 8: groups, tasks that come again, and why a run begins nothing.

A task is in one group, or in none (''): what comes into a group that is not known makes it known, as a lock. Two ways
lead to the best that has room: down `tasks_ready`, group by group; and down `tasks_grouped`, past those without room.
"""

GROUP_TRIGGERS = """
CREATE TRIGGER grouped_task_added AFTER INSERT ON tasks WHEN NEW.in_group <> '' BEGIN
    INSERT OR IGNORE INTO groups (name) VALUES (NEW.in_group);
END;
CREATE TRIGGER task_regrouped AFTER UPDATE OF in_group ON tasks WHEN NEW.in_group <> '' BEGIN
    INSERT OR IGNORE INTO groups (name) VALUES (NEW.in_group);
END;"""

SQL = f"""
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

{GROUP_TRIGGERS}
"""
