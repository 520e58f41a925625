"""git, knowing nothing of loops: how it is run and believed, a working tree's state, landing, parking, secrets.

It promises that nothing of the user's is overwritten: what did not pass lies under a ref, and a branch moves forward
only. It may import `system`.
"""
