"""The protocol: revisions, what is no message, waits that are taken back, and the end."""

from __future__ import annotations

import signal
import subprocess
import sys

from ..case import PATIENCE, is_running, wait_until
from .case import META, Client

PING = {"jsonrpc": "2.0", "id": 0, "method": "ping"}


class Protocol(Client):
    def test_revisions_by_handshake(self) -> None:
        self.begin_server()
        for version in ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"):
            found = self.ask("initialize", protocolVersion=version, capabilities={}, clientInfo={"name": "ada"})
            self.assertEqual(found["protocolVersion"], version)
        self.assertEqual(self.ask("initialize", protocolVersion="1999-01-01")["protocolVersion"], "2025-11-25")
        self.say({"jsonrpc": "2.0", "method": "notifications/initialized"})
        tools = self.ask("tools/list")
        self.assertEqual(
            " ".join(one["name"] for one in tools["tools"]),
            "add ready list show claim renew finish logs wait cancel",
        )
        self.assertNotIn("resultType", tools)
        self.leave()
        self.assertEqual(self.errors, "")

    def test_the_stateless_revision(self) -> None:
        self.begin_server()
        meta = {META: "2026-07-28"}
        found = self.ask("server/discover", _meta=meta)
        self.assertIn("2026-07-28", found["supportedVersions"])
        tools = self.ask("tools/list", _meta=meta)
        for result in (found, tools):
            self.assertEqual((result["resultType"], type(result["ttlMs"]), result["cacheScope"]),
                             ("complete", int, "private"))  # fmt: skip
        called = self.ask("tools/call", _meta=meta, name="add", arguments={"title": "one"})
        self.assertEqual((called["resultType"], self.tell(called)["state"]), ("complete", "ready"))
        waited = self.ask("tools/call", _meta=meta, name="wait", arguments={"ids": [self.tell(called)["id"]],
                                                                             "seconds": 0})  # fmt: skip
        self.assertEqual(waited["resultType"], "complete")
        self.send("tools/list", _meta={META: "2099-01-01"})
        error = self.hear()["error"]
        self.assertEqual((error["code"], error["data"]["requested"]), (-32022, "2099-01-01"))
        self.assertIn("2026-07-28", error["data"]["supported"])
        self.assertEqual(self.ask("ping", _meta=meta), {"resultType": "complete"})

    def test_what_is_no_message_is_answered_and_the_server_goes_on(self) -> None:
        self.begin_server()
        wrong: list[tuple[object, int, object]] = [
            (b"nonsense", -32700, None),
            (b'{"jsonrpc": "2.0", "id": 1', -32700, None),
            (b"\xff\xfe", -32700, None),
            (b"[" * 100_000, -32700, None),
            (b'{"jsonrpc": "2.0", "id": ' + b"9" * 4000 + b', "method": "ping"}', -32700, None),
            (b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": NaN}', -32700, None),
            (b"x" * (1 << 20) + b"y", -32600, None),
            (b"7", -32600, None),
            ([PING], -32600, None),
            ({"id": 3, "method": "ping"}, -32600, 3),
            ({"jsonrpc": "2.0", "id": 3, "method": 3}, -32600, 3),
            ({"jsonrpc": "2.0", "id": None, "method": "ping"}, -32600, None),
            ({"jsonrpc": "2.0", "id": 1.5, "method": "ping"}, -32600, None),
            ({"jsonrpc": "2.0", "id": "a", "method": "ping", "params": [1]}, -32602, "a"),
            ({"jsonrpc": "2.0", "id": 4, "method": "tools/list"}, -32600, 4),  # out of order
            ({"jsonrpc": "2.0", "id": 4, "method": "initialize", "params": {}}, -32602, 4),
            ({"jsonrpc": "2.0", "id": 4, "method": "nothing/known"}, -32601, 4),
        ]
        for message, code, id in wrong:
            self.say(message)
            answer = self.hear()
            self.assertEqual((answer["error"]["code"], answer["id"]), (code, id), message)
        for silent in ({"jsonrpc": "2.0", "method": "what"}, {"jsonrpc": "2.0", "id": 9, "result": {}}, b"", b"  \r",
                       {"jsonrpc": "2.0", "method": "ping", "params": 3}):  # fmt: skip
            self.say(silent)
        self.assertEqual(self.ask("ping"), {})
        self.ask("initialize", protocolVersion="2025-03-26")
        self.say([PING, {**PING, "id": 7, "method": "tools/call", "params": {"name": "what"}}, 5])
        first, second, third = self.hear()
        self.assertEqual((first["result"], second["error"]["code"], third["error"]["code"]), ({}, -32602, -32600))
        self.leave()
        self.assertEqual(self.errors, "")

    def test_of_a_message_that_does_not_end_nothing_is_kept(self) -> None:
        self.begin_server()
        self.server.stdin.write(b"x" * (3 << 20))
        self.server.stdin.flush()
        self.assertEqual(self.hear()["error"]["code"], -32600)
        self.say(b"x" * (1 << 20))
        self.assertEqual(self.ask("ping"), {})

    def test_what_is_printed_goes_to_stderr(self) -> None:
        talk = "from txlite.mcp.wire import Wire; wire = Wire(); print('aside', flush=True); wire.send({'id': 1})"
        done = subprocess.run(
            [sys.executable, "-S", "-c", talk], env=self.environment, capture_output=True, timeout=PATIENCE, check=True
        )
        self.assertEqual((done.stdout, done.stderr), (b'{"id":1}\n', b"aside\n"))

    def test_a_last_line_without_an_end_and_signals(self) -> None:
        out = self.txlite("mcp", stdin=b'{"jsonrpc":"2.0","id":1,"method":"ping"}')
        self.assertEqual(out, '{"jsonrpc":"2.0","id":1,"result":{}}\n')
        self.begin_server()
        self.ask("ping")
        self.server.send_signal(signal.SIGINT)  # so claude ends its servers
        self.assertEqual((self.server.wait(PATIENCE), self.server.stderr.read()), (0, b""))

    def test_nobody_reads_the_answers(self) -> None:
        self.serve()
        self.server.stdout.close()
        self.say(PING)
        self.assertEqual(self.server.wait(PATIENCE), 0)
        self.assertEqual(self.server.stderr.read(), b"")


class Waits(Client):
    def test_others_are_served_meanwhile_and_it_ends_with_its_task(self) -> None:
        self.serve()
        one, two = self.call("add", title="one")["id"], self.call("add", title="two")["id"]
        waiting = self.send("tools/call", name="wait", arguments={"ids": [one, two], "seconds": 3600})
        same = self.send("tools/call", name="wait", arguments={"ids": [one], "seconds": 0})
        answer = self.hear()
        self.assertEqual(
            (answer["id"], self.tell(answer["result"])), (same, {"ended": [], "goOn": [{"id": one, "state": "ready"}]})
        )
        self.txlite("done", one)
        self.txlite("fail", two, "--reason", "no")
        answer = self.hear()
        ended = [{"id": one, "state": "done", "exit": 0}, {"id": two, "state": "failed", "exit": 1}]
        self.assertEqual((answer["id"], self.tell(answer["result"])), (waiting, {"ended": ended}))

    def test_taken_back_too_many_and_without_its_task(self) -> None:
        self.serve()
        one = self.call("add", title="one")["id"]
        wait = {"ids": [one], "seconds": 3600}
        asked = [self.send("tools/call", name="wait", arguments=wait) for _ in range(16)]
        self.assertIn("16 waits go on", self.refused("wait", ids=[one]))
        self.say({"jsonrpc": "2.0", "id": asked[0], "method": "tools/call", "params": {"name": "ready"}})
        self.assertEqual(self.hear()["error"]["code"], -32600)
        for id in asked[1:]:
            self.say({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}})
        nobodys: tuple[object, ...] = (None, [], {}, 10**9)
        for wrong in nobodys:
            self.say({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": wrong}})
        self.assertEqual(self.ask("ping"), {})
        self.txlite("delete", one)
        answer = self.hear()
        self.assertEqual((answer["id"], answer["result"]["isError"]), (asked[0], True))
        self.assertIsNone(self.hear(0.3))

    def test_it_ends_with_its_client(self) -> None:
        self.serve()
        self.send("tools/call", name="wait", arguments={"ids": [self.call("add", title="one")["id"]], "seconds": 3600})
        self.leave()
        wait_until(lambda: not is_running(self.server.pid), "the end of the server")
