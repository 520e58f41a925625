"""An attempt's Markdown file: its first name, live output, result, final name, archive, and its end. And what an
attempt wrote, whole, until the run that was asked for it has printed it.

It promises that a report gets its final name however its attempt ended, that no output is cut without saying so, and
that an original goes only when its archive was read back. It may import `system`, `home` and `store`.
"""
