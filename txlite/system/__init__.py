"""The operating system: processes and their trees, locks, files, time. It knows no tasks.

It promises that a signal reaches the process that was meant and no other; that what lives holds a lock; that a file
appears complete or not at all; and that every wait has an end. It may import `errors` only.
"""
