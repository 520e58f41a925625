#!/usr/bin/env python3
"""The server of tools among malformed messages, and with real clients.

    python3 tests/campaigns/mcp.py [--messages N] [--short] [--seed N]

Messages are good ones with something changed in their bytes or their structure, or junk; none may end the server, make
it print anything but responses of the protocol, reach a command or a gate, hold memory or descriptors, or be a bug.
Then, unless --short is given: the client of the official Python SDK in two versions, each in an environment of its own
(skipped with a word where they cannot be installed), and `claude` and `codex` where they are on PATH, each in a HOME of
its own with a provider on this machine: added by their own commands, and called by their agents, by themselves and in
a loop. Exit code 1 where anything was wrong.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import time
from random import Random
from typing import Any

from fake_provider import Course, Provider
from harness import REPOSITORY, Scene, check_integrity, connect, make_parser, read

SDKS = {"2.3.0": ("session", "auto", "2026-07-28"), "1.30.0": ("session",)}
CODES = {-32700, -32600, -32601, -32602, -32022}
PATIENCE = 60.0  # seconds for an answer
BETWEEN = 25  # messages between two looks whether it answers
MEMORY = 96 << 10  # KB, at the most
VERSIONS = ("2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05", "1999-01-01")
ODD: list[Any] = [
    None, True, False, 0, -1, 1, 10**15, 10**40, 1.5, 1e308, "", "x", "\0", "\ud800", "\u202e", "a" * 100_000, [], {},
    [[]], [None], {"": None}, "tx-", "tx-abc", "../../etc/passwd", "'; DROP TABLE tasks; --", "{{TASK_ID}}", "\n\n",
]  # fmt: skip


class Talk:
    """The server, what is said to it, and what it said that is wrong."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.ids = ["tx-abcdefgh"]
        self.wrong: list[str] = []
        self.heard = 0
        self._rest = b""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "txlite", "--home", scene.path("home"), "mcp"], cwd=scene.directory,
            env=scene.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=open(scene.path("stderr"), "wb"),
        )  # fmt: skip

        assert self.process.stdin and self.process.stdout
        self.input, self._output = self.process.stdin, self.process.stdout

    def say(self, line: bytes) -> None:
        """Send a line, and read what comes meanwhile: neither side may block the other."""
        data, pipe = line + b"\n", self.input.fileno()
        os.set_blocking(pipe, False)
        deadline = time.monotonic() + PATIENCE
        while data and time.monotonic() < deadline:
            self._hear(0)
            if select.select([], [pipe], [], 0.01)[1]:
                try:
                    data = data[os.write(pipe, data) :]
                except BlockingIOError:
                    pass
        if data:
            self.wrong.append("the server takes no more messages")

    def probe(self, name: str) -> None:
        """Ask whether it is there, and read until it says so."""
        self.say(json.dumps({"jsonrpc": "2.0", "id": name, "method": "ping"}).encode())
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self._hear(1.0, name):
                return
            if self.process.poll() is not None:
                break
        raise SystemExit(f"the server does not answer {name}: {read(self.scene.path('stderr')).decode()[-2000:]}")

    def _hear(self, seconds: float, name: str = "") -> bool:
        """Read what there is; whether an answer to `name` was among it."""
        found, pipe = False, self._output.fileno()
        while select.select([pipe], [], [], seconds)[0]:
            data = os.read(pipe, 1 << 16)
            if not data:
                return found
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                found |= self._judge(line, name)
            seconds = 0
        return found

    def _judge(self, line: bytes, name: str) -> bool:
        self.heard += 1
        try:
            value = json.loads(line)
        except ValueError:
            self.wrong.append(f"no message on stdout: {line[:200]!r}")
            return False
        for one in value if isinstance(value, list) else [value]:
            if not isinstance(one, dict) or one.get("jsonrpc") != "2.0" or ("result" in one) == ("error" in one):
                self.wrong.append(f"no response: {line[:200]!r}")
            elif "error" in one and one["error"]["code"] not in CODES:
                self.wrong.append(f"unknown code: {line[:200]!r}")
            elif b"this is a bug" in line:
                self.wrong.append(f"a bug of ours: {line[:300]!r}")
            elif one.get("id") == name:
                return True
            else:
                self._note_ids(one)
        return False

    def _note_ids(self, one: dict[str, Any]) -> None:
        try:
            id = json.loads(one["result"]["content"][0]["text"])["id"]
        except (KeyError, ValueError, TypeError, IndexError):
            return
        if isinstance(id, str):
            self.ids = [*self.ids[-20:], id]


def good(dice: Random, talk: Talk, number: int) -> Any:
    """A message that makes sense."""
    id = dice.choice(talk.ids)
    arguments: dict[str, dict[str, Any]] = {
        "add": {"title": f"task {number}", "description": "d", "parent": id, "after": [id], "score": 1.5},
        "ready": {"limit": 5},
        "list": {"state": dice.choice(("done", "ready", "active", "review")), "limit": 3},
        "show": {"id": id},
        "claim": {"id": id, "minutes": 1},
        "renew": {"id": id, "token": "1-000000000000"},
        "finish": {"id": id, "token": "1-000000000000", "outcome": "released", "reason": "r"},
        "logs": {"id": id, "chars": 10},
        "wait": {"ids": [id], "seconds": 5},
        "cancel": {"id": id},
    }
    name = dice.choice(list(arguments))
    kept = {key: value for key, value in arguments[name].items() if dice.random() < 0.7}
    params: Any
    method, params = dice.choice([
        ("initialize", {"protocolVersion": dice.choice(VERSIONS), "capabilities": {}, "clientInfo": {"name": "fuzz"}}),
        ("tools/list", {}), ("server/discover", {}), ("notifications/cancelled", {"requestId": number - 1}),
        *[("tools/call", {"name": name, "arguments": kept})] * 12,
    ])  # fmt: skip
    if dice.random() < 0.3:
        params["_meta"] = {"io.modelcontextprotocol/protocolVersion": dice.choice(VERSIONS)}
    message: Any = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    if method.startswith("notifications/"):
        del message["id"]
    return [message] * dice.randrange(1, 4) if dice.random() < 0.05 else message


def spoil(dice: Random, value: Any) -> Any:
    """The same with something changed somewhere in it."""
    if isinstance(value, dict) and value and dice.random() < 0.85:
        key = dice.choice(list(value))
        way = dice.random()
        if way < 0.1:
            return {name: one for name, one in value.items() if name != key}
        if way < 0.2:
            return {**value, dice.choice(("id", "method", "params", "x", "command", "verify", "")): dice.choice(ODD)}
        return {**value, key: spoil(dice, value[key])}
    if isinstance(value, list) and value and dice.random() < 0.6:
        return [spoil(dice, value[0]), *value[1:]]
    return dice.choice(ODD)


def mangle(dice: Random, line: bytes) -> bytes:
    """The bytes with something put in, taken out or overwritten; no line ends."""
    place, size = dice.randrange(len(line) + 1), dice.randrange(1, 9)
    junk = bytes(dice.randrange(256) for _ in range(size)).replace(b"\n", b" ")
    return dice.choice((line[:place] + junk + line[place:], line[:place] + line[place + size :], line[:place],
                        line[:place] + junk + line[place + size :], line + line))  # fmt: skip


def draw(dice: Random, talk: Talk, number: int) -> bytes:
    way = dice.random()
    if way < 0.02:
        return dice.choice((b"[" * 50_000, b'{"a":' * 30_000, b"9" * 6000, b"", b"  ", b"null", b"\xff" * 50, b"\0" * 9,
                            b"-", b'"' + b"x" * 5000))  # fmt: skip
    if way < 0.023:
        return b'{"jsonrpc":"2.0","id":1,"method":"' + b"x" * (1 << 20) + b'"}'
    message = good(dice, talk, number)
    if way < 0.6:
        message = spoil(dice, message)
    line = json.dumps(message).encode()
    return mangle(dice, line) if way > 0.8 else line


def malformed(scene: Scene, count: int) -> list[str]:
    """What was wrong."""
    talk = Talk(scene)
    talk.say(json.dumps({"jsonrpc": "2.0", "id": "begin", "method": "initialize",
                         "params": {"protocolVersion": "2025-06-18"}}).encode())  # fmt: skip
    for number in range(5):
        call = {"name": "add", "arguments": {"title": f"the first {number}"}}
        talk.say(json.dumps({"jsonrpc": "2.0", "id": -number, "method": "tools/call", "params": call}).encode())
    talk.probe("first")
    descriptors = len(os.listdir(f"/proc/{talk.process.pid}/fd"))
    for number in range(count):
        talk.say(draw(scene.random, talk, number))
        if number % BETWEEN == 0:
            talk.probe(f"probe-{number}")
    talk.probe("last")
    left = len(os.listdir(f"/proc/{talk.process.pid}/fd")) - descriptors
    status = read(f"/proc/{talk.process.pid}/status").decode()
    peak = int(status.partition("VmHWM:")[2].split()[0])
    wrong = talk.wrong
    wrong += [f"{left} more descriptors are open than at the beginning"] if left > 8 else []
    wrong += [f"its memory grew to {peak} KB"] if peak > MEMORY else []
    talk.input.close()
    if talk.process.wait(30) != 0:
        wrong.append(f"it ended with {talk.process.returncode}")
    stderr = read(scene.path("stderr")).decode()
    wrong += [f"on stderr: {stderr[:300]}"] if stderr else []
    connection = connect(scene.path("home"))
    wrong += check_integrity(connection)
    (unsafe,) = connection.execute("SELECT count(*) FROM task_texts WHERE coalesce(command, verify) <> ''").fetchone()
    wrong += [f"{unsafe} tasks have a command or a gate"] if unsafe else []
    (tasks,) = connection.execute("SELECT count(*) FROM tasks").fetchone()
    print(f"{count:,} messages, {talk.heard:,} answers, {tasks:,} tasks, {peak:,} KB at most", flush=True)
    return wrong


def with_sdks(scene: Scene) -> list[str]:
    """What was wrong with the SDK's clients, each version in an environment of its own."""
    wrong = []
    for version, modes in SDKS.items():
        place = scene.path(f"sdk-{version}")
        python = os.path.join(place, "bin", "python")
        commands = [[sys.executable, "-m", "venv", place], [python, "-m", "pip", "-q", "install", f"mcp=={version}"]]
        for command in commands:
            if subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode:
                print(f"skipped: mcp {version} could not be installed")
                break
        else:
            for mode in modes:
                wrong += _with_sdk(scene, version, mode, python)
    return wrong


def _with_sdk(scene: Scene, version: str, mode: str, python: str) -> list[str]:
    server = ["env", f"PYTHONPATH={REPOSITORY}", sys.executable, "-m", "txlite"]
    server += ["--home", scene.path(f"home-{version}-{mode}"), "mcp"]
    client = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mcp_client.py")
    environment = {name: value for name, value in scene.environment().items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [python, "-I", client, mode, *server], cwd=scene.directory, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    if done.returncode or "Traceback" in done.stderr:
        return [f"mcp {version}, {mode}: {done.stdout}{done.stderr[-3000:]}"]
    print(f"mcp {version}, {mode}: all ten tools at {done.stdout.strip()}", flush=True)
    return []


def outside(name: str) -> Course:
    """What an agent of a person does: each tool once, and a wait that its client gives up."""
    first = json.loads((yield "add", {"title": f"by {name}", "description": "a thing"}))["id"]
    second = json.loads((yield "add", {"title": "later", "after": [first]}))["id"]
    assert first in (yield "ready", {"limit": 5})
    assert second in (yield "list", {"state": "waiting"})
    token = json.loads((yield "claim", {"id": first}))["token"]
    assert "until" in (yield "renew", {"id": first, "token": token})
    assert "timed out" in (yield "wait", {"ids": [second], "seconds": 300})
    assert "has not run yet" in (yield "logs", {"id": second})
    assert "of no claim" in (yield "finish", {"id": first, "token": "1-000000000000", "outcome": "done"})
    assert second in (yield "finish", {"id": first, "token": token, "outcome": "done"})
    assert "later" in (yield "show", {"id": second})
    assert "cancelled" in (yield "cancel", {"id": second})


def inside(own: str, other: str) -> Course:
    """What an agent of a loop does: it sees its own task alone, and gets a child."""
    assert other not in (yield "list", {})
    assert "nor a child of it" in (yield "show", {"id": other})
    child = json.loads((yield "add", {"title": "a child"}))
    assert child["parent"] == own
    assert "cancelled" in (yield "cancel", {"id": child["id"]})
    assert "noted" in (yield "finish", {"id": own, "outcome": "done"})


CODEX = """model = "fake"
model_provider = "fake"
[model_providers.fake]
name = "fake"
base_url = "{url}/v1"
env_key = "FAKE_KEY"
wire_api = "responses"
[mcp_servers.txlite]
command = "{python}"
args = ["-m", "txlite", "mcp"]
tool_timeout_sec = 2
default_tools_approval_mode = "approve"
env = {{ PYTHONPATH = "{path}" }}
"""


class CommandLine:
    """`claude` or `codex` in a project and a HOME of its own, with a provider on this machine."""

    def __init__(self, scene: Scene, name: str) -> None:
        self.name = name
        self.project = scene.path(name)
        self.wrong: list[str] = []
        home = os.path.join(scene.path(f"{name}-user"))
        os.makedirs(os.path.join(home, ".codex"))
        subprocess.run(["git", "init", "-q", self.project], check=True)
        self._codex = os.path.join(home, ".codex", "config.toml")
        self.environment = scene.environment(
            HOME=home, DISABLE_AUTOUPDATER="1", CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1", MCP_TOOL_TIMEOUT="2000",
            ANTHROPIC_API_KEY="sk-ant-api03-fake", ANTHROPIC_BASE_URL="http://127.0.0.1:9", FAKE_KEY="sk-fake",
        )  # fmt: skip

    def run(self, *words: str, stdin: str = "") -> str:
        done = subprocess.run(
            words, cwd=self.project, env=self.environment, input=stdin, capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip
        if done.returncode:
            self.wrong.append(f"{words}: exit {done.returncode}: {done.stdout[-1500:]}{done.stderr[-1500:]}")
        return done.stdout

    def txlite(self, *words: str) -> str:
        return self.run(sys.executable, "-m", "txlite", *words)

    def play(self, course: Course, command: list[str]) -> None:
        """Have its agent go through a course."""
        provider = Provider(course)
        self.environment["ANTHROPIC_BASE_URL"] = provider.url
        if self.name == "codex":
            with open(self._codex, "w", encoding="utf-8") as file:
                file.write(CODEX.format(url=provider.url, python=sys.executable, path=REPOSITORY))
        out = self.run(*command, stdin="begin")
        provider.shutdown()
        provider.server_close()
        if provider.failure or not provider.has_ended:
            self.wrong.append(f"{self.name}: {provider.failure or 'it did not come to its end'}: {out[-1500:]}")


AGENT = {
    "claude": ["claude", "-p", "--allowedTools", "mcp__txlite"],
    "codex": ["codex", "exec", "--skip-git-repo-check", "-"],
}


def with_command_lines(scene: Scene) -> list[str]:
    """What was wrong with claude and codex: they are given the server, and their agents call its tools."""
    wrong = []
    for name, says in (("claude", "Connected"), ("codex", "enabled")):
        if not shutil.which(name):
            print(f"skipped: no {name} on PATH")
            continue
        line = CommandLine(scene, name)
        line.run(name, "mcp", "add", "txlite", "--", sys.executable, "-m", "txlite", "mcp")
        if says not in line.run(name, "mcp", "list"):
            line.wrong.append(f"{name} mcp list does not say {says}")
        line.play(outside(name), AGENT[name])
        other = line.txlite("add", "-q", "--score=-1", "of another").strip()
        own = line.txlite("add", "-q", "its own").strip()
        loop = [sys.executable, "-m", "txlite", "ralph", "--agent", name, "--max-tasks", "1", "--no-commit"]
        line.play(inside(own, other), loop)
        if json.loads(line.txlite("show", own, "--json"))["status"] != "done":
            line.wrong.append(f"{name}: its word did not count")
        print(f"{name}: added, {says.lower()}, all ten tools outside, and its own task alone inside", flush=True)
        wrong += line.wrong
    return wrong


def main() -> int:
    """Play, and say how it went."""
    parser = make_parser("the server of tools among malformed messages and real clients")
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--clients", action="store_true", help="real clients alone")
    parser.add_argument("--short", action="store_true", help="500 messages, and no clients")
    options = parser.parse_args()
    scene = Scene("mcp", options)
    wrong = [] if options.clients else malformed(scene, 500 if options.short else options.messages)
    if not options.short:
        wrong += with_sdks(scene) + with_command_lines(scene)
    return scene.conclude(wrong, "messages and clients")


if __name__ == "__main__":
    sys.exit(main())
