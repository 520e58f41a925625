"""The processes that run tasks: supervisor, workers, one guarded process for an attempt, and recovery.

It promises that when an attempt ends, its whole tree is gone before anything else happens, and that a task goes back
only when its old tree is known to be gone. It may import `reports`, `agents` and what they stand on.
"""
