"""What this machine, its file system and this home can and cannot promise, each with what to do.

It promises to change nothing and never to hang. It may import `execution`, `git` and what they stand on.
"""
