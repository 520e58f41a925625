"""What each version of the schema changed, as SQL; what has been released never changes.

`vN` takes a database from `user_version` N - 1 to N; the first makes it. Run by `migrations`, which alone imports them.
"""
