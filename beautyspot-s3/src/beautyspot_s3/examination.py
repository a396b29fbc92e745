"""What is wrong, or soon will cost money, with the bucket: conditions, versions, rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from beautyspot import Finding
from beautyspot.errors import MetadataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REQUESTS: Final = "a hit is 1 request; a miss is 9, of which 3 write; a listing is 1 a result"
"""What is paid for, and counted by a test."""

_REST: Final = (
    "what is removed leaves an empty object, since this server takes no notice of the condition of "
    "a removal: have a rule of the bucket remove what is older than a day below "
)


def examined(ask: Callable[..., Any], heeds: Callable[[], bool], root: str) -> Iterator[Finding]:
    """What there is to say of the bucket, and of its server.

    Args:
        ask: makes a request, as `S3MetadataStore` does.
        heeds: whether conditions of removals are heeded; raises where those of writes are not.
        root: how the names of the store's objects begin.
    """
    subject = "metadata s3"
    yield Finding("ok", subject, REQUESTS)
    yield _of_conditions(heeds, root)

    def told(operation: str) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = ask(operation)[1]
        except MetadataError:  # the server does not know that, or this user may not ask
            return {}
        return answer

    rules = [
        rule
        for rule in told("get_bucket_lifecycle_configuration").get("Rules", ())
        if rule.get("Status") == "Enabled" and _covers(rule, root)
    ]
    days = [rule["Expiration"]["Days"] for rule in rules if "Days" in rule.get("Expiration", {})]
    if days:
        text = (
            f"a lifecycle rule removes all objects {min(days)} days after they were written, also "
            "results that are in use: if that is not what it is for, limit it to another prefix"
        )
        yield Finding("warning" if min(days) < 2 else "ok", subject, text)
    keeps = told("get_bucket_versioning").get("Status") == "Enabled"
    if keeps and not any("NoncurrentVersionExpiration" in rule for rule in rules):
        text = (
            "the bucket keeps the old versions of all objects for good, those of each lease and of "
            "each removed result as well: add a lifecycle rule with NoncurrentVersionExpiration of "
            f"1 day and ExpiredObjectDeleteMarker for the prefix {root!r}"
        )
        yield Finding("warning", subject, text)


def _of_conditions(heeds: Callable[[], bool], root: str) -> Finding:
    subject = "metadata s3"
    try:
        if heeds():
            return Finding("ok", subject, "its server heeds the conditions of writes and removals")
        return Finding("warning", subject, f"{_REST}{root + 'l/'!r}")
    except MetadataError as error:
        if "AccessDenied" in str(error) or "(403)" in str(error):
            text = "results are found and not stored: these credentials may only read"
            return Finding("ok", subject, text)
        return Finding("problem", subject, str(error))


def _covers(rule: dict[str, Any], root: str) -> bool:
    """Whether a rule is about objects of the store; a rule for tags or sizes is not."""
    given = rule.get("Filter", {})
    if given.keys() - {"Prefix"}:
        return False
    return root.startswith(given.get("Prefix", rule.get("Prefix", "")))
