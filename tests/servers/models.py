"""The APIs of two providers of language models, on this machine: OpenAI's and Anthropic's.

They answer, stream, embed, refuse, and count. ::

    with ModelServer() as server:
        server.refuse(1, {"Retry-After": "0.2"})
        ...
        assert server.too_early == 0    # nobody asked before the time was over
"""

from __future__ import annotations

import base64
import json
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

from servers.local_http import LocalHandler, LocalHTTPServer

COMPLETION_TOKENS = 7
"""Of each answer."""

_JSON = {"content-type": "application/json"}
_EVENTS = {"content-type": "text/event-stream"}


def tokens_of(text: str) -> int:
    """How many tokens a prompt has."""
    return len(text.split())


class ModelServer(LocalHTTPServer):
    """Serves on 127.0.0.1.

    Attributes:
        asked: what was answered, in order: a prompt, or the texts to embed, for each request.
        refused: how many requests got a 429, or another error.
        too_early: how many of these came again before their `Retry-After` was over. Others may be
            on their way when a request is refused.
        keys: what each request signed in with.
        structured: what an answer is where a request asks for JSON of a schema.
        open: while it is not set, answers wait; a GET sets it.
    """

    def __init__(self) -> None:
        super().__init__(_Handler)
        self._lock = threading.Lock()
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget what was asked."""
        self.asked: list[Any] = []
        self.keys: list[str] = []
        self.refused = self.too_early = 0
        self.structured: dict[str, Any] = {}
        self.open = threading.Event()
        self.open.set()
        self._refusals: list[tuple[int, Mapping[str, str]]] = []
        self._closed_until: dict[str, float] = {}

    def refuse(self, times: int, headers: Mapping[str, str], status: int = 429) -> None:
        """Refuse so many of the requests that come next."""
        self._refusals += [(status, headers)] * times

    def environment(self) -> dict[str, str]:
        """What leads the SDKs here."""
        return {
            "OPENAI_API_KEY": "sk-none", "OPENAI_BASE_URL": f"{self.url}/v1",
            "ANTHROPIC_API_KEY": "sk-none", "ANTHROPIC_BASE_URL": self.url,
        }  # fmt: skip

    def admit(self, what: Any, key: str) -> tuple[int, Mapping[str, str]] | None:
        """Count a request; None where it gets an answer, else status and headers."""
        with self._lock:
            now = time.monotonic()
            self.too_early += now < self._closed_until.get(str(what), now)
            self.keys.append(key)
            if not self._refusals:
                self.asked.append(what)
                return None
            status, headers = self._refusals.pop(0)
            self.refused += 1
            self._closed_until[str(what)] = now + float(headers.get("Retry-After", "0"))
            return status, headers


class _Handler(LocalHandler):
    server: ModelServer

    def do_GET(self) -> None:
        self.server.open.set()
        self.send(200, b"", {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        what = body["input"] if "input" in body else body["messages"][-1]["content"]
        key = self.headers["authorization"] or self.headers["x-api-key"] or ""
        refusal = self.server.admit(what, key)
        if refusal is not None:
            status, headers = refusal
            error = {"type": "error", "error": {"type": "rate_limit_error", "message": "slower"}}
            self.send(status, json.dumps(error).encode(), {**_JSON, **headers})
            return
        self.server.open.wait()
        answer, events = _ANSWERS[self.path](body, self.server.structured)
        if body.get("stream"):
            self.send(200, "".join(events).encode(), _EVENTS)
        else:
            self.send(200, json.dumps(answer).encode(), _JSON)


def _text(body: dict[str, Any], structured: dict[str, Any]) -> str:
    """What the model says: its prompt in capitals, or the JSON that is wanted."""
    if "response_format" in body or "output_config" in body or "output_format" in body:
        return json.dumps(structured)
    return str(body["messages"][-1]["content"]).upper()


def _completion(body: dict[str, Any], structured: dict[str, Any]) -> tuple[Any, Iterator[str]]:
    text, prompt = _text(body, structured), tokens_of(body["messages"][-1]["content"])
    common = {"id": "c1", "created": 1, "model": body["model"]}
    usage = {
        "prompt_tokens": prompt, "completion_tokens": COMPLETION_TOKENS,
        "total_tokens": prompt + COMPLETION_TOKENS,
    }  # fmt: skip
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "finish_reason": "stop", "logprobs": None}
    whole = {
        **common, "object": "chat.completion", "usage": usage,
        "choices": [{**choice, "message": message}],
    }  # fmt: skip

    def events() -> Iterator[str]:
        chunk = {**common, "object": "chat.completion.chunk"}
        for word in text.split(" "):
            part = {"index": 0, "finish_reason": None, "delta": {"content": f"{word} "}}
            yield _data({**chunk, "choices": [part]})
        yield _data({**chunk, "choices": [{**choice, "delta": {}}]})
        if body.get("stream_options", {}).get("include_usage"):
            yield _data({**chunk, "choices": [], "usage": usage})
        yield "data: [DONE]\n\n"

    return whole, events()


def _message(body: dict[str, Any], structured: dict[str, Any]) -> tuple[Any, Iterator[str]]:
    text, prompt = _text(body, structured), tokens_of(body["messages"][-1]["content"])
    empty = {
        "id": "m1", "type": "message", "role": "assistant", "model": body["model"],
        "content": [], "stop_reason": None, "stop_sequence": None,
        "usage": {"input_tokens": prompt, "output_tokens": 1},
    }  # fmt: skip
    usage = {"input_tokens": prompt, "output_tokens": COMPLETION_TOKENS}
    whole = {
        **empty, "content": [{"type": "text", "text": text}], "usage": usage,
        "stop_reason": "end_turn",
    }  # fmt: skip

    def events() -> Iterator[str]:
        block = {"type": "text", "text": ""}
        end = {"stop_reason": "end_turn", "stop_sequence": None}
        yield _event("message_start", message=empty)
        yield _event("content_block_start", index=0, content_block=block)
        for word in text.split(" "):
            delta = {"type": "text_delta", "text": f"{word} "}
            yield _event("content_block_delta", index=0, delta=delta)
        yield _event("content_block_stop", index=0)
        yield _event("message_delta", delta=end, usage=usage)
        yield _event("message_stop")

    return whole, events()


def _embeddings(body: dict[str, Any], _: dict[str, Any]) -> tuple[Any, Iterator[str]]:
    texts: list[str] = body["input"]

    def vector(text: str) -> list[float] | str:
        numbers = [float(len(text)), float(tokens_of(text)), 1.0]
        if body.get("encoding_format") == "base64":
            return base64.b64encode(struct.pack("<3f", *numbers)).decode()
        return numbers

    total = sum(map(tokens_of, texts))
    whole = {
        "object": "list", "model": body["model"],
        "data": [
            {"object": "embedding", "index": number, "embedding": vector(text)}
            for number, text in enumerate(texts)
        ],
        "usage": {"prompt_tokens": total, "total_tokens": total},
    }  # fmt: skip
    return whole, iter(())


def _data(chunk: Any) -> str:
    return f"data: {json.dumps(chunk)}\n\n"


def _event(kind: str, **fields: Any) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n"


_ANSWERS = {
    "/v1/chat/completions": _completion,
    "/v1/messages": _message,
    "/v1/embeddings": _embeddings,
}
