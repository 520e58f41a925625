"""Mutants of what attempts cost: what is read, summed, told and bounded."""

from __future__ import annotations

from .mutant import Mutant

CLAUDE = "agents.test_usage.Claude"
CODEX = "agents.test_usage.Codex"
COSTS = "ralph.test_costs.Costs"
AT_BOUND = f"{COSTS}.test_a_task_is_put_aside_at_its_bound_and_the_figures_named"
NOTES = "store.test_reviews.Notes"

MUTANTS = (
    Mutant(
        "cost-cached-twice", "agents/usage.py",
        "max(tokens.input - cached, 0) * self.input", "tokens.input * self.input",
        "what was cached is paid for once", (CODEX,),
    ),
    Mutant(
        "cost-models-ignored", "agents/usage.py",
        '_of_models(event.get("modelUsage")) or _of_message(event.get("usage"))', '_of_message(event.get("usage"))',
        "the tokens of all models count", (CLAUDE,),
    ),
    Mutant(
        "cost-unknown-is-nothing", "agents/usage.py", "None if None in known else _count(sum(filter(None, known)))",
        "_count(sum(filter(None, known)))", "what was not said is unknown", (CLAUDE,),
    ),
    Mutant(
        "cost-truncated", "agents/usage.py", "return round(dollars * MILLION)", "return int(dollars * MILLION)",
        "money is rounded, not cut", (CLAUDE,),
    ),
    Mutant(
        "cost-messages-again", "agents/usage.py", 'self._messages[message["id"]] =',
        'self._messages[str(len(self._messages))] =', "a message of several events is counted once", (CLAUDE,),
    ),
    Mutant(
        "cost-of-task-forgotten", "store/assignments.py",
        "is_spent = is_spent or (result.outcome in COSTLY and _is_over_cost(connection, hold.seq))", "",
        "a task that has cost what it may is put aside", (AT_BOUND,),
    ),
    Mutant(
        "cost-budget-whole", "execution/spending.py", "return self.bound - self.spent", "return self.bound",
        "an attempt may cost what those before it left", (AT_BOUND,),
    ),
    Mutant(
        "cost-runs-on", "execution/agent_output.py",
        "process.stop(Result(FAILED, note=allowance.explain(cost)))", "pass",
        "an attempt that runs is stopped at its bound",
        (f"{COSTS}.test_one_that_runs_is_stopped_when_its_tokens_have_cost_too_much",),
    ),
    Mutant(
        "cost-of-loop-costs-a-try", "execution/spending.py",
        "FAILED if allowance.is_of_task else INTERRUPTED", "FAILED",
        "what the loop's bound ends costs its task nothing",
        (f"{COSTS}.test_what_the_bound_of_a_loop_ends_costs_its_task_nothing",),
    ),
    Mutant(
        "cost-untold-bound", "execution/spending.py", "if not agent.tells_cost:", "if False:",
        "a bound that cannot be kept is refused", (f"{COSTS}.test_a_bound_that_no_agent_can_report_is_refused",),
    ),
    Mutant(
        "cost-of-the-killed", "execution/dead_worker.py", "if agent in (SHELL, APPROVAL) or", "if agent or",
        "what an attempt said counts though its worker is killed",
        (f"{COSTS}.test_what_an_attempt_said_counts_though_its_worker_is_killed",),
    ),
    Mutant(
        "cost-at-least", "store/usages.py", "count(*) - count(u.cost)", "0", "a sum that lacks something says so",
        (NOTES, f"{COSTS}.test_what_it_does_not_say_is_unknown"),
    ),
)  # fmt: skip
