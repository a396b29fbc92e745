"""`OpenedStore`: how a store reaches its place, makes what is not there, and asks."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any

from beautyspot.contracts import MetadataStoreBase, checked
from beautyspot.errors import MetadataError, NotSupportedError
from beautyspot_local.remote.remade import Remade

from beautyspot_postgres import schema
from beautyspot_postgres.functions import MICROS, NOW
from beautyspot_postgres.server import column_name
from beautyspot_postgres.tables import COLUMNS, kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beautyspot import Finding

    from beautyspot_postgres.server import Row, Server


class OpenedStore(Remade, MetadataStoreBase):
    """The part of a store that reaches its place, and asks.

    Args:
        server: that holds it.
        namespace: whose rows.
        demands_signing: whether that is to be kept in the database.
    """

    _server: Server

    def __init__(self, server: Server, namespace: str, *, demands_signing: bool) -> None:
        self._server = server
        self._namespace = column_name("namespace", namespace)
        self.demands_signing = checked.switch("demands_signing", demands_signing)
        self._store_id: str | None = None
        self._table = "{schema}.results"
        self._looks = self._is_closed = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._server.url} {self._namespace!r}>"

    def open(self, *, look: bool = False) -> None:
        """Reach the server, and make there what is not there yet; see the base class.

        Raises:
            SchemaError: a newer release made what this one can't use.
        """
        if self._is_closed:
            raise MetadataError("the store is closed: make a new one")
        schema.ensure(self._server, look=look)
        self._looks, self._table = look, "{schema}.results"
        if look:
            columns = self._server.run(
                "SELECT attname::text FROM pg_attribute "
                "WHERE attrelid = '{schema}.results'::regclass AND attnum > 0 AND NOT attisdropped"
            )
            missing = COLUMNS.keys() - {name for (name,) in columns}  # of another release
            more = [f", NULL::{kind(name)} AS {name}" for name in missing]
            self._table = f"(SELECT results.*{''.join(more)} FROM {{schema}}.results) AS results"
        found = self._server.run(
            "SELECT store_id, demands_signing FROM {schema}.stores WHERE namespace = %s",
            [self._namespace],
        )
        if not look and not (found and found[0][1] >= self.demands_signing):
            found = self._server.run(
                "INSERT INTO {schema}.stores AS old "
                f"(namespace, store_id, number, demands_signing) VALUES (%s, %s, {MICROS}, %s) "
                "ON CONFLICT (namespace) DO UPDATE "
                "SET demands_signing = old.demands_signing OR excluded.demands_signing "
                "RETURNING store_id, demands_signing",
                [self._namespace, secrets.token_hex(16), self.demands_signing],
            )
        for store_id, demands_signing in found:
            if not re.fullmatch("[0-9a-f]{8,64}", store_id):  # it becomes a part of paths
                raise MetadataError(
                    "another program has changed what the store says of itself: correct its "
                    f"store_id in {self._server.schema}.stores, or set another namespace"
                )
            self._store_id = store_id
            self.demands_signing = self.demands_signing or demands_signing
        self._server.is_ready = True

    def close(self) -> None:
        """Close its connections; nothing can be asked after that."""
        self._is_closed, self._server.is_ready = True, False
        self._server.close()

    def _asked(
        self,
        query: str,
        params: Sequence[Any] = (),
        *,
        twice: bool = True,
        prepare: bool | None = None,
    ) -> list[Row]:
        if not self._server.is_ready:
            self.open(look=self._looks)
        return self._server.run(query, params, twice=twice, prepare=prepare)

    def _changed(self, query: str, params: Sequence[Any] = (), **options: Any) -> list[Row]:
        if self._looks:
            raise NotSupportedError("the store was opened to look at it, and is not changed")
        return self._asked(query, params, **options)

    @property
    def store_id(self) -> str:
        """Random, 32 hex digits; made with the store."""
        if self._store_id is None:
            self.open(look=self._looks)
        if self._store_id is None:
            others = self._asked("SELECT namespace FROM {schema}.stores ORDER BY 1 LIMIT 20")
            raise MetadataError(
                f"there is no store {self._namespace!r} in {self._server.url} yet: a Spot that "
                "uses it makes it, or give namespace= as it was given there, of "
                + (", ".join(repr(name) for (name,) in others) or "none so far")
            )
        return self._store_id

    def now(self) -> float:
        """The server's clock; see the base class."""
        [(now,)] = self._asked(f"SELECT {NOW}")
        return float(now)

    def examine(self) -> Iterator[Finding]:
        """Standby, durability, connections; see the base class."""
        from beautyspot_postgres.examination import of_server  # rarely asked for

        yield from of_server(self._server, f"metadata {self.name}")
