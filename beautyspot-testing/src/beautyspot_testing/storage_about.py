"""The part of the suite of storages that is about what they keep of what is told about a blob."""

from __future__ import annotations

import inspect
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import pytest
from beautyspot.errors import BlobLocationError, BlobNotFound

from beautyspot_testing.storage_values import FOREIGN_LOCATIONS, KEY

if TYPE_CHECKING:
    from beautyspot.contracts import BlobStorageBase

_TOLD: Final[dict[str, str]] = {
    "func_identifier": "app:ask",
    "made_at": "1795694400.123456",
    "empty": "",
    "tags": '["a b", "c&d=e", "100%"]',
    "arguments": "prompt='two  spaces,\n日本 é \\ \"',\ttail ",
}

_TEXTS: Final = {"plain": "x" * 700, "of Japan": "日" * 200, "long": "y" * 2000, "last": "z"}


class AboutContract:
    """What a storage must do with what it is told; part of `StorageContract`.

    A storage whose `save` takes no argument `about` passes it by what it inherits.
    """

    def _telling(self, storage: BlobStorageBase) -> Any:
        """The storage, if it keeps what it is told."""
        for save in (storage.save, storage.save_file):
            if "about" not in inspect.signature(save).parameters:
                pytest.skip(f"{save.__name__} takes no argument `about`")
        return storage

    def test_what_was_told_is_kept(self, storage: BlobStorageBase) -> None:
        telling = self._telling(storage)
        location = telling.save(KEY, b"data", content_type="image/png", about=_TOLD)
        assert dict(telling.about(location)) == _TOLD
        assert list(telling.about(location)) == list(_TOLD), "in its order"
        assert telling.load(location) == b"data"

    def test_what_was_told_of_a_file_is_kept(self, storage: BlobStorageBase) -> None:
        telling = self._telling(storage)
        location = telling.save_file(KEY, BytesIO(b"a file"), about=_TOLD)
        assert dict(telling.about(location)) == _TOLD
        assert telling.load(location) == b"a file"

    def test_a_save_replaces_what_was_told(self, storage: BlobStorageBase) -> None:
        telling = self._telling(storage)
        location = telling.save(KEY, b"1", about=_TOLD)
        telling.save(KEY, b"2", about={"name": "2"})
        assert dict(telling.about(location)) == {"name": "2"}
        telling.save(KEY, b"3")
        assert dict(telling.about(location)) == {}

    def test_what_does_not_fit_is_left_out_from_the_end(self, storage: BlobStorageBase) -> None:
        telling = self._telling(storage)
        told = dict(telling.about(telling.save(KEY, b"x", about=_TEXTS)))
        assert list(told.items()) == list(_TEXTS.items())[: len(told)]
        assert "plain" in told, "there should be room for some texts at least"

    def test_a_blob_of_which_nothing_was_told(self, storage: BlobStorageBase) -> None:
        assert dict(storage.about(storage.save(KEY, b"x"))) == {}

    def test_of_a_missing_blob_nothing_is_told(self, storage: BlobStorageBase) -> None:
        telling = self._telling(storage)
        location = telling.save("ab/here", b"x", about=_TOLD)
        with pytest.raises(BlobNotFound):
            telling.about(location.replace("here", "gone"))

    @pytest.mark.parametrize("location", FOREIGN_LOCATIONS)
    def test_nothing_is_told_of_anything_foreign(
        self, storage: BlobStorageBase, location: str
    ) -> None:
        telling = self._telling(storage)
        with pytest.raises((BlobLocationError, BlobNotFound)):
            telling.about(location)
