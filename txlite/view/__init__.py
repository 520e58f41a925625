"""How it is shown and followed: tables, JSON, progress, a running attempt's output.

It promises that what agents and users wrote reaches a terminal with control characters escaped, and that whoever
watches holds nothing. It may import `ralph` and what that stands on.
"""
