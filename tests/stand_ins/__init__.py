"""Stand-ins for claude and codex: they take the options of the real ones, and write events of the same form.

Recorded from claude 2.1.197 and codex 0.171.0, each against an API that said what it was told to. What a stand-in does
is its caller's: it asks for the prompt, says what each answer costs, and how it ends.
"""
