"""Version 6: batches of one series, which belong together: what was appended to a file, and what was there before.

`digest` is of where the lines came from (before, it was of the lines themselves); `line`: of a task that was changed
since, as it was written in its batch.
"""

SQL = """
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
