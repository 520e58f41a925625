"""Task lists: files of others that become tasks: Markdown lists with boxes, the PRDs of ralph loops, beads' issues.

This room knows their forms: which one a file has, what its entries say, which of them wait for which, and where their
boxes stand. It promises to name the line of whatever is wrong, and to change nothing in a file but boxes. It knows no
database; it may import `system`.
"""
