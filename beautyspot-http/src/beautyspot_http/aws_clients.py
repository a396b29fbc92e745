"""Clients of boto3, as arguments.

What a service answers depends on the account, and often on the user. So a client that signs its
requests is refused. Two kinds count by service, region and endpoint: clients that sign nothing, and
those of ``bedrock-runtime``, whose models answer every account alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts import TypeSupport

from beautyspot_http.checks import SAY, check_known, refuse
from beautyspot_http.counting import counted_url, without_defaults

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MODULE: Final = "botocore.client"
_ALIKE: Final = frozenset({"bedrock-runtime"})

_CLIENT: Final = frozenset(
    {
        *("_cache", "_client_config", "_endpoint", "_exceptions", "_exceptions_factory"),
        *("_loader", "_request_signer", "_response_parser", "_ruleset_resolver", "_serializer"),
        *("_user_agent_creator", "meta"),
    }
)

_HANDLERS: Final = ("botocore", "boto3", "s3transfer")
_STUBBERS: Final = frozenset({"botocore.stub"})


class AwsClientTypes(TypeSupport):
    """The clients that boto3 makes, and no subclasses of them."""

    name = "aws-client"
    classes = ("botocore.client:BaseClient",)
    subclasses = True
    by_name = True  # botocore makes a class for each client

    def key(self, value: Any) -> object:
        """See the base class."""
        _check_class(type(value))
        check_known(value, _CLIENT, "botocore")
        meta = value.meta
        service = meta.service_model.service_name
        if not _is_unsigned(meta.config) and service not in _ALIKE:
            refuse(
                f"signs its requests to {service}, so another user's or account's answers may "
                f"differ: {SAY}"
            )
        for handler in _handlers(meta.events):
            _check_handler(handler)
        return {
            "service": service,
            "endpoint": counted_url(meta.endpoint_url),
            **without_defaults(region=meta.region_name, partition=_other(meta.partition)),
        }


def _check_class(cls: type) -> None:
    """Refuse a subclass of the program's; boto3 makes a class for each service.

    Mix-ins of boto3 itself, such as those that upload files, stand between that and the base.
    """
    modules = {base.__module__.partition(".")[0] for base in cls.__mro__}
    if cls.__module__ != _MODULE or modules - {"botocore", "boto3", "builtins"}:
        refuse(f"is a class of its own, {cls.__qualname__}: {SAY}")


def _is_unsigned(config: Any) -> bool:
    from botocore import UNSIGNED

    return config.signature_version is UNSIGNED


def _other(partition: str) -> str | None:
    return None if partition == "aws" else partition


def _check_handler(handler: Any) -> None:
    """Refuse a client to whose events something else listens, such as a stub of a test."""
    found = getattr(handler, "func", handler)  # of a partial
    module = getattr(found, "__module__", None) or type(found).__module__
    if module.partition(".")[0] not in _HANDLERS or module in _STUBBERS:
        refuse(f"has an event handler of {module}, which may change what it sends and gets: {SAY}")


def _handlers(events: Any) -> Iterator[Any]:
    """All that listen to a client's events."""
    emitter = getattr(events, "_emitter", events)
    yield from _of_node(emitter._handlers._root)


def _of_node(node: Mapping[str, Any]) -> Iterator[Any]:
    for part in node["values"] or ():
        yield from part
    for child in node["children"].values():
        yield from _of_node(child)
