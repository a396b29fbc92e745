"""`RedisMetadataStore`: the metadata store that many machines share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beautyspot.contracts import MetadataStoreBase, TaskRecord

from beautyspot_redis.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator


class RedisMetadataStore(MetadataStoreBase):
    """A metadata store in Redis or Valkey.

    Args:
        url: of the server; see `beautyspot_redis.server`.
        namespace: what keeps the results of one team, or one program, apart from those of others.
    """

    name = "redis"
    schemes = ("redis", "rediss", "valkey", "valkeys")
    keeps_deadlines = True
    remote = True

    def __init__(self, url: str, *, namespace: str = "beautyspot") -> None:
        self._server = Server(url)
        self._namespace = namespace

    @property
    def store_id(self) -> str:
        """Random, 16 hex digits; kept in the server."""
        raise NotImplementedError

    def get(self, key: str) -> TaskRecord | None:
        """See the base class."""
        raise NotImplementedError

    def put(self, record: TaskRecord) -> None:
        """See the base class."""
        raise NotImplementedError

    def delete(self, key: str) -> bool:
        """See the base class."""
        raise NotImplementedError

    def scan(
        self,
        *,
        func_identifier: str | None = None,
        version: str | None = None,
        tag: str | None = None,
        with_data: bool = False,
    ) -> Iterator[TaskRecord]:
        """See the base class."""
        raise NotImplementedError
