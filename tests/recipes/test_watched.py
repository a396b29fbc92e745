"""The recipe for traces and metrics: what a collector and Prometheus get."""

from __future__ import annotations

import pytest
from recipes.conftest import Recipe
from servers.collector import Collector
from servers.models import ModelServer

DRIVER = """
import asyncio, httpx, watched

async def main():
    inside = httpx.ASGITransport(watched.app)
    async with watched.app.router.lifespan_context(watched.app):
        async with httpx.AsyncClient(transport=inside, base_url="http://app") as web:
            for _ in range(2):
                (await web.get("/review", params={"text": "I liked it"})).raise_for_status()
            print((await web.get("/metrics")).text)

asyncio.run(main())
"""


def test_what_is_told_of_a_hit_and_a_miss(recipe: Recipe, models: ModelServer) -> None:
    recipe.copy("watched.py")
    (recipe.folder / "driver.py").write_text(DRIVER)
    with Collector() as collector:
        recipe.given["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.url
        told = recipe.run_there("driver.py").stdout.splitlines()
        mood, ask = "watched:mood", "watched:ask"
        assert {("review", mood), (mood, ask)} <= collector.tree  # FastAPI may have its own
        assert [span.name for span in collector.spans].count(mood) == 2
    assert len(models.asked) == 1
    assert f'beautyspot_hits_total{{function="{mood}",place="store",spot="watched"}} 1.0' in told
    runs = f'beautyspot_misses_total{{function="{ask}",reason="not stored",spot="watched"}} 1.0'
    assert runs in told
    spent = f'beautyspot_price_spent_total{{function="{ask}",spot="watched"}} '
    (line,) = [line for line in told if line.startswith(spent)]
    assert float(line.removeprefix(spent)) == pytest.approx(11 * 0.4e-6 + 7 * 1.6e-6)
