"""Globals that ``version="auto"`` can't read are named, with what to write."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pluggy
from beautyspot.logs import forget_warnings

PROMPT = pluggy.PluginManager("Translate")  # of other people's class
LOCK = threading.Lock()
LOG = logging.getLogger(__name__)
TEXT = "Translate"


def unread(text: str) -> str:
    with LOCK:
        LOG.debug("asked")
        return f"{PROMPT.project_name} {text}"


def read(text: str) -> str:
    return f"{TEXT} {text}"


def test_what_the_version_does_not_follow_is_named_once(spot: Any, caplog: Any) -> None:
    caplog.set_level(logging.INFO, logger="beautyspot")
    forget_warnings()
    for function in (unread, read):
        marked = spot.mark(version="auto")(function)
        assert {marked("a"), marked("a"), marked("b")} == {"Translate a", "Translate b"}
    told = [one for one in caplog.messages if "does not follow" in one]
    assert len(told) == 1
    assert f"does not follow PROMPT in {__name__}:unread" in told[0]
    assert "PluginManager" in told[0]
    assert "write the version yourself" in told[0]
    assert caplog.records[caplog.messages.index(told[0])].levelname == "INFO"
