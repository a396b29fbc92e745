"""A store with a value of every kind, as somebody's functions would have made them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

import beautyspot as bs
import numpy as np
import pandas as pd
from beautyspot.spot import Spot
from browsing import films

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 60" width="120" height="60">'
    '<rect width="120" height="60" fill="#6427d1"/>'
    '<circle cx="60" cy="30" r="20" fill="#fff"/></svg>'
)
HTML = (
    "<!doctype html><title>A report</title><style>h1{color:#6427d1}</style>"
    "<h1>The report</h1><p id=said>nothing ran</p>"
    "<script>document.getElementById('said').textContent = 'a script ran'</script>"
)
MARKDOWN = """# Notes of the run

Some *emphasis*, a list:

- one
- two

| model | answers |
|---|---|
| small | 12 |
"""
MERMAID = """flowchart LR
  ask --> cache{stored?}
  cache -->|yes| answer
  cache -->|no| run --> answer
"""
DOT = "digraph { ask -> cache; cache -> answer; cache -> run; run -> answer }\n"
PYTHON = 'def answer(question: str) -> int:\n    """Think about it."""\n    return 42  # as ever\n'
TREE = {
    "model": "small",
    "usage": {"tokens": [12, 30, 7], "cached": True, "cost": 0.0021},
    "steps": [
        {"index": n, "message": {"role": "assistant", "text": f"answer {n}"}} for n in range(3)
    ],
    "at": dt.datetime(2026, 11, 26, 12, 0, tzinfo=dt.UTC),
    "nothing": None,
}

MEDIA: Mapping[str, tuple[str, bytes | str]] = {
    "picture": ("image/png", films.picture(640, 400)),
    "photo": ("image/jpeg", films.picture(1600, 1000, "JPEG")),
    "svg": ("image/svg+xml", SVG),
    "sound": ("audio/wav", films.sound(300)),
    "film": ("video/webm", films.film()),
    "pdf": ("application/pdf", films.pdf("A page of paper")),
    "html": ("text/html", HTML),
    "markdown": ("text/markdown", MARKDOWN),
    "json": ("application/json", json.dumps({"answer": 42, "list": [1, 2, {"deep": "down"}]})),
    "mermaid": ("text/vnd.mermaid", MERMAID),
    "graphviz": ("text/vnd.graphviz", DOT),
    "code": ("text/x-python", PYTHON),
    "text": ("text/plain", "a line\nanother line\n"),
    "csv": ("text/csv", "city,people\n" + "".join(f"city {n},{n * 100}\n" for n in range(150))),
    "other": ("application/x-something", bytes(range(256)) * 4),
}
"""Kind -> the content type, and what the function returns."""

OBJECTS: Mapping[str, Any] = {
    "tree": TREE,
    "frame": pd.DataFrame({"x": range(130), "name": [f"row {n}" for n in range(130)]}),
    "matrix": np.add.outer(np.arange(40), np.arange(60)).astype("float32"),
    "vector": np.linspace(0, 1, 500),
    "number": 42,
    "sentence": "what a model said\nin two lines",
    "bytes": bytes(range(256)),
    "answer": {
        "model": "small",
        "choices": [{"message": {"role": "assistant", "content": "What was\n\nasked for."}}],
        "usage": {"prompt_tokens": 12, "completion_tokens": 30},
    },
}
"""Kind -> what a function returns that has no content type."""

ASKED = 120
"""How many results `kinds:ask` has."""


def fill(spot: Spot) -> dict[str, str]:
    """Store a value of every kind, and a function with many results; the keys by kind."""
    for kind, (content_type, value) in MEDIA.items():
        made = spot.mark(_giving(value), name=f"kinds:{kind}", content_type=content_type)
        made(kind)
    for kind, value in OBJECTS.items():
        spot.mark(_giving(value), name=f"kinds:{kind}")(kind)
    ask_often(spot)
    sweep(spot)
    limited = spot.limiter(cost=1)(_giving("allowed"))
    for number in range(3):
        spot.mark(limited, name="kinds:limited")(number)
    with bs.open_store(spot) as store:
        rows = store.rows(function="kinds:*")
        return {row.func_identifier.partition(":")[2]: row.cache_key for row in rows}


def _giving(value: Any) -> Any:
    def make(kind: str) -> Any:
        return value

    return make


def sweep(spot: Spot) -> None:
    """Store a function whose runs are compared, under a long name."""

    @spot.mark(name=f"kinds.{'a_package_' * 5}:{'a_sweep_' * 8}")
    def run(rate: float, kind: str, *, seed: int) -> dict[str, Any]:
        notes = f"line one of {kind}\nline two, {seed}\n"
        return {"score": rate * seed, "loss": 1 / (1 + seed), "kind": kind, "notes": notes}

    for number in range(24):
        run(10.0 ** (number % 5 - 2), ("rbf", "poly", "linear")[number % 3], seed=number)


def ask_often(spot: Spot) -> dict[str, str]:
    """Store a function with many results; the keys by prompt."""

    @spot.mark(name="kinds:ask", version="2", tags=("paid",), price=lambda answer: 0.01)
    def ask(prompt: str, temperature: float = 0.0) -> str:
        return f"an answer to {prompt}" * (1 + len(prompt) % 3)

    for number in range(ASKED):
        ask(f"question {number:03}")
    for _ in range(2):
        ask("question 007")  # hits
    ask("question 007", temperature=0.7)
    ask("good morning, Alice")
    with bs.open_store(spot) as store:
        return {str(row.arguments): row.cache_key for row in store.rows(function="kinds:ask")}
