"""`answer_of`: the text of a language model's response."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import beautyspot as bs
import pytest
from anthropic.types import Message
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion
from openai.types.responses import Response

CHAT = {
    "id": "1", "object": "chat.completion", "created": 1, "model": "gpt-5",
    "choices": [{
        "index": 0, "finish_reason": "stop",
        "message": {"role": "assistant", "content": "hello", "tool_calls": [{
            "id": "1", "type": "function", "function": {"name": "find", "arguments": '{"q": 1}'},
        }]},
    }, {
        "index": 1, "finish_reason": "stop",
        "message": {"role": "assistant", "content": "another"},
    }],
    "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
}  # fmt: skip
MESSAGE = {
    "id": "1", "type": "message", "role": "assistant", "model": "claude", "stop_reason": "end_turn",
    "content": [
        {"type": "thinking", "thinking": "well", "signature": "x"},
        {"type": "text", "text": "hello"},
        {"type": "tool_use", "id": "1", "name": "find", "input": {"q": 1}},
    ],
    "usage": {"input_tokens": 3, "output_tokens": 4},
}  # fmt: skip
RESPONSE = {
    "id": "1", "object": "response", "created_at": 1, "model": "gpt-5", "tools": [],
    "tool_choice": "auto", "parallel_tool_calls": True,
    "output": [
        {"id": "1", "type": "reasoning", "summary": [],
         "content": [{"type": "reasoning_text", "text": "well"}]},
        {"id": "2", "type": "message", "role": "assistant", "status": "completed",
         "content": [{"type": "output_text", "text": "hello", "annotations": []}]},
        {"type": "function_call", "call_id": "1", "name": "find", "arguments": '{"q": 1}'},
    ],
    "usage": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7,
              "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
              "output_tokens_details": {"reasoning_tokens": 0}},
}  # fmt: skip
CALLED = (("find", '{"q": 1}'),)


@pytest.mark.parametrize(
    ("cls", "given", "model"),
    [
        (ChatCompletion, CHAT, "gpt-5"),
        (Message, MESSAGE, "claude"),
        (Response, RESPONSE, "gpt-5"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_of_clients_classes(cls: Any, given: Any, model: str, tmp_path: Path) -> None:
    with bs.Spot("llm", directory=tmp_path, config=False, strict=True) as spot:
        spot.register(cls)
        spot.mark(lambda prompt: cls.model_validate(given), name="app:ask")("hi")
    with bs.open_store(tmp_path, config=False) as store:
        (run,) = store.runs("app:ask").runs
        answer = bs.answer_of(store.value(run.record))
    assert answer == bs.Answer("hello", model, 3, 4, CALLED)
    assert run.cells["answer"] == "hello"
    assert (run.cells["model"], run.cells["tokens_in"]) == (model, 3)
    assert run.cells["tool_calls"] == 'find({"q": 1})'
    assert not {"id", "usage.prompt_tokens"} & run.cells.keys()


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        (CHAT, bs.Answer("hello", "gpt-5", 3, 4, CALLED)),
        (MESSAGE, bs.Answer("hello", "claude", 3, 4, CALLED)),
        ({"choices": [{"message": {"content": "hi"}}]}, bs.Answer("hi")),
        (
            {
                "candidates": [{"content": {"parts": [
                    {"text": "well", "thought": True}, {"text": "hel"}, {"text": "lo"},
                    {"functionCall": {"name": "find", "args": {"q": 1}}},
                ]}}],
                "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 4},
                "modelVersion": "gemini",
            },
            bs.Answer("hello", "gemini", 3, 4, CALLED),
        ),
        (
            {
                "candidates": [{"content": {"parts": [
                    {"text": "hello"}, {"function_call": {"name": "find", "args": {"q": 1}}},
                ]}}],
                "usage_metadata": {"prompt_token_count": 3, "candidates_token_count": 4},
                "model_version": "gemini",
            },
            bs.Answer("hello", "gemini", 3, 4, CALLED),
        ),
        (
            {
                "output": {"message": {"content": [
                    {"text": "hello"}, {"toolUse": {"name": "find", "input": {"q": 1}}},
                ]}},
                "usage": {"inputTokens": 3, "outputTokens": 4},
            },
            bs.Answer("hello", None, 3, 4, CALLED),
        ),
        (
            {"model": "llama", "message": {"content": "hello"}, "prompt_eval_count": 3,
             "eval_count": 4},
            bs.Answer("hello", "llama", 3, 4),
        ),
        (
            {"content": "hello", "usage_metadata": {"input_tokens": 3, "output_tokens": 4},
             "tool_calls": [{"name": "find", "args": {"q": 1}}],
             "response_metadata": {"model_name": "gpt-5"}},
            bs.Answer("hello", "gpt-5", 3, 4, CALLED),
        ),
        ({"choices": [{"message": {"content": None, "tool_calls": [
            {"function": {"name": "find", "arguments": {(1,): 10**5000}}}]}}]},
         bs.Answer("", tool_calls=(("find", "…"),))),
    ],
)  # fmt: skip
def test_of_plain_records(value: Any, answer: bs.Answer) -> None:
    assert bs.answer_of(value) == answer


@pytest.mark.parametrize(
    "value",
    [
        None, 1, "hello", b"x", [], {}, [CHAT], {"message": "hi"}, {"message": {"content": "hi"}},
        {"content": "hi", "model": "gpt-5"}, {"output": [{"text": "hi"}]}, {"choices": "abc"},
        {"choices": [{"message": {"content": 1}}]}, {"choices": []}, {"choices": [[]]},
        {"usage": {"input_tokens": 1}}, {"usage": {"input_tokens": "1"}, "content": "hi"},
        {"choices": [{"message": [[[[[[[["deep"]]]]]]]]}]},
    ],
)  # fmt: skip
def test_what_is_no_response_has_no_answer(value: Any) -> None:
    assert bs.answer_of(value) is None


NAMES = st.sampled_from(
    ["choices", "message", "content", "text", "type", "usage", "prompt_tokens", "output", "parts"]
)
TREES = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(TREES)
def test_no_tree_ends_in_an_error(tree: Any) -> None:
    answer = bs.answer_of(tree)
    assert answer is None or answer.text or answer.tool_calls
