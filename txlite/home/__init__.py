"""Where home is, whether it may be trusted, and what people put into it: config.ini, agents, templates.

It promises that nothing is read from a home, or a file in it, that others could have written. It also knows where this
copy of the code lies. It may import `system`.
"""
