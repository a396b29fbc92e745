"""What is wrong, or soon will cost money, with the bucket: versions, rules, conditions."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

from beautyspot import Finding

from beautyspot_s3.failures import code
from beautyspot_s3.objects import ConditionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from beautyspot_s3.names import Names
    from beautyspot_s3.objects import Objects


REQUESTS: Final = "a hit is 1 request; a miss is 8, of which 3 write; a listing is 1 a result"
"""What is paid for, and counted by a test."""

_OTHERS: Final = '"00000000000000000000000000000000"'
"""An ETag that no object has."""

_DENIED: Final = ("AccessDenied", "403")


def of_bucket(objects: Objects, names: Names) -> Iterator[Finding]:
    """What there is to say of the bucket, and of its server."""
    subject = "metadata s3"
    yield Finding("ok", subject, REQUESTS)
    yield from _of_conditions(objects, names, subject)
    client, bucket = objects.place.client, objects.place.bucket
    state = _told(lambda: client.get_bucket_versioning(Bucket=bucket))
    rules = [
        rule
        for rule in _told(lambda: client.get_bucket_lifecycle_configuration(Bucket=bucket)).get(
            "Rules", ()
        )
        if rule.get("Status") == "Enabled" and _covers(rule, names)
    ]
    yield from _of_versions(state.get("Status") == "Enabled", rules, names, subject)
    yield from _of_expiry(rules, subject)


def _told(ask: Any) -> dict[str, Any]:
    """What the server says; nothing where it does not know that, or this user may not ask."""
    try:
        answer: dict[str, Any] = ask()
    except Exception:
        return {}
    return answer


def _covers(rule: dict[str, Any], names: Names) -> bool:
    """Whether a rule is about objects of the store; a rule for tags or sizes is not."""
    given = rule.get("Filter", {})
    if given.keys() - {"Prefix"}:
        return False
    return names.root.startswith(given.get("Prefix", rule.get("Prefix", "")))


def _of_conditions(objects: Objects, names: Names, subject: str) -> Iterator[Finding]:
    try:
        honours = _honours(objects, f"{names.root}probe-{secrets.token_hex(8)}")
    except Exception as error:
        if code(error) not in _DENIED:
            raise
        text = "results are found and not stored: these credentials may only read"
        yield Finding("ok", subject, text)
        return
    if honours:
        yield Finding("ok", subject, "its server heeds the conditions of writes: there are leases")
        return
    text = (
        "its server takes no notice of the conditions of writes, so there are no leases: a call "
        "may run on several machines at a time, and an older result may take the place of a newer "
        "one: use a newer release of it, or another store for what machines share"
    )
    yield Finding("warning", subject, text)


def _honours(objects: Objects, name: str) -> bool:
    """Whether a write is refused that may only replace what is not there."""
    if objects.honours is not None:
        return objects.honours
    try:
        objects.put(name, b"", _OTHERS)
    except ConditionError:
        return True
    objects.delete(name)
    return False


def _of_versions(
    keeps: bool, rules: Iterable[dict[str, Any]], names: Names, subject: str
) -> Iterator[Finding]:
    if not keeps:
        return
    days = [
        rule["NoncurrentVersionExpiration"].get("NoncurrentDays")
        for rule in rules
        if "NoncurrentVersionExpiration" in rule
    ]
    if days:
        text = f"the bucket keeps old versions for {min(filter(None, days), default=1)} days"
        yield Finding("ok", subject, text)
        return
    text = (
        "the bucket keeps the old versions of all objects for good, those of each lease and of "
        "each removed result as well: add a lifecycle rule with NoncurrentVersionExpiration of 1 "
        f"day and ExpiredObjectDeleteMarker for the prefix {names.root!r}"
    )
    yield Finding("warning", subject, text)


def _of_expiry(rules: Iterable[dict[str, Any]], subject: str) -> Iterator[Finding]:
    days = [rule["Expiration"]["Days"] for rule in rules if "Days" in rule.get("Expiration", {})]
    if days:
        text = (
            f"a lifecycle rule removes all objects {min(days)} days after they were written, also "
            "results that are in use: if that is not what it is for, limit it to another prefix"
        )
        yield Finding("warning" if min(days) < 2 else "ok", subject, text)
