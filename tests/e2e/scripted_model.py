"""A model that says what a script says, on the loopback interface, in the Messages API of Anthropic."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any


@dataclass(frozen=True)
class ToolUse:
    """A tool the model calls, with its input."""

    name: str
    input: dict[str, Any]


@dataclass
class ScriptedModel:
    """
    Serves one script: a list of turns, each a list of tool uses; after the last it says `DONE`.

    The turn follows from the request alone (how many assistant turns with tools it holds), so a client may retry.
    """

    turns: list[list[ToolUse]]
    seen: dict[str, str] = field(default_factory=dict)
    """What the client gave back for each tool use, by its id: what the model would read."""

    def __enter__(self) -> ScriptedModel:
        model = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:
                """Keep the test's output clean."""

            def do_HEAD(self) -> None:
                self._send("text/plain", b"")

            def do_GET(self) -> None:
                self._send("application/json", b"{}")

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
                if self.path.split("?")[0].endswith("/v1/messages"):
                    message = model.reply(body)
                    if body.get("stream"):
                        self._send("text/event-stream", events(message))
                    else:
                        self._send("application/json", json.dumps(message).encode())
                else:
                    self._send("application/json", b'{"input_tokens": 10}')

            def _send(self, kind: str, body: bytes) -> None:
                self.send_response(200)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def reply(self, request: dict[str, Any]) -> dict[str, Any]:
        """The model's next message for a conversation."""
        turn = 0
        for message in request.get("messages", []):
            blocks = message["content"] if isinstance(message["content"], list) else []
            turn += any(block.get("type") == "tool_use" for block in blocks)
            for block in blocks:
                if block.get("type") == "tool_result":
                    self.seen[block["tool_use_id"]] = plain(block.get("content"))
        # Requests without tools are the client's own errands, such as a title for the session.
        uses = self.turns[turn] if request.get("tools") and turn < len(self.turns) else []
        content: list[dict[str, Any]] = [
            {"type": "tool_use", "id": f"toolu_{turn}_{index}", "name": use.name, "input": use.input}
            for index, use in enumerate(uses)
        ]
        return {
            "id": f"msg_{turn}",
            "type": "message",
            "role": "assistant",
            "model": request.get("model"),
            "content": content or [{"type": "text", "text": "DONE"}],
            "stop_reason": "tool_use" if uses else "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 10, "output_tokens": 5},
        }


def plain(content: object) -> str:
    """The text of a tool result, which is a string or a list of blocks."""
    if isinstance(content, list):
        return "\n".join(str(block.get("text", "")) for block in content)
    return str(content)


def events(message: dict[str, Any]) -> bytes:
    """A message as the stream of events that clients read."""
    stream: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**message, "content": [], "stop_reason": None}}
    ]
    for index, block in enumerate(message["content"]):
        if block["type"] == "text":
            start = {"type": "text", "text": ""}
            delta = {"type": "text_delta", "text": block["text"]}
        else:
            start = {**block, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        stream += [
            {"type": "content_block_start", "index": index, "content_block": start},
            {"type": "content_block_delta", "index": index, "delta": delta},
            {"type": "content_block_stop", "index": index},
        ]
    stream += [
        {
            "type": "message_delta",
            "delta": {"stop_reason": message["stop_reason"], "stop_sequence": None},
            "usage": {"output_tokens": 5},
        },
        {"type": "message_stop"},
    ]
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in stream)
