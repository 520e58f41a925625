"""Mutants of what lets several providers take turns: whose lanes, whose turn, the ladder, what a task says."""

from __future__ import annotations

from .mutant import Mutant

PROVIDERS = "ralph.test_providers.Providers"
NEXT = f"{PROVIDERS}.test_the_next_goes_on_at_once_and_the_first_is_back_when_its_time_has_come"
DROPS = f"{PROVIDERS}.test_one_that_cannot_work_drops_out_with_a_line_and_the_loop_ends_when_none_is_left"
OWN = f"{PROVIDERS}.test_a_task_has_its_own_agent_and_level_and_waits_for_it_alone"
LADDER = f"{PROVIDERS}.test_the_ladder_is_climbed_with_each_failed_attempt_and_said"
RUNG_LIMITED = f"{PROVIDERS}.test_a_rung_whose_agent_is_limited_keeps_nothing_else_waiting"
RUNG_DROPPED = f"{PROVIDERS}.test_a_rung_whose_agent_has_dropped_out_is_left_out"
STEPS = "ralph.test_ladder.Ladders.test_each_step_is_one_that_the_agent_can_feel"
MONEY = f"{PROVIDERS}.test_under_a_bound_of_money_nobody_works_who_does_not_say_what_it_costs"
MODEL = "ralph.test_turns.Turns.test_each_claim_is_that_of_the_model"
RUN = f"{PROVIDERS}.test_run_serves_the_agents_that_tasks_name_and_update_changes_whose_they_are"

TURNS = (
    Mutant(
        "provider-limited-taken",
        "ralph/agent_choice.py",
        "return name not in self._limited and name not in self._dr",
        "return name not in self._dr",
        "of several agents the first is taken that is not limited",
        (NEXT,),
    ),
    Mutant(
        "provider-dropped-asked-again",
        "ralph/agent_choice.py",
        "return name not in self._limited and name not in self._dropped",
        "return name not in self._limited",
        "who has dropped out of a loop is not asked again",
        (DROPS,),
    ),
    Mutant(
        "provider-dropped-for-ever",
        "store/loops.py",
        "SELECT agent, reason FROM dropped_agents WHERE loop = ?",
        "SELECT agent, reason FROM dropped_agents WHERE ? IS NOT NULL",
        "who has dropped out of one loop is asked by the next",
        (DROPS,),
    ),
    Mutant(
        "provider-drop-ends-all",
        "ralph/trial.py",
        "        if not left:\n            return self._give_up(error)",
        "        if True:\n            return self._give_up(error)",
        "a loop goes on while it has another agent",
        (DROPS,),
    ),
    Mutant(
        "provider-environment-of-the-first",
        "agents/environment.py",
        "known = self._for_prompts.get(agent.name)",
        "known = next(iter(self._for_prompts.values()), None)",
        "each agent has an environment of its own",
        (NEXT,),
    ),
)

OWN_AGENTS = (
    Mutant(
        "task-agent-forgotten",
        "store/new_tasks.py",
        "    return agent_need(agent)",
        "    return needs",
        "a task that names its agent waits for it in a lane of its own",
        (RUN,),
    ),
    Mutant(
        "task-level-forgotten",
        "ralph/agent_choice.py",
        "task.level or self._level, task",
        "self._level, task",
        "a task's own level counts",
        (OWN,),
    ),
    Mutant(
        "task-agent-of-the-run",
        "store/assignments.py",
        "worker, task.agent or agent,",
        "worker, agent,",
        "in a run, too, a task gets its own agent",
        (RUN,),
    ),
    Mutant(
        "update-keeps-the-lane",
        "store/editing.py",
        "    _change_lane(connection, found, new.agent)\n",
        "",
        "whose agent is changed waits for the new one",
        (RUN,),
    ),
    Mutant(
        "update-takes-the-capability",
        "store/editing.py",
        'needs = "" if named_agent(found.needs) else found.needs',
        'needs = ""',
        "what needs a capability gets no agent of its own",
        (RUN,),
    ),
)

RUNGS = (
    Mutant(
        "ladder-from-the-first",
        "ralph/ladder.py",
        "self.rungs[min(failures, len(self.rungs)) - 1] if failures and self",
        "self.rungs[min(failures, len(self.rungs) - 1)] if self",
        "the first attempt stands on no rung",
        (LADDER,),
    ),
    Mutant(
        "ladder-climbs-above",
        "ralph/ladder.py",
        "return higher[min(steps, len(higher)) - 1] if",
        "return higher[steps - 1] if",
        "above the highest level there is none",
        (STEPS,),
    ),
    Mutant(
        "ladder-counts-the-same",
        "ralph/ladder.py",
        " if words[one] != words[one - 1]]",
        "]",
        "a step is one that the agent feels",
        (STEPS,),
    ),
    Mutant(
        "ladder-outlives-its-loop",
        "store/loops.py",
        '            connection.execute(RELEASE, (AGENT_LANE + "*",))\n',
        "",
        "when a loop has ended nothing waits for an agent of its ladder",
        (MODEL,),
    ),
    Mutant(
        "ladder-moves-who-has-an-agent",
        "store/loops.py",
        "AND (SELECT x.agent FROM task_texts x WHERE x.task = tasks.seq) IS NULL",
        "",
        "a task that names its agent waits for it, whoever drops out",
        (MODEL,),
    ),
    Mutant(
        "cost-of-others-forgotten",
        "ralph/preflight.py",
        "return roster._replace(others=tuple(agent for agent in roster.others if agent.tells_cost))",
        "return roster",
        "under a bound of money nobody works who says nothing of it",
        (MONEY,),
    ),
    Mutant(
        "ladder-of-limited-waits-not",
        "ralph/agent_choice.py",
        'return agent_need(name) if not self._is_usable(name) and _is_free(task) else ""',
        'return ""',
        "who is limited is not started for a rung",
        (RUNG_LIMITED,),
    ),
    Mutant(
        "ladder-keeps-who-dropped",
        "store/loops.py",
        "            connection.execute(RELEASE, (agent_need(agent),))\n",
        "",
        "what waited for an agent that drops out waits for any",
        (RUNG_DROPPED,),
    ),
)

MUTANTS = (*TURNS, *OWN_AGENTS, *RUNGS)
