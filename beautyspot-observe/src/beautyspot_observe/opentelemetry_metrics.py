"""Events as counters and histograms of OpenTelemetry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beautyspot_observe.measures import MEASURES, Measure, points

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot import Event
    from opentelemetry.metrics import Meter

    from beautyspot_observe.labels import Names


class Metrics:
    """The instruments of one meter.

    Args:
        meter: makes them.
        names: bounds the attributes.
    """

    def __init__(self, meter: Meter, names: Names) -> None:
        self._names = names
        self._adds = {measure.name: _instrument(meter, measure) for measure in MEASURES}
        self._attributes: dict[tuple[str, str, str, str], dict[str, str]] = {}

    def record(self, event: Event) -> None:
        """Count and measure an event."""
        spot, function = event.spot, event.function
        for measure, word, amount in points(event):
            attributes = self._attributes.get((measure.name, spot, function, word))
            self._adds[measure.name](
                amount, attributes or self._made(measure, spot, function, word)
            )

    def _made(self, measure: Measure, spot: str, function: str, word: str) -> dict[str, str]:
        labels = self._names.bounded(spot, function)
        attributes = {"beautyspot.spot": labels[0], "beautyspot.function": labels[1]}
        if measure.word:
            attributes[f"beautyspot.{measure.word}"] = word
        if labels == (spot, function):
            self._attributes[measure.name, spot, function, word] = attributes
        return attributes


def _instrument(meter: Meter, measure: Measure) -> Callable[[float, dict[str, str]], None]:
    name, about = f"beautyspot.{measure.name}", {"unit": measure.unit, "description": measure.text}
    made: Any
    if not measure.buckets:
        made = meter.create_counter(name, **about)
        return made.add  # type: ignore[no-any-return]
    buckets = list(measure.buckets)
    made = meter.create_histogram(name, **about, explicit_bucket_boundaries_advisory=buckets)
    return made.record  # type: ignore[no-any-return]
