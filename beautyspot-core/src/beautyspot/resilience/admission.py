"""`Admission`: keeps a Spot that does not sign away from a store that takes signed results only.

A store may learn what it demands when it is opened: its server keeps that. Where it could not be
opened when the Spot was made, it is opened before the first operation that reads or writes a
result, so that none is read unsigned, and none is stored so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ParamSpec, TypeVar

from beautyspot.errors import MetadataError
from beautyspot.messages import SIGNED_ONLY

if TYPE_CHECKING:
    from collections.abc import Callable

    from beautyspot.contracts import MetadataStoreBase
    from beautyspot.resilience.reporting import Reporter

P = ParamSpec("P")
T = TypeVar("T")


class Admission:
    """Whether one Spot may use its store.

    Args:
        store: the store.
        reporter: is told once why it may not.
        signs: whether the Spot has a signing key.

    Attributes:
        is_given: whether it may, once the store was opened.
    """

    def __init__(self, store: MetadataStoreBase, reporter: Reporter, *, signs: bool) -> None:
        self._store, self._reporter, self._signs = store, reporter, signs
        self.is_given = False

    def open(self) -> None:
        """Open the store, which says what it demands."""
        self._store.open()
        self.is_given = self._signs or not self._store.demands_signing

    def needed_for(self, operation: Callable[P, T]) -> Callable[P, T]:
        """The operation, before which the store is opened unless it was."""
        if self._signs:
            return operation

        def admitted(*args: P.args, **kwargs: P.kwargs) -> T:
            if not self.is_given:
                self.open()
            if not self.is_given:
                why = f"the metadata store {self._store.name!r} {SIGNED_ONLY}"
                self._reporter.once("signatures", f"{why}. Until then calls run uncached")
                raise MetadataError(why)
            return operation(*args, **kwargs)

        return admitted
