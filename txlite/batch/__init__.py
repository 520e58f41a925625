"""A batch as it is typed: the template of its commands, and the sources of its arguments.

It knows GNU parallel's notation, and how a shell reads a line. It promises that an argument is never code: a value is
quoted for the place in which it stands, and a template with a place where that cannot be done is refused, with a word
on what to write instead. Nothing here runs or stores anything. It may import `system`.
"""
