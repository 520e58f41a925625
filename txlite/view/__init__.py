"""How it is shown and followed: tables, JSON, progress, attempts' outputs and results, the screen of `top`.

It promises that what agents and users wrote reaches a terminal with control characters escaped, and that whoever
watches holds nothing. It may import `ralph` and what that stands on.
"""
