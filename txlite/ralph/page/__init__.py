"""The page about a night: one HTML file, for the person who comes in the morning.

    document    the whole page, from what `summary` found
    placed      a night with each attempt at its place in time, from which the parts are drawn
    figures     the night at a glance, beside those before it
    needs       what needs a person, with what to type, and what runs
    tables      what landed, and the other tasks
    timeline    the drawing: a lane for each worker, a bar for each attempt
    time_scale  where a moment lies in the time that it spans
    terms       what the parts have in common: marks, words, safe text

It promises that nothing which a user or an agent wrote is anything but text in it. It may import what `ralph` may.
"""
