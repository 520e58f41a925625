"""The real claude and codex, without a login and without money: against an API of our own at a port of this machine.

Both are installed from npm into a directory of the campaign's (`--installed DIR` takes node_modules that are there).
Then

  each event of the stand-ins (tests/stand_ins) is of the form of the real ones: good runs, tools, limits, logins, a
  bound on money, a verdict by a schema; the exit codes, too;
  `txlite ralph` has both work on a repository, by turns: their work is committed, and what they cost is known;
  a login that is missing ends nothing but this agent; each of them reviews, and its verdict counts;
  a claude that runs hears what is said to it.

By hand: python3 tests/campaigns/real_agents.py [--installed DIR]. Needs npm and Linux; where npm is missing, or reaches
nothing, it says so and ends with 0; else 0 if all held, and 1 with each violation named.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from typing import Any

import harness

import txlite
from tests.stand_ins.api import Api

PACKAGES = ("@anthropic-ai/claude-code", "@openai/codex")
CONFIG = """\
model = "gpt-5.1-codex"
model_provider = "ours"
[model_providers.ours]
name = "ours"
base_url = "ADDRESS/v1"
env_key = "OUR_KEY"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
"""
SCHEMA = {"type": "object", "properties": {"verdict": {"type": "string"}, "reason": {"type": "string"}},
          "required": ["verdict", "reason"], "additionalProperties": False}  # fmt: skip
VERDICT = {"verdict": "approved", "reason": "it is fine"}
USED = (2000, 5000, 300)  # input, cached, output: of each answer
COST = 20_000  # millionths of a dollar, for them: claude's opus
USAGE = "@api usage 2000 300 5000"
TOOL = {"claude": 'Bash {"command": "COMMAND"}', "codex": 'exec_command {"cmd": "COMMAND"}'}
NEVER_SAID = {"uuid", "session_id", "isReplay"}


class RealAgents:
    """Both clients, and what was found."""

    def __init__(self, scene: harness.Scene, address: str, installed: str) -> None:
        self.scene, self.violations = scene, scene.violations
        self.top = scene.path("repository")
        self.home = os.path.join(self.top, ".txlite")
        os.makedirs(scene.path("home/.codex"))
        self.environment = scene.environment(
            HOME=scene.path("home"), PATH=f"{os.path.join(installed, '.bin')}:{os.environ['PATH']}",
            ANTHROPIC_BASE_URL=address, ANTHROPIC_API_KEY="none", OUR_KEY="none", CLAUDE_CODE_MAX_RETRIES="0",
            DISABLE_AUTOUPDATER="1", CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1", GIT_CONFIG_NOSYSTEM="1",
        )  # fmt: skip
        with open(scene.path("home/.codex/config.toml"), "w", encoding="utf-8") as file:
            file.write(CONFIG.replace("ADDRESS", address))
        with open(scene.path("schema.json"), "w", encoding="utf-8") as file:
            json.dump(SCHEMA, file)
        os.mkdir(self.top)
        self.run("git", "init", "-q", "-b", "main")
        self.run("git", "config", "user.email", "campaign@example.org")
        self.run("git", "config", "user.name", "Campaign")
        self.run("git", "commit", "-q", "--allow-empty", "-m", "The beginning")

    def run(self, *words: str, given: str = "", code: int | None = 0, **environment: str) -> str:
        """What a command prints; another exit code is a violation."""
        done = subprocess.run(
            words, cwd=self.top, env={**self.environment, **environment}, input=given, text=True, check=False,
            capture_output=True, timeout=120,
        )  # fmt: skip
        if code is not None and done.returncode != code:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            self.violations.append(f"`{' '.join(words)[:150]}` ends with {done.returncode}, and not {code}: {said}")
        return done.stdout

    def txlite(self, *words: str, code: int | None = 0, **environment: str) -> str:
        return self.run(sys.executable, "-m", "txlite", "--home", self.home, *words, code=code, **environment)

    # The forms.

    def compare(self) -> None:
        """Each event of a stand-in with those of the real one."""
        later = str(int(time.time()) + 3600)
        refused = {"retry-after": "3600", "anthropic-ratelimit-unified-status": "rejected",
                   "anthropic-ratelimit-unified-reset": later,
                   "anthropic-ratelimit-unified-representative-claim": "five_hour"}  # fmt: skip
        used_up = {
            "error": {"type": "usage_limit_reached", "message": "no", "plan_type": "plus", "resets_at": int(later)}
        }
        work = [["answer", "out", USED, "echo out"], ["finish", "done"]]
        for name in ("claude", "codex"):
            tool = "@api tool " + TOOL[name].replace("COMMAND", "echo out")
            self._compare(name, "a good run", [USAGE, tool, "@api text done"], work, 0)
        verdict = [["finish", "", VERDICT]]
        self._compare("claude", "a verdict", [f"@api tool StructuredOutput {json.dumps(VERDICT)}", "@api text x"],
                      verdict, 0, "--json-schema", json.dumps(SCHEMA))  # fmt: skip
        self._compare("codex", "a verdict", [f"@api text {json.dumps(VERDICT)}"], verdict, 0,
                      "--output-schema", self.scene.path("schema.json"))  # fmt: skip
        bound = [["answer", "out", (40_000, 0, 0), "echo out"], ["finish", "done"]]
        self._compare("claude", "a bound on money", ["@api usage 40000 0 0", '@api tool Bash {"command": "echo out"}'],
                      bound, 1, "--max-budget-usd", "0.10")  # fmt: skip
        login = {"ANTHROPIC_API_KEY": "", "CLAUDE_CODE_OAUTH_TOKEN": "none"}
        self._compare("claude", "a limit", [f"@api status 429 {json.dumps(refused)}"], [["refuse", 4e9]], 1, **login)
        self._compare("claude", "no login", ["hello"], [["refuse_login"]], 1, ANTHROPIC_API_KEY="")
        self._compare("codex", "a limit", [f"@api status 429 {{}} {json.dumps(used_up)}"], [["refuse", 4e9]], 1)
        self._compare("codex", "no login", ['@api status 401 {} {"error": {"message": "no"}}'], [["refuse_login"]], 1)

    def _compare(self, name: str, what: str, script: list[str], calls: Any, code: int, *more: str,
                 **environment: str) -> None:  # fmt: skip
        words = ["--print", "--output-format", "stream-json", "--verbose", "--permission-mode", "acceptEdits", *more]
        if name == "codex":
            words = ["exec", "--json", "--sandbox", "workspace-write", *more, "-"]
        real = self.run(name, *words, given="\n".join(script), code=code, **environment)
        source = f"tests.stand_ins.{name}"
        call = f"""
import json, sys
sys.path.insert(0, {harness.REPOSITORY!r})
from {source} import {name.capitalize()} as Form
form = Form(sys.argv[1:])
form.begin()
for name, *given in json.loads({json.dumps(json.dumps(calls))}):
    getattr(form, name)(*given)
"""
        ours = self.run(sys.executable, "-c", call, *words, code=code)
        known = [_describe(event) for event in _events(real)]
        for event in _events(ours):
            form = _describe(event)
            near = [one for one in known if one.get("type") == form.get("type") and (
                one.get("item.type") == form.get("item.type"))]  # fmt: skip
            if not any(_is_part(form, one) for one in near):
                best = min(near, key=lambda one: len(_differences(form, one)), default={})
                self.violations.append(f"{name}, {what}: {event.get('type')} differs: {_differences(form, best)}")
        last = [[event.get(key) for key in ("type", "subtype", "is_error", "api_error_status", "structured_output",
                                            "total_cost_usd" if what == "a good run" else "type")]
                for event in (_events(real)[-1], _events(ours)[-1])]  # fmt: skip
        if what == "a good run" and name == "claude":
            last[1][-1] = 2 * (last[1][-1] or 0)  # its answers were two
        if last[0] != last[1]:
            self.violations.append(f"{name}, {what}: it ends as {last[0]}, and the stand-in as {last[1]}")

    # The loop.

    def work(self) -> None:
        """A loop with both."""
        with txlite.open(self.home) as store:
            tasks = {name: store.add(
                f"by {name}", directory=self.top,
                description="\n".join([USAGE, "@api tool " + TOOL[name].replace("COMMAND", f"echo {name} > {name}.txt"),
                                       "@api text done"]),
            ).id for name in ("claude", "codex")}  # fmt: skip
        for name, task in tasks.items():
            gate = f"test -s {name}.txt"
            self.txlite("ralph", "--agent", name, "--verify", gate, "--max-tasks", "1", "--max-attempts", "1")
            with txlite.open(self.home, read_only=True) as store:
                status, usage = store.get(task).status, store.usages.of_task(task)
            if status != "done" or self.run("git", "show", f"HEAD:{name}.txt") != f"{name}\n":
                self.violations.append(f"the task by {name} is {status}: {self.txlite('logs', task)[-300:]}")
            known = [(one.agent, one.input_tokens, one.cached_tokens, one.output_tokens, one.cost) for one in usage]
            wanted = [(name, 14_000, 10_000, 600, 2 * COST if name == "claude" else None)]
            if known != wanted:
                self.violations.append(f"what {name} cost is {known}, and not {wanted}")

    def work_without_login(self) -> None:
        """A loop of which one agent is not logged in: the other goes on."""
        script = "@api tool " + TOOL["codex"].replace("COMMAND", "echo one > one.txt") + "\n@api text done"
        with txlite.open(self.home) as store:
            task = store.add("by who can", directory=self.top, description=script).id
        self.txlite("ralph", "--agent", "claude,codex", "--verify", "test -s one.txt", ANTHROPIC_API_KEY="")
        with txlite.open(self.home, read_only=True) as store:
            status, attempts = store.get(task).status, store.attempts(task)
        tries = [(one.agent, one.outcome) for one in attempts]
        if status != "done" or tries[-1] != ("codex", "done") or any(one[1] == "failed" for one in tries):
            self.violations.append(f"without claude's login the task is {status}: {tries}")

    def review(self) -> None:
        """Work that each of them reviews: rejected, and then approved."""
        for name in ("claude", "codex"):
            no, yes = ({"verdict": verdict, "reason": "because"} for verdict in ("rejected", "approved"))
            say = {"claude": "@review tool StructuredOutput", "codex": "@review text"}[name]
            tool = "@api tool " + TOOL["claude"].replace("COMMAND", f"echo {name} > reviewed-{name}.txt")
            for verdict, status in ((no, "failed"), (yes, "done")):
                script = "\n".join([USAGE, tool, "@api text done", f"{say} {json.dumps(verdict)}"])
                with txlite.open(self.home) as store:
                    task = store.add("to be reviewed", directory=self.top, description=script).id
                self.txlite("ralph", "--agent", "claude", "--reviewer", name, "--max-tasks", "1", "--max-attempts", "1",
                            code=int(status == "failed"))  # fmt: skip
                with txlite.open(self.home, read_only=True) as store:
                    found = (store.get(task).status, [one.verdict for one in store.reviews.verdicts(
                        store.attempts(task)[-1].id)])  # fmt: skip
                if found != (status, [verdict["verdict"]]):
                    self.violations.append(f"reviewed by {name}, {verdict} makes {found}")

    def talk(self) -> None:
        """A word to a claude that runs."""
        script = '@api tool Bash {"command": "echo hello > hello.txt; sleep 4"}\n@api text done'
        with txlite.open(self.home) as store:
            task = store.add("to be talked to", directory=self.top, description=script).id
        command = [sys.executable, "-m", "txlite", "--home", self.home, "ralph", "--max-tasks", "1"]
        loop = self.scene.start(command, "talk.log", self.top, self.environment)
        deadline = time.monotonic() + 30
        while not os.path.exists(os.path.join(self.top, "hello.txt")) and time.monotonic() < deadline:
            time.sleep(0.05)
        told = json.loads(self.txlite("say", task, "@api text so be it", "--json") or "{}")
        loop.wait(60)
        with txlite.open(self.home, read_only=True) as store:
            status, attempts = store.get(task).status, store.attempts(task)
        if status != "done" or len(attempts) != 1 or told.get("attempt") != attempts[0].id:
            self.violations.append(f"a task whose claude was talked to is {status}, and {told} was said: {attempts}")
        said = self.txlite("logs", task)
        if "so be it" not in said:
            self.violations.append(f"claude did not answer what it was told: {said[-400:]}")


def _events(words: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in words.splitlines() if line.startswith("{")]


def _describe(value: Any, path: str = "") -> dict[str, str]:
    """The form of an event: each path in it with its type, and the words that say which event it is."""
    if isinstance(value, dict):
        found: dict[str, str] = {}
        for key, one in value.items():
            name = "MODEL" if path == "modelUsage" else key
            found.update(_describe(one, f"{path}.{name}".strip(".")))
        return found
    if isinstance(value, list):
        found = {path: "list"}
        for one in value if path != "tools" else []:
            found.update(_describe(one, f"{path}[]"))
        return found
    if path.rpartition(".")[2] in ("type", "subtype", "status", "error") and isinstance(value, str):
        return {path: value}
    kinds = {bool: "bool", int: "number", float: "number", str: "text"}
    return {path: "nothing" if value is None else kinds[type(value)]}


def _differences(ours: dict[str, str], real: dict[str, str]) -> dict[str, tuple[str, str | None]]:
    return {path: (kind, real.get(path)) for path, kind in ours.items()
            if real.get(path) != kind and path.rpartition(".")[2] not in NEVER_SAID}  # fmt: skip


def _is_part(ours: dict[str, str], real: dict[str, str]) -> bool:
    return not _differences(ours, real)


def install(scene: harness.Scene) -> str:
    """Both clients, from npm; their node_modules, "" where they do not come."""
    if not shutil.which("npm"):
        print("skipped: there is no npm")
        return ""
    words = ["npm", "install", "--no-fund", "--no-audit", "--prefix", scene.path("npm"), *PACKAGES]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode:
        print(f"skipped: npm brings nothing: {done.stderr.strip().splitlines()[-1:]}")
        return ""
    return scene.path("npm/node_modules")


def main(argv: list[str]) -> int:
    parser = harness.make_parser("Compare the stand-ins with the real claude and codex, and let these work.")
    parser.add_argument("--installed", metavar="DIR", help="node_modules with both, instead of npm's newest")
    options = parser.parse_args(argv)
    scene = harness.Scene("real", options)
    installed = os.path.abspath(options.installed) if options.installed else install(scene)
    if not installed:
        shutil.rmtree(scene.directory)
        return 0
    with Api() as address:
        agents = RealAgents(scene, address, installed)
        versions = [agents.run(name, "--version").split()[-1 if name == "codex" else 0] for name in ("claude", "codex")]
        agents.compare()
        agents.work()
        agents.work_without_login()
        agents.review()
        agents.talk()
        scene.clear(5)
    return scene.conclude(scene.violations, f"claude {versions[0]}, codex {versions[1]}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
