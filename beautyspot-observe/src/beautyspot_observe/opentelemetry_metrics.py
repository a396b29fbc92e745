"""Events as counters and histograms of OpenTelemetry."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from opentelemetry.metrics import Observation

from beautyspot_observe.labels import Names
from beautyspot_observe.measures import MEASURES, Measure, points
from beautyspot_observe.sums import Sums

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from beautyspot import Event
    from opentelemetry.metrics import CallbackOptions, Histogram, Meter

Labels = tuple[str, str, str]
"""The Spot, the function, the word."""


class OpenTelemetryMetrics:
    """The instruments of one meter.

    What is counted is added up here, and the SDK asks for the sums when it collects: to tell it of
    each hit would take several times what the hit does.

    Attributes:
        names: bounds the attributes.
    """

    def __init__(self, meter: Meter) -> None:
        self.names = Names()
        self._adds = {measure.name: _adding(meter, measure) for measure in MEASURES}

    def record(self, event: Event) -> None:
        """Count and measure an event."""
        spot, function = self.names.bounded(event.spot, event.function)
        for measure, word, amount in points(event):
            self._adds[measure.name]((spot, function, word), amount)


def _adding(meter: Meter, measure: Measure) -> Callable[[Labels, float], None]:
    """What adds an amount to an instrument, which it makes."""
    name, unit, text = f"beautyspot.{measure.name}", measure.unit, measure.text
    if measure.buckets:
        bounds = list(measure.buckets)
        histogram = meter.create_histogram(
            name, unit, text, explicit_bucket_boundaries_advisory=bounds
        )
        return partial(_record, histogram, measure)
    sums: Sums[Labels] = Sums()
    meter.create_observable_counter(name, [partial(_observed, sums, measure)], unit, text)
    return sums.add


def _record(histogram: Histogram, measure: Measure, labels: Labels, amount: float) -> None:
    histogram.record(amount, _attributes(measure, labels))


def _observed(sums: Sums[Labels], measure: Measure, _: CallbackOptions) -> Iterator[Observation]:
    for labels, amount in sums.items():
        yield Observation(amount, _attributes(measure, labels))


def _attributes(measure: Measure, labels: Labels) -> dict[str, str]:
    spot, function, word = labels
    attributes = {"beautyspot.spot": spot, "beautyspot.function": function}
    return attributes | ({f"beautyspot.{measure.word}": word} if measure.word else {})
