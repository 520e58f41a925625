"""What --json prints: a builder for each kind of record, in a module for each subject.

It promises tx's keys in tx's order, and txlite's own after them. A builder only names and orders what it is given: it
looks nothing up. `ready` needs only `tasks`. It may import what `view` may.
"""
