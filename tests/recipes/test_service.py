"""The recipe for a service: equal requests cost one, and what was paid for is kept."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from recipes.conftest import Recipe
from servers.models import ModelServer
from servers.ports import free_port

DRIVER = """
import asyncio, httpx, json, os, sys, service

async def main():
    inside = httpx.ASGITransport(service.app)
    async with service.app.router.lifespan_context(service.app):
        async with httpx.AsyncClient(transport=inside, base_url="http://app") as web:
            asked = [web.get("/answer", params={"question": q}) for q in sys.argv[2:]]
            replies = await asyncio.gather(*asked)
            stats = (await web.get("/stats")).json()
    told = [[r.status_code, r.json(), r.headers.get("retry-after")] for r in replies]
    print(json.dumps({"replies": told, "stats": stats}))

service.PATIENCE = float(sys.argv[1])
if "PAUSE" in os.environ:
    service.spot.bucket.pause(os.environ["PAUSE"])
asyncio.run(main())
"""


def asked(recipe: Recipe, patience: float, *questions: str, **given: str) -> Any:
    recipe.copy("service.py")
    (recipe.folder / "driver.py").write_text(DRIVER)
    return json.loads(recipe.run_there("driver.py", str(patience), *questions, **given).stdout)


def test_equal_questions_are_asked_once(recipe: Recipe, models: ModelServer) -> None:
    first = asked(recipe, 60, "Why?", "why? ", "why?", "when?")
    assert [reply[0] for reply in first["replies"]] == [200] * 4
    assert sorted(models.asked) == ["when?", "why?"]
    assert first["stats"]["hits"] == 2
    assert asked(recipe, 60, "why?")["replies"] == [[200, {"answer": "WHY?"}, None]]
    assert len(models.asked) == 2


def test_what_comes_too_late_is_kept(recipe: Recipe, models: ModelServer) -> None:
    models.open.clear()
    late = threading.Timer(0.5, models.open.set)
    late.start()
    assert asked(recipe, 0.1, "why?")["replies"][0][0] == 504
    late.join()
    assert models.asked == ["why?"], "a worker should end what has begun"
    assert asked(recipe, 60, "why?")["replies"][0][:2] == [200, {"answer": "WHY?"}]
    assert models.asked == ["why?"]


def test_who_would_wait_too_long_is_told_so(recipe: Recipe, models: ModelServer) -> None:
    (reply,) = asked(recipe, 60, "why?", PAUSE="60")["replies"]
    assert reply[:2] == [503, {"detail": "busy"}]
    assert 10 < int(reply[2]) <= 60
    assert models.asked == []


@contextmanager
def served(recipe: Recipe) -> Iterator[str]:
    recipe.copy("service.py")
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "service:app", "--workers", "2", "--port"]
    with subprocess.Popen(
        [*command, str(port)], cwd=recipe.folder, env=recipe.environment({}),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)


@pytest.mark.slow
def test_workers_share_answers(recipe: Recipe, models: ModelServer) -> None:
    with served(recipe) as url:
        retrying = httpx.HTTPTransport(retries=8)  # it takes a moment until it listens
        with httpx.Client(transport=retrying, timeout=60) as web:
            web.get(f"{url}/stats").raise_for_status()
        for _ in range(20):  # each by a connection of its own, to either worker
            reply = httpx.get(f"{url}/answer", params={"question": "why?"}, timeout=60)
            assert reply.json() == {"answer": "WHY?"}
    assert models.asked == ["why?"]
