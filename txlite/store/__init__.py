"""The queue of one home in one SQLite file, and all SQL.

It promises that what was told is durable, that a task has at most one claim, that whoever speaks with an old token
changes nothing, and that each change of state is in the history. It may import `system` and `home`.
"""
