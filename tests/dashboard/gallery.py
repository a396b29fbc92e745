"""A store of values of many kinds, and a client that looks at them, for the tests of a module."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from beautyspot import File, Spot, open_store
from beautyspot_dashboard import dashboard
from dashboard.conftest import BROWSER
from starlette.testclient import TestClient


class Gallery:
    """Stores values, each under a name, and asks the dashboard for them.

    Args:
        folder: of the store.
        options: of its Spot.
    """

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder = folder
        self.spot = Spot("app", directory=folder / "cache", config=False, strict=True, **options)
        self.keys: dict[str, str] = {}
        self.client: Any = None

    def put(self, name: str, value: Any, content_type: str | None = None, **options: Any) -> None:
        """Store a value as the result of a function of that name; bytes of a `File` as one."""
        if content_type == "file":
            path = self.folder / "given" / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(value)
            value, content_type = File(path), None
        options = {"content_type": content_type, "ignore": ("value",), **options}
        marked = self.spot.mark(name=name, **options)(_given)
        marked(name, value)
        self.keys[name] = self.row(name).cache_key

    def row(self, name: str) -> Any:
        """The row of a value."""
        with open_store(self.spot, config=False) as store:
            (row,) = store.rows(function=name.replace("[", "[[]"))
        return row

    def url(self, name: str, route: str = "value") -> str:
        """The path of a page of a value."""
        return f"/store/app/{route}/{self.keys[name]}"

    def get(self, name: str, query: str = "", method: str = "GET", **headers: Any) -> Any:
        """The answer to a request for the bytes of a value."""
        sent = {each.replace("_", "-"): text for each, text in headers.items()}
        return self.client.request(method, self.url(name) + query, headers=sent)

    def page(self, name: str, query: str = "") -> str:
        """The text of the page of a value."""
        text: str = self.client.get(self.url(name, "result") + query).text
        return text


def _given(name: str, value: Any) -> Any:
    del name
    return value


@contextmanager
def opened(folder: Path, **options: Any) -> Iterator[Gallery]:
    """A gallery whose dashboard is asked without a server."""
    found = Gallery(folder, **options)
    app = dashboard(str(found.spot.db_path))
    with TestClient(app, base_url="http://localhost", headers=BROWSER) as client:
        found.client = client
        yield found
    found.spot.shutdown()
