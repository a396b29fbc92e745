"""Observers and their libraries: what is missing, and which options are wrong."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import beautyspot as bs
import beautyspot_observe
import pytest
from beautyspot_observe import StructlogObserver

if TYPE_CHECKING:
    pass


def forget(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have an observer imported anew when it is next named."""
    monkeypatch.delitem(vars(beautyspot_observe), name, raising=False)
    module = f"beautyspot_observe.{name.removesuffix('Observer').lower()}_observer"
    monkeypatch.delitem(sys.modules, module, raising=False)


@pytest.mark.parametrize(
    ("name", "library", "extra"),
    [
        ("OpenTelemetryObserver", "opentelemetry", "opentelemetry"),
        ("PrometheusObserver", "prometheus_client", "prometheus"),
        ("StructlogObserver", "structlog", "structlog"),
    ],
)
def test_a_missing_library_is_an_error_that_says_what_to_install(
    name: str, library: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget(name, monkeypatch)
    monkeypatch.setitem(sys.modules, library, None)  # as if it were not installed
    with pytest.raises(ModuleNotFoundError) as caught:
        exec(f"from beautyspot_observe import {name}")
    assert str(caught.value) == (
        f"this observer needs {library}, which is not installed: install "
        f"beautyspot-observe[{extra}] (docs/install.md)"
    )


EACH = """
import importlib, sys
libraries = {"opentelemetry", "prometheus_client", "structlog"}
for name in ("StructlogObserver", "PrometheusObserver", "OpenTelemetryObserver"):
    getattr(importlib.import_module("beautyspot_observe"), name)()
    print(*sorted(libraries.intersection(sys.modules)))
"""


def test_an_observer_imports_no_library_but_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", EACH], capture_output=True, text=True, check=True
    )
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["structlog"],
        ["prometheus_client", "structlog"],
        ["opentelemetry", "prometheus_client", "structlog"],
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"level": "loud"},
        {"logger": object()},
    ],
    ids=["level", "logger"],
)
def test_a_wrong_option_of_structlog_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(bs.ConfigError, match="StructlogObserver"):
        StructlogObserver(**wrong)


def test_names_are_listed_and_another_one_is_an_attribute_error() -> None:
    assert {"PrometheusObserver", "StructlogObserver"} <= {*dir(beautyspot_observe)}
    with pytest.raises(AttributeError, match="no attribute 'JaegerObserver'"):
        beautyspot_observe.JaegerObserver  # noqa: B018
