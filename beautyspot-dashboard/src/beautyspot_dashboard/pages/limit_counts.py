"""What limits did, in parts of a span, and by function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from beautyspot_dashboard.rendering.charts import LARGE, Span, chart, spans

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from beautyspot import Counts

    from beautyspot_dashboard.rendering.charts import Axis, Chart

SPANS: Final = spans(
    Span("24h", "24 hours", 24, 1), Span("7d", "7 days", 7, 24), Span("30d", "30 days", 30, 24)
)


class Done(NamedTuple):
    """What limits did, in a part of a span or to a function.

    The `name` is that of the part, or the identifier of the function.
    """

    name: str
    grants: int = 0
    waits: int = 0
    refusals: int = 0
    seconds: float = 0.0  # waited, by all together

    @property
    def at_once(self) -> int:
        """Grants that had not to wait."""
        return max(0, self.grants - self.waits)

    @property
    def asked(self) -> int:
        """Permits that were asked for."""
        return self.grants + self.refusals

    @property
    def mean(self) -> float | None:
        """Seconds that one waited that had to; None where none had to."""
        return self.seconds / self.waits if self.waits else None


def summed(counts: Iterable[Counts], name: str = "") -> Done:
    """All of them together."""
    given = list(counts)
    return Done(
        name,
        sum(each.grants for each in given),
        sum(each.waits for each in given),
        sum(each.refusals for each in given),
        float(sum(each.seconds_waited for each in given)),
    )


def by_part(counts: Sequence[Counts], axis: Axis) -> list[Done]:
    """Each part, the earliest first; those in which nothing was asked for, too."""
    parts = zip(axis.names, axis.split(counts), strict=True)
    return [summed(part, name) for name, part in parts]


def by_function(counts: Sequence[Counts]) -> list[Done]:
    """Each function; first that whose calls waited longest, together."""
    groups: dict[str, list[Counts]] = {}
    for each in counts:
        groups.setdefault(each.func_identifier, []).append(each)
    found = [summed(group, name) for name, group in groups.items()]
    return sorted(found, key=lambda each: (-each.seconds, -each.asked, each.name))


def bars(parts: Sequence[Done], span: Span) -> Chart:
    """What was granted at once, granted after a wait, and refused, upon each other."""
    columns = [(_words(each), _amounts(each)) for each in parts]
    return chart(columns, LARGE, f"Permits by {span.unit}; the table below has the numbers")


def _words(done: Done) -> str:
    several = f"{done.at_once:,} at once, {done.waits:,} after a wait, {done.refusals:,} refused"
    return f"{done.name}: {several}"


def _amounts(done: Done) -> dict[str, int]:
    return {"at-once": done.at_once, "waited": done.waits, "refused": done.refusals}
