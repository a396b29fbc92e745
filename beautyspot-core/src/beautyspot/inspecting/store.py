"""`Store`: what is stored, to be looked at, and to remove parts of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot.inspecting.changing import Changing
from beautyspot.inspecting.looking import Looking
from beautyspot.inspecting.reading import Reading

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from beautyspot.config.signing import SigningKeys
    from beautyspot.contracts import BlobStorageBase
    from beautyspot.inspecting.backends import Backends


class Store(Looking, Reading, Changing):
    """What a Spot has stored. `open_store` makes it; it is a context manager, which closes it.

    Looking changes nothing that is stored. Filters are the same everywhere, see `Where`; None
    matches any.

    Attributes:
        place: where it is, for people: an absolute path, or a URL less its secrets.
        metadata: the metadata store, opened to be looked at.
    """

    def __init__(self, backends: Backends, place: str) -> None:
        self._backends = backends
        self.place = place
        self._closed = False
        self.metadata = backends.looking()

    def __repr__(self) -> str:
        return f"<Store {self.place}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close what was made for it. Nothing that was given, such as a Spot, is closed."""
        if not self._closed:
            self._closed = True
            self._backends.close()

    @property
    def storage(self) -> BlobStorageBase | None:
        """Where the large results are; None where no storage is chosen or installed.

        Raises:
            ConfigError, BackendNotFound: the configuration names one that can't be had.
            StorageError: it can't be reached.
        """
        return self._backends.storage()

    @property
    def signing_keys(self) -> SigningKeys | None:
        """The keys that results are signed with, if they were given."""
        found: SigningKeys | None = self._backends.config["signing_key"]
        return found
