"""The recipe for a service: equal requests cost one, and what was paid for is kept."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from recipes.conftest import Recipe
from servers.models import ModelServer
from servers.ports import free_port

DRIVER = """
import asyncio, httpx, json, os, sys, types, service

def lose_patience_when_it_is_asked():
    limits, completions = [], service.client.chat.completions
    create = completions.create
    def timeout(_):
        limits.append(asyncio.Timeout(None))
        return limits[-1]
    def asking(**options):
        limits[-1].reschedule(0)
        return create(**options)
    completions.create = asking
    service.asyncio = types.SimpleNamespace(**{**vars(asyncio), "timeout": timeout})

async def main():
    inside = httpx.ASGITransport(service.app)
    async with service.app.router.lifespan_context(service.app):
        async with httpx.AsyncClient(transport=inside, base_url="http://app") as web:
            asked = [web.get("/answer", params={"question": q}) for q in sys.argv[2:]]
            replies = await asyncio.gather(*asked)
            httpx.get(os.environ["OPENAI_BASE_URL"])  # has what waits answered
            stats = (await web.get("/stats")).json()
    told = [[r.status_code, r.json(), r.headers.get("retry-after")] for r in replies]
    print(json.dumps({"replies": told, "stats": stats}))

if sys.argv[1] == "late":
    lose_patience_when_it_is_asked()
if "PAUSE" in os.environ:
    service.spot.bucket.pause(os.environ["PAUSE"])
asyncio.run(main())
"""


def asked(recipe: Recipe, *questions: str, late: bool = False, **given: str) -> Any:
    recipe.copy("service.py", "PATIENCE = 20.0", "PATIENCE = 600.0")
    (recipe.folder / "driver.py").write_text(DRIVER)
    word = "late" if late else "patient"
    return json.loads(recipe.run_there("driver.py", word, *questions, **given).stdout)


def test_equal_questions_are_asked_once(recipe: Recipe, models: ModelServer) -> None:
    first = asked(recipe, "Why?", "why? ", "why?", "when?")
    assert [reply[0] for reply in first["replies"]] == [200] * 4
    assert sorted(models.asked) == ["when?", "why?"]
    assert first["stats"]["hits"] == 2
    assert asked(recipe, "why?")["replies"] == [[200, {"answer": "WHY?"}, None]]
    assert len(models.asked) == 2


def test_what_comes_too_late_is_kept(recipe: Recipe, models: ModelServer) -> None:
    models.open.clear()
    assert asked(recipe, "why?", late=True)["replies"][0][0] == 504
    assert models.asked == ["why?"], "a worker should end what has begun"
    assert asked(recipe, "why?")["replies"][0][:2] == [200, {"answer": "WHY?"}]
    assert models.asked == ["why?"]


def test_who_would_wait_too_long_is_told_so(recipe: Recipe, models: ModelServer) -> None:
    (reply,) = asked(recipe, "why?", PAUSE="60")["replies"]
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
