"""Optional arguments of a contract reach only methods that take them: a backend may know fewer."""

from __future__ import annotations

from pathlib import Path

import beautyspot as bs


def test_a_storage_as_the_specification_draws_it(tmp_path: Path) -> None:
    """`save(key, data)`: no content type, which is only a hint."""

    class Bare(bs.BlobStorageBase):
        name = "bare"

        def save(self, key, data):
            (tmp_path / "one").write_bytes(data)
            return "one"

        def load(self, location):
            return (tmp_path / location).read_bytes()

    with bs.Spot("app", directory=tmp_path, config=False, storage=Bare, strict=True) as spot:
        marked = spot.mark(save_blob=True, content_type="text/plain")(lambda: "text")
        assert marked() == marked() == "text"
        assert spot.stats()["hits"] == 1
