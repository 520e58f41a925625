"""From task to argv, prompt and environment; from an agent's output to what its provider says.

It promises that no shell sees a prompt, that nothing hidden reaches an agent, and that only structured results decide.
It may import `system` and `home`.
"""
