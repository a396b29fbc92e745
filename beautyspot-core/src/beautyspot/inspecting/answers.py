"""`answer_of`: the text of a language model's response, wherever its provider has it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from beautyspot.serialization.looking import Instance

if TYPE_CHECKING:
    from collections.abc import Iterator

_MESSAGES: Final = (
    ("choices", 0, "message"),  # OpenAI, LiteLLM, and what speaks as they do
    ("candidates", 0, "content"),  # Gemini
    ("output", "message"),  # Bedrock
    ("message",),  # Ollama
    ("output",),  # OpenAI's responses
    (),  # Anthropic, LangChain
)
"""Where the message is. The first two tell a response; any other one has to count tokens, too."""

_NAMES: Final = {
    "usage": ("usage", "usage_metadata", "usageMetadata"),
    "in": (
        "prompt_tokens", "input_tokens", "prompt_token_count", "promptTokenCount", "inputTokens",
        "prompt_eval_count",
    ),
    "out": (
        "completion_tokens", "output_tokens", "candidates_token_count", "candidatesTokenCount",
        "outputTokens", "eval_count",
    ),
    "model": ("model", "model_version", "modelVersion", "model_name"),
    "parts": ("content", "parts"),
    "call": ("function", "function_call", "functionCall", "toolUse"),
    "given": ("arguments", "input", "args"),
}  # fmt: skip
"""What providers call a thing."""

_DEEPEST: Final = 6


class Answer(NamedTuple):
    """What a language model answered. What it cost, and how long it took, is in the row."""

    text: str  # "" where it calls tools only
    model: str | None = None  # None: it does not say
    tokens_in: int | None = None  # of the prompt, as the provider counts them
    tokens_out: int | None = None  # of the answer
    tool_calls: tuple[tuple[str, str], ...] = ()  # the name of each tool, its arguments as JSON


def answer_of(value: object) -> Answer | None:
    """The answer in a response of OpenAI, Anthropic, Gemini, Bedrock, LiteLLM or Ollama.

    Args:
        value: the response, as `Store.value` gives it: dictionaries, lists and instances.

    Returns:
        The first choice; None of what is no such response.
    """
    counted = _named(value, "usage") or value
    came, went = (
        count if type(count) is int else None
        for count in (_named(counted, "in"), _named(counted, "out"))
    )
    model = _named(value, "model") or _named(_at(value, "response_metadata"), "model")
    for path in _MESSAGES[:2] if came is went is None else _MESSAGES:
        blocks = list(_blocks(_at(value, *path)))
        texts = (block if isinstance(block, str) else _at(block, "text") for block in blocks)
        text = "".join(text for text in texts if isinstance(text, str))
        calls = tuple(call for block in blocks if (call := _call(block)) is not None)
        if text or calls:
            return Answer(text, model if isinstance(model, str) else None, came, went, calls)
    return None


def _at(value: object, *path: str | int) -> Any:
    """What is there; None where nothing is."""
    for step in path:
        held: Any = value.fields if isinstance(value, Instance) else value
        held = dict(enumerate(held[:1])) if isinstance(held, list) else held
        value = held.get(step) if isinstance(held, dict) else None
    return value


def _named(value: object, what: str) -> Any:
    """What some provider calls so; None where nothing is."""
    return next((it for name in _NAMES[what] if (it := _at(value, name)) is not None), None)


def _blocks(part: object, depth: int = 0) -> Iterator[object]:
    """The texts and tool calls of a message, and what holds them, less what the model thought."""
    is_thought = _at(part, "thought") or _at(part, "type") == "reasoning"
    if part is None or depth == _DEEPEST or is_thought:
        return
    if not isinstance(part, list):
        yield part
        part = [_named(part, "parts"), _at(part, "tool_calls")]
    for each in part:
        yield from _blocks(each, depth + 1)


def _call(block: object) -> tuple[str, str] | None:
    """The name of a tool, and its arguments."""
    called = _named(block, "call") or block
    name, given = _at(called, "name"), _named(called, "given")
    if not isinstance(name, str) or given is None:
        return None
    try:
        return name, given if isinstance(given, str) else json.dumps(given, default=repr)
    except (TypeError, ValueError, RecursionError):  # of a result that is none of theirs
        return name, "…"
