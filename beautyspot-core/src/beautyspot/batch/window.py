"""`Window`: inputs of a map that were read, and not handed out: what may start, what is given.

It knows nothing of threads or event loops, and is used by one at a time.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from beautyspot.batch.failures import Failed
from beautyspot.batch.inputs import shown
from beautyspot.batch.items import Item
from beautyspot.messages import masked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from beautyspot.batch.lookups import Lookups
    from beautyspot.batch.made import Made
    from beautyspot.batch.meter import Meter
    from beautyspot.batch.options import MapOptions

AHEAD: Final = 256
"""Inputs that are read and not handed out, at most, but for a page of hits."""

TIMES: Final = 4
"""They are more where more calls run at once: so many times their number."""

LEAST: Final = 16
"""No page is read before there is room for so many inputs."""

LONGEST: Final = 200
"""Characters of an input that are shown."""


class Window:
    """What stands between the inputs of a map and its results.

    Attributes:
        has_ended: whether nothing new may start, since an input failed.
    """

    def __init__(
        self, options: MapOptions, lookups: Lookups, concurrency: int, meter: Meter | None
    ) -> None:
        self._ordered, self._errors = options.ordered, options.errors
        self._most = options.most_failures
        self._ahead = max(AHEAD, TIMES * concurrency)
        self._lookups, self._meter = lookups, meter
        self._line: deque[Any] = deque()  # what is to be handed out, in that order
        self._open = 0  # items that are not settled
        self._under_way: dict[str, list[Item]] = {}  # by key: who leads, and who waits
        self._failures = 0
        self._fatal: Item | None = None
        self.has_ended = False

    # -------------------------------------------------------------------------- reading

    @property
    def room(self) -> int:
        """How many inputs the next page may have; 0 where none is to be read yet."""
        if not self._line and not self._open:
            return self._lookups.size
        room = self._ahead - len(self._line) - (0 if self._ordered else self._open)
        return min(room, self._lookups.size) if room >= LEAST else 0

    def take(self, page: list[Any]) -> list[Item]:
        """Take a page of results and items in; gives the items, each to be looked up or called."""
        items = [each for each in page if each.__class__ is Item]
        self._line.extend(
            page if self._ordered or not items else [x for x in page if x.__class__ is not Item]
        )
        self._open += len(items)
        if self._meter is not None and len(items) < len(page):
            self._meter.hit(len(page) - len(items))
        return items

    # -------------------------------------------------------------------------- calling

    def leads(self, item: Item) -> bool:
        """Whether the item's call may start now; else it waits for an equal one's."""
        if not item.key:
            return True
        equal = self._under_way.setdefault(item.key, [])
        equal.append(item)
        return equal[0] is item

    def returned(self, item: Item, made: Made) -> list[Item]:
        """Note an item's value; gives those that waited for it, each to be looked up or called."""
        item.value = made.value
        followers = self._settle(item)
        if made.is_stored is not None:
            self._lookups.follow(followers, made.value)
        return followers

    def failed(
        self,
        item: Item,
        error: BaseException,
        *,
        fatal: bool = False,
        stored: bool = False,
        refused: bool = False,
    ) -> None:
        """Note that an item failed, and with it those that waited for it.

        With `fatal` that ends the map, whatever the user said of errors. An error that is `stored`
        is a result, and counts as a failure only where all errors are raised. `refused` is that of
        a limit: no function has run.
        """
        for each in (item, *self._settle(item)):
            each.error, each.stored = error, stored
            if each is not item:
                self._settle(each)
                if self._meter is not None:
                    self._meter.hit() if stored else self._meter.missed(refused=refused)
            if stored and self._errors != "raise":
                continue
            self._failures += 1
            over = self._most is not None and self._failures > self._most
            if fatal or over or not isinstance(error, Exception):
                each.fatal = self.has_ended = True
                self._fatal = self._fatal or each

    def _settle(self, item: Item) -> list[Item]:
        """Note that an item is done; gives those that waited for it."""
        item.settled = True
        self._open -= 1
        if not self._ordered:
            self._line.append(item)
        equal = self._under_way.get(item.key)
        if equal is None or equal[0] is not item:
            return []
        del self._under_way[item.key]
        return equal[1:]

    # -------------------------------------------------------------------------- handing out

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left."""
        return not self._line and not self._open

    @property
    def is_ready(self) -> bool:
        """Whether something can be handed out."""
        if not self._line:
            return False
        head = self._line[0]
        return head.__class__ is not Item or (head.settled and not self._stops(head))

    def ready(self) -> Iterator[Any]:
        """What can be handed out: all until an item was handed out, so that others may be read."""
        line = self._line
        while line:
            head = line[0]
            if head.__class__ is not Item:
                line.popleft()
                yield head
                continue
            if not head.settled or self._stops(head):
                return
            line.popleft()
            if head.error is None:
                yield head.value
                return
            if head.fatal:  # `raise_failure` raises its error
                continue
            error, head.error = head.error, None  # its traceback leads to the item: else a cycle
            if self._errors == "return":
                assert isinstance(error, Exception)  # noqa: S101 - any other one is fatal
                yield Failed(shown(head.args), error, head.stored)
                return

    def _stops(self, head: Item) -> bool:
        """Whether nothing behind this one is handed out, as it ended the map."""
        if not self._ordered or not head.fatal:
            return False
        self._fatal = head
        return True

    def raise_failure(self, unread: BaseException | None) -> None:
        """Raise what ended the map, if anything did: else what the inputs raised, if they did."""
        error = self._failure() or unread
        try:
            if error is not None:
                raise error
        finally:
            del error, unread  # its traceback holds this frame: else a cycle for the collector

    def _failure(self) -> BaseException | None:
        """The error that ended the map, with its input in a note; nothing is kept here."""
        item, self._fatal = self._fatal, None
        self._line.clear()
        self._under_way.clear()
        if item is None or item.error is None:
            return None
        error, item.error = item.error, None
        with suppress(Exception):  # a class of the user's may refuse a note
            error.add_note(f"spot.map: the input was {input_shown(item.args)}{self._others()}")
        return error

    def _others(self) -> str:
        """How many failed, for the note: too many, or others too."""
        if self._errors != "raise" and self._most is not None and self._failures > self._most:
            return f"; {self._failures} failed in all, more than max_errors={self._most}"
        more = self._failures - 1
        others = "1 other" if more == 1 else f"{more} others"
        return f"; {others} failed too" if more > 0 else ""


def input_shown(args: tuple[Any, ...]) -> str:
    """An input for people: short, and less secrets."""
    import reprlib

    short = reprlib.Repr()
    short.maxstring = short.maxother = LONGEST
    try:
        text = short.repr(shown(args))
    except Exception:  # a class of the user's may have none
        text = f"a {type(shown(args)).__qualname__}"
    text = str(masked(text))
    return text if len(text) <= 2 * LONGEST else f"{text[: 2 * LONGEST]}…"
