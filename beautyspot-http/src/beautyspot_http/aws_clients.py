"""Clients of boto3, as arguments.

What a service answers depends on the account, and often on the user. So a client that signs its
requests is refused. Two kinds count by service, region and endpoint: clients that sign nothing, and
those of ``bedrock-runtime``, whose models answer every account alike.
"""

from __future__ import annotations

from typing import Any, Final

from beautyspot.contracts import TypeSupport

from beautyspot_http.counting import SAY, check_methods, counted_url, refuse, without_defaults

_MODULE: Final = "botocore.client"
_ALIKE: Final = frozenset({"bedrock-runtime"})


class AwsClientTypes(TypeSupport):
    """The clients that boto3 makes, and no subclasses of them."""

    name = "aws-client"
    classes = ("botocore.client:BaseClient",)
    subclasses = True
    by_name = True  # botocore makes a class for each client

    def key(self, value: Any) -> object:
        """See the base class."""
        from botocore import UNSIGNED

        cls = type(value)
        # boto3 makes a class for each service. Mix-ins of its own, such as those that upload files,
        # stand between that and the base.
        modules = {base.__module__.partition(".")[0] for base in cls.__mro__}
        if cls.__module__ != _MODULE or modules - {"botocore", "boto3", "builtins"}:
            refuse(f"is a class of its own, {cls.__qualname__}: {SAY}")
        check_methods(value)
        meta = value.meta
        service = meta.service_model.service_name
        if meta.config.signature_version is not UNSIGNED and service not in _ALIKE:
            refuse(
                f"signs its requests to {service}, so another user's or account's answers may "
                f"differ: {SAY}"
            )
        return {
            "service": service,
            "endpoint": counted_url(meta.endpoint_url),
            **without_defaults(region=meta.region_name),
        }
