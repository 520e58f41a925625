"""Mutants of the server of tools: who may do what, and what is said to a client."""

from __future__ import annotations

from .mutant import Mutant

INSIDE, TOOLS = "mcp.test_inside.Inside", "mcp.test_tools.Tools"
PROTOCOL, WAITS = "mcp.test_server.Protocol", "mcp.test_server.Waits"
ELSEWHERE = f"{INSIDE}.test_the_queue_of_another_home_is_not_its_own_and_who_is_late_changes_nothing"

MUTANTS = (
    Mutant(
        "mcp-inside-by-environment-alone", "mcp/caller.py", "    if attempt:\n", "    if False:\n",
        "an agent inside sees its own task alone, whatever its client keeps from the environment",
        (f"{INSIDE}.test_its_own_task_and_children_alone",),
    ),
    Mutant(
        "mcp-inside-another-home", "mcp/caller.py", "    if is_in_an_attempt():\n", "    if False:\n",
        "an agent inside an attempt has no other home's queue",
        (ELSEWHERE,),
    ),
    Mutant(
        "mcp-reviewer-acts", "mcp/caller.py", "usage.part == REVIEWER_PART for", "False for",
        "a reviewer changes nothing", (f"{INSIDE}.test_a_reviewer_changes_nothing",),
    ),
    Mutant(
        "added-in-a-worktree", "ralph/worktree_directory.py", "    if not place.startswith(top):\n", "    if True:\n",
        "what is added in a worktree outlives it",
        ("ralph.test_worktrees.Worktrees.test_what_an_agent_adds_there_outlives_the_worktree",),
    ),
    Mutant(
        "reviewer-approves", "commands/review.py", "if task or is_in_an_attempt():", "if task:",
        "a review is a person's word, and no agent's", (f"{INSIDE}.test_a_reviewer_changes_nothing",),
    ),
    Mutant(
        "mcp-late-word", "mcp/caller.py", "own.status != ACTIVE or own.token != self.token", "False",
        "who is late changes nothing", (ELSEWHERE,),
    ),
    Mutant(
        "mcp-seal-unread", "mcp/seal.py", "if hmac.compare_digest(seal", "if True or hmac.compare_digest(seal",
        "a claim is spoken for by its token alone", (f"{TOOLS}.test_a_foreign_token_and_what_another_holds",),
    ),
    Mutant(
        "mcp-cancels-what-another-holds", "mcp/acting.py", "if one.task == id and not one.held",
        "if False and not one.held", "what another has claimed is not cancelled",
        (f"{TOOLS}.test_a_foreign_token_and_what_another_holds",),
    ),
    Mutant(
        "mcp-commands", "mcp/tools.py", "(WITH_COMMANDS if allow_commands and name", "(WITH_COMMANDS if name",
        "prompts only, unless a person allows commands",
        (f"{TOOLS}.test_prompts_only_unless_a_person_allows_commands",),
    ),
    Mutant(
        "mcp-child-outranks", "mcp/acting.py", "score > own.score:", "False:",
        "a child does not outrank its parent", (f"{INSIDE}.test_its_own_task_and_children_alone",),
    ),
    Mutant(
        "mcp-children-without-end", "mcp/acting.py", "    if _generation(call, own) >= DEEPEST:\n", "    if False:\n",
        "children have bounds", (f"{INSIDE}.test_children_have_children_within_bounds",),
    ),
    Mutant(
        "mcp-wait-not-taken-back", "mcp/server.py", "                self._waits.drop(id)\n", "                pass\n",
        "a wait that is taken back is not answered", (f"{WAITS}.test_taken_back_too_many_and_without_its_task",),
    ),
    Mutant(
        "mcp-prints", "mcp/wire.py", "        os.dup2(2, 1)\n", "        pass\n",
        "nothing but messages is on stdout", (f"{PROTOCOL}.test_what_is_printed_goes_to_stderr",),
    ),
    Mutant(
        "mcp-too-long-kept", "mcp/wire.py", "        if len(self._rest) > LONGEST:\n", "        if False:\n",
        "a message has a megabyte at the most",
        (f"{PROTOCOL}.test_of_a_message_that_does_not_end_nothing_is_kept",),
    ),
    Mutant(
        "mcp-long-numbers", "mcp/messages.py", "if len(digits) > DIGITS:", "if False:",
        "no message takes long to read",
        (f"{PROTOCOL}.test_what_is_no_message_is_answered_and_the_server_goes_on",),
    ),
)  # fmt: skip
