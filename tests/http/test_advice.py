"""What is said of a client where beautyspot-http is missing."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import httpx
import openai
import pytest
from beautyspot import UnstableKeyError
from beautyspot.testing import memory_spot
from sqlalchemy import create_engine

CLIENTS: list[tuple[str, Callable[[], Any]]] = [
    ("openai", lambda: openai.OpenAI(api_key="sk-none")),
    ("httpx", httpx.Client),
    ("SQLAlchemy", lambda: create_engine("sqlite:///shop.db")),
]


class Assistant:
    """Has a client."""

    def __init__(self, client: Any) -> None:
        self.client = client


@pytest.fixture
def without_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEAUTYSPOT_PLUGINS", "local")
    monkeypatch.setitem(sys.modules, "beautyspot_http", None)


@pytest.mark.parametrize(("library", "make"), CLIENTS)
@pytest.mark.usefixtures("without_plugin")
def test_our_plugin_that_knows_a_client_is_named(library: str, make: Callable[[], Any]) -> None:
    client = make()
    with memory_spot() as spot:
        ask = spot.mark(lambda client: None)
        for given in (client, Assistant(client)):
            with pytest.raises(UnstableKeyError) as caught:
                spot.key(ask, given)
            said = str(caught.value)
            assert f"; beautyspot-http, where it is installed, knows {library} (docs/http" in said
    getattr(client, "close", lambda: None)()


@pytest.mark.usefixtures("without_plugin")
def test_no_plugin_is_named_for_another_type() -> None:
    with memory_spot() as spot, pytest.raises(UnstableKeyError) as caught:
        spot.key(lambda client: None, Assistant(iter(())))
    assert "beautyspot-http" not in str(caught.value)
