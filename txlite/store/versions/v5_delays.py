"""Version 5: delays that no clock makes longer, and what an attempt may take.

A task waits for a time of the wall clock (`not_before` alone), or for a delay to be over, which no clock that is set
makes longer: backoff, and the moments for which a task is reserved. Then `not_before` is when that is expected.
"""

SQL = """
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
