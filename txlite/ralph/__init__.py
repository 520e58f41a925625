"""The loop: each queued task to a fresh agent, a gate that judges its work, git that keeps it.

It promises that no work counts that did not pass its gate, and that none is lost: it is on the branch, on a ref of its
own, or still in its worktree. It may import `execution`, `git` and what they stand on.
"""
