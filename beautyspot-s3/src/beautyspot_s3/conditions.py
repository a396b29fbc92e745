"""`Conditions`: whether the server heeds the conditions of writes, which leases stand on.

A write may say what it replaces: ``If-None-Match: *`` is nothing, ``If-Match`` what has this ETag.
Some servers refuse such a write, and some take it and overwrite whatever is there. So that is tried
on an object that nobody needs, once a process, before its first lease. It is an object of its own:
some servers have those wait long who write one object at the same time. It lies among the leases,
and goes with them. Who only reads needs no lease, and no permission to write.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from beautyspot.logs import logger

from beautyspot_s3.objects import ABSENT, ConditionError
from beautyspot_s3.several import side_by_side

if TYPE_CHECKING:
    from beautyspot_s3.names import Names
    from beautyspot_s3.objects import Objects

_BODY: Final = b"Tells whether the server heeds conditions of writes."
_OTHERS: Final = '"00000000000000000000000000000000"'
"""An ETag that no object has."""


class Conditions:
    """What one server does with conditions.

    Args:
        objects: the requests; its `honours` becomes what is found out.
        names: of the objects.
        place: the store, for people.
    """

    def __init__(self, objects: Objects, names: Names, place: str) -> None:
        self._objects, self._names, self._place = objects, names, place
        self._said = False

    def hold(self) -> bool:
        """Whether the server heeds them; it is asked the first time.

        Raises:
            Exception: the server failed, or nobody may write; boto3's or botocore's.
        """
        if self._objects.honours is None:
            honours = all(
                side_by_side(lambda probe: probe(), [self._heeds_absence, self._heeds_match])
            )
            self._objects.honours = honours
        if not self._objects.honours:
            self._tell()
        return bool(self._objects.honours)

    def _heeds_absence(self) -> bool:
        """The second write at the latest finds an object, and has to fail."""
        name = self._new()
        return self._is_refused(name, ABSENT) or self._is_refused(name, ABSENT)

    def _heeds_match(self) -> bool:
        return self._is_refused(self._new(), _OTHERS)

    def _new(self) -> str:
        return f"{self._names.leases}~probe-{secrets.token_hex(8)}"

    def _is_refused(self, name: str, match: str) -> bool:
        try:
            self._objects.put(name, _BODY, match)
        except ConditionError:
            return True
        return False

    def _tell(self) -> None:
        if not self._said:
            self._said = True
            logger.warning(
                "the server of %s takes no notice of the conditions of a write (If-None-Match, "
                "If-Match), so there are no leases: several processes may run the same call at the "
                "same time, and where they end at the same time, the older result may stay. Use a "
                "server that knows them, such as AWS S3 or a newer release of yours; or keep "
                "results that machines share in Redis or Postgres, and only blobs there",
                self._place,
            )
