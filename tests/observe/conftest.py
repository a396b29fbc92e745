"""What the tests of observers share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from observe.telemetry import Telemetry


@pytest.fixture
def otel() -> Iterator[Telemetry]:
    """An OpenTelemetry of the test's own."""
    telemetry = Telemetry()
    yield telemetry
    telemetry.traces.shutdown()
    telemetry.meters.shutdown()
