"""What is judged after a night: the queue, the branch, what was lost, who did what, and what was said of costs."""

from __future__ import annotations

import glob
import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import harness
from checkout import Commit, judge_commits, read_blobs, read_tree

from txlite.system import clock

if TYPE_CHECKING:
    from night import NightCampaign

CODEX_PRICES = (1.25, 0.125, 10.0)  # as night.PRICE says them
CUT_OFF = ("lost", "interrupted")


class NightAttempt(NamedTuple):
    """A row of the database."""

    task: str
    token: int
    agent: str
    level: str
    outcome: str | None
    note: str
    loop: str
    landed: str
    parked: str
    started: str
    ended: str


class NightFacts:
    """What is judged, read once."""

    def __init__(self, campaign: NightCampaign) -> None:
        self.campaign = campaign
        self.jobs = {job.number: job for job in campaign.jobs}
        self.lines = harness.read_witness(campaign.path("witness.log"))
        self.said = [json.loads(line) for line in harness.read(campaign.path("spent.log")).splitlines()]
        connection = harness.connect(campaign.home)
        self.damage = list(harness.check_integrity(connection))
        self.status = dict(connection.execute("SELECT id, status FROM tasks"))
        self.claims = connection.execute("SELECT token, worker FROM claims").fetchall()
        sql = "SELECT attempt, part, agent, input_tokens, cached_tokens, output_tokens, cost, turns FROM usages"
        self.usages = {row[:2]: row[2:] for row in connection.execute(sql)}
        self.verdicts = connection.execute("SELECT attempt, reviewer, verdict, reason FROM verdicts").fetchall()
        sql = """SELECT t.id, a.id, a.agent, coalesce(a.level, ''), a.outcome, coalesce(a.note, ''),
                coalesce(r.loop, ''), coalesce(r.landed, ''), coalesce(r.parked, ''), a.started, a.ended
            FROM attempts a JOIN tasks t ON t.seq = a.task LEFT JOIN trials r ON r.attempt = a.id ORDER BY a.id"""
        self.attempts = [NightAttempt._make(row) for row in connection.execute(sql)]
        self.bounded_loops = [row[0] for row in connection.execute("SELECT id FROM loops WHERE max_cost IS NOT NULL")]
        self.messages = connection.execute("SELECT attempt, words FROM messages").fetchall()
        connection.close()
        self.by_token = {one.token: one for one in self.attempts}
        log = campaign.git("log", "-z", "--reverse", "--format=%H%x1f%P%x1f%B", f"{campaign.start}..main")
        self.commits = [Commit(*entry.split("\x1f")) for entry in log.split("\0") if entry]
        self.tree = read_tree(campaign, "main")

    def of(self, task: str) -> list[NightAttempt]:
        """Its attempts, oldest first, but for those that are a person's approval."""
        return [one for one in self.attempts if one.task == task and one.agent != "review"]

    def events(self, number: int, token: int | None = None) -> list[str]:
        """What the agents of a job wrote down."""
        return [line.event for line in self.lines if line.task == number and token in (None, line.token)]


def check_outcomes(facts: NightFacts) -> Iterator[str]:
    """Every task is done, or put aside as it must be."""
    for job in facts.jobs.values():
        attempts = facts.of(job.id)
        named = f"job {job.number} ({job.kind}, {job.id})"
        wanted = "failed" if job.kind == "costly" else "done"
        if facts.status[job.id] != wanted:
            why = "; ".join(f"{one.token} {one.agent} {one.level} {one.outcome}: {one.note[:160]}" for one in attempts)
            yield f"{named} is {facts.status[job.id]}: {why}"
        elif job.kind == "costly" and not (re.search(r"\$0\.30", attempts[-1].note)):
            yield f"{named} was put aside, and does not name its bound: {attempts[-1].note}"
    yield from (f"a claim is left: {token}, {worker}" for token, worker in facts.claims)
    yield from facts.damage


def check_history(facts: NightFacts) -> Iterator[str]:
    """The base branch, commit by commit."""
    parent = facts.campaign.start
    own: Counter[str] = Counter()
    for commit in facts.commits:
        if commit.parents != parent:
            yield f"commit {commit.id[:10]} has the parents {commit.parents}, and not {parent}: not linear"
        parent = commit.id
        found = re.match(r"Complete (tx-[a-z0-9]+): ", commit.message)
        own[found[1] if found else f"nobody ({commit.message[:60]!r})"] += 1
    wanted = Counter(job.id for job in facts.jobs.values() if facts.status[job.id] == "done")
    if own != wanted:
        yield f"commits that should not be there: {dict(own - wanted)}; that are missing: {dict(wanted - own)}"


def check_effects(facts: NightFacts) -> Iterator[str]:
    """What is in the tree at the end."""
    for job in facts.jobs.values():
        text = facts.tree.get(f"src/job{job.number}.py")
        wanted = f"VALUE = 'job{job.number}.'\n" if facts.status[job.id] == "done" else None
        if text != wanted:
            yield f"job {job.number} ({job.kind}) is {facts.status[job.id]}, and its module is {text!r}"
    for path, text in facts.tree.items():
        for mark in set(re.findall(r"\b(?:half\d+\.\d+|flaw\d+|doubt\d+)\b", text)):
            yield f"what was not accepted is on the base branch: {mark} in {path}"


def check_gate(facts: NightFacts) -> Iterator[str]:
    return judge_commits(facts.campaign, facts.commits)


def check_repository(facts: NightFacts) -> Iterator[str]:
    """What is left in it, and in home."""
    campaign = facts.campaign
    changes = campaign.git("status", "--porcelain").splitlines()
    if changes:
        yield f"the working tree is not clean: {changes[:4]}"
    complaints = campaign.git("fsck", "--full", "--no-dangling", code=None).strip()
    if complaints:
        yield f"git fsck: {complaints[:200]}"
    for path in campaign.git("worktree", "list", "--porcelain").split("worktree ")[2:]:
        yield f"a worktree is registered still: {path.split()[0]}"
    for path in glob.glob(os.path.join(campaign.home, "worktrees", "*")):
        yield f"left in worktrees: {os.path.basename(path)}, {facts.status.get(os.path.basename(path)[:11])}"
    for name in campaign.git("for-each-ref", "--format=%(refname)", "refs/heads").splitlines():
        if name != "refs/heads/main":
            yield f"a branch is left: {name}"
    for path in glob.glob(os.path.join(campaign.home, "workers", "*_TEMP*")):
        yield f"an unfinished report is left: {os.path.basename(path)}"
    for path in glob.glob(campaign.path("txlite-bug-*")):
        yield f"a bug was recorded: {path}: {harness.read(path).decode().strip().splitlines()[-1]}"
    for finding in json.loads(campaign.txlite("doctor", "--json", code=None))["findings"]:
        if finding["level"] == "broken":
            yield f"doctor: {finding['name']}: {finding['found']}"


def check_losses(facts: NightFacts) -> Iterator[str]:
    """What attempts left that did not pass is somewhere, and no attempt repeats what has landed."""
    campaign = facts.campaign
    objects = [line.split(" ")[0] for line in campaign.git("rev-list", "--objects", "--all").splitlines()]
    kept = set(re.findall(r"\bhalf\d+\.\d+", "\n".join(read_blobs(campaign, objects).values())))
    for line in facts.lines:
        if line.event == "again":
            yield f"job {line.task}: attempt {line.token} began after its work had landed"
        if line.event != "left":
            continue
        attempt, mark = facts.by_token[line.token], f"half{line.task}.{line.token}"
        if mark not in kept and not (attempt.outcome in CUT_OFF and f"saw:{mark}" in facts.events(line.task)):
            yield f"job {line.task}: what attempt {line.token} ({attempt.outcome}) left is lost"


def check_agents(facts: NightFacts) -> Iterator[str]:
    """By whom each attempt was made, at which level, and what limits cost."""
    worked: Counter[str] = Counter()
    for line in facts.lines:
        if not line.event.startswith("by:") or "review" in facts.events(line.task, line.token)[-1:]:
            continue
        _, agent, level = line.event.split(":")
        attempt = facts.by_token[line.token]
        reviewed = any(one.task == line.task and one.token == line.token and one.event == "review"
                       and one.pid == line.pid for one in facts.lines)  # fmt: skip
        if reviewed:
            continue
        worked[agent] += 1
        if (attempt.agent, attempt.level or "-") != (agent, level):
            yield f"attempt {line.token} was made by {agent} at {level}; it says {attempt.agent} at {attempt.level!r}"
    if set(worked) != {"claude", "codex"}:
        yield f"not both providers worked: {dict(worked)}"
    for job in facts.jobs.values():
        failures = 0
        for one in facts.of(job.id):
            named = f"job {job.number} ({job.kind}): attempt {one.token}"
            if failures and one.level != "high" and one.outcome not in CUT_OFF:
                yield f"{named} after {failures} failed ones is at {one.level!r}"
            if failures > 1 and one.agent != "codex" and job.kind != "costly" and one.outcome not in CUT_OFF:
                yield f"{named} after {failures} failed ones is by {one.agent}"
            if "refused" in facts.events(job.number, one.token) and one.outcome not in CUT_OFF:
                yield f"{named} was cut off by a limit, and it was {one.outcome}: {one.note}"
            failures += one.outcome not in (*CUT_OFF, "done", "released")


def check_reviews(facts: NightFacts) -> Iterator[str]:
    """What was rejected came back, and was told why."""
    people: Counter[int] = Counter()
    for attempt, reviewer, verdict, reason in facts.verdicts:
        one = facts.by_token[attempt]
        job = next(job for job in facts.jobs.values() if job.id == one.task)
        if verdict == "rejected":
            flaw = re.search(r"remove-(?:doubt|flaw)\d+", reason)
            later = [other for other in facts.of(one.task) if other.token > attempt and "start" in
                     facts.events(job.number, other.token)]  # fmt: skip
            if not flaw or later and f"told:{flaw[0]}" not in facts.events(job.number, later[0].token):
                yield f"job {job.number}: attempt {later[0].token if later else None} was not told {reason!r}"
            if not later:
                yield f"job {job.number}: nobody worked on it after {reason!r}"
            people[job.number] += not reviewer
    rejected = Counter({job.number: facts.campaign.rejected[job.id] for job in facts.jobs.values()})
    if +people != +rejected:
        yield f"a person rejected {dict(+rejected)}, and the database knows {dict(+people)}"
    for job in facts.jobs.values():
        events = facts.events(job.number)
        if "no-diff" in events:
            yield f"job {job.number}: its reviewer did not get the diff"
        unjudged = any("gave no verdict" in one.note for one in facts.of(job.id))  # a person has seen it instead
        if facts.status[job.id] == "done" and "approves" not in events and not unjudged:
            yield f"job {job.number} is done, and its reviewer has never approved it"
        if job.kind == "flawed" and "rejects" not in events and not people[job.number]:
            yield f"job {job.number} is flawed, and was not rejected"


def check_words(facts: NightFacts) -> Iterator[str]:
    """Whoever was told a person's word, or began after it, has heard it."""
    for number, words, when in facts.campaign.said:
        job = facts.jobs[number]
        began = {one.token for one in facts.of(job.id) if clock.to_seconds(one.started) > when}
        told = {row[0] for row in facts.messages if row[1] == words and row[0] is not None}
        for token in sorted(began | told):
            attempt, events = facts.by_token[token], facts.events(number, token)
            if f"heard:{words}" not in events and attempt.outcome not in CUT_OFF and "start" in events:
                yield f"job {number} ({job.kind}): attempt {token} did not hear {words}"


def check_costs(facts: NightFacts) -> Iterator[str]:
    """What is known of costs is what was said, and what was said is known where its attempt was not cut off."""
    said = {}
    for entry in facts.said:
        if entry["agent"] == "codex":
            used = (entry["input"], entry["cached"], entry["output"])
            entry["cost"] = round(sum(count * price for count, price in zip(used, CODEX_PRICES)))
        said[entry["token"], entry["part"]] = entry  # a second review of one attempt comes instead of the first
    for key, entry in said.items():
        attempt, found = facts.by_token[key[0]], facts.usages.get(key)
        cost = found[4] if found else None
        if cost is None and (attempt.outcome in CUT_OFF or not entry["said"]):
            continue
        wanted = (entry["agent"], entry["input"] + entry["cached"], entry["cached"], entry["output"], entry["cost"])
        if found is None or found[:5] != wanted:
            yield f"attempt {key[0]} ({key[1]}, {attempt.outcome}) said {wanted}, and has {found}"
    for key, found in facts.usages.items():
        if key not in said and found[4] not in (None, 0):
            events = facts.events(next(j.number for j in facts.jobs.values() if j.id == facts.by_token[key[0]].task))
            yield f"attempt {key[0]} ({key[1]}) has a cost of {found[4]}, and nothing was said: {events}"
    for job in facts.jobs.values():
        yield from _check_bound(facts, f"job {job.number} ({job.kind})", [one.token for one in facts.of(job.id)],
                                300_000 if job.kind == "costly" else None)  # fmt: skip


def _check_bound(facts: NightFacts, named: str, tokens: list[int], bound: int | None) -> Iterator[str]:
    """No agent begins when so much was spent by those that had ended before its task was claimed; what ends between
    that and its first words may be too late for it."""
    began = {line.token for line in facts.lines if line.event == "start"}
    for token in tokens if bound is not None else []:
        claimed = clock.to_seconds(facts.by_token[token].started) if token in began else 0.0
        ended = [one for one in tokens if clock.to_seconds(facts.by_token[one].ended) < claimed]
        spent = sum(found[4] or 0 for key, found in facts.usages.items() if key[0] in ended)
        if spent >= (bound or 0):
            yield f"{named}: attempt {token} began after {spent} of {bound} were spent"


def check_told(facts: NightFacts) -> Iterator[str]:
    """What is told of costs, all in all."""
    known = sum(found[4] or 0 for found in facts.usages.values())
    told = json.loads(facts.campaign.txlite("status", "--stats", "--json"))["cost"]
    if round((told["cost"] or 0) * 1e6) != known:
        yield f"status --stats tells ${told['cost']}, and it is {known} millionths"
    report = json.loads(facts.campaign.txlite("ralph", "--report", "--json", code=None))
    loops = {loop["id"] for loop in report["loops"]}
    known = sum(found[4] or 0 for key, found in facts.usages.items() if facts.by_token[key[0]].loop in loops)
    if round((report["cost"] or 0) * 1e6) != known:
        yield f"the report tells ${report['cost']}, and it is {known} millionths"
    for loop in facts.bounded_loops:
        tokens = [one.token for one in facts.attempts if one.loop == loop]
        yield from _check_bound(facts, f"the bounded loop {loop}", tokens, 600_000)


CHECKS = (check_outcomes, check_history, check_effects, check_gate, check_repository, check_losses, check_agents,
          check_reviews, check_words, check_costs, check_told)  # fmt: skip


def tabulate(facts: NightFacts) -> Iterator[str]:
    """What became of each kind, and what it cost."""
    yield f"{'kind':<12}{'tasks':>6}{'done':>6}{'aside':>6}{'attempts':>9}{'lost':>6}{'refused':>8}{'dollars':>10}"
    spent: Counter[str] = Counter()
    for (token, _), found in facts.usages.items():
        spent[facts.by_token[token].task] += found[4] or 0
    kinds: dict[str, list[int]] = defaultdict(list)
    for job in facts.jobs.values():
        kinds[job.kind].append(job.number)
    for kind, numbers in kinds.items():
        ids = [facts.jobs[number].id for number in numbers]
        states = Counter(facts.status[id] for id in ids)
        attempts = [one for id in ids for one in facts.of(id)]
        refused = sum(event == "refused" for number in numbers for event in facts.events(number))
        lost = sum(one.outcome in CUT_OFF for one in attempts)
        yield (f"{kind:<12}{len(ids):>6}{states['done']:>6}{states['failed']:>6}{len(attempts):>9}{lost:>6}{refused:>8}"
               f"{sum(spent[id] for id in ids) / 1e6:>10.2f}")  # fmt: skip
