"""`Place`: a folder in a bucket, with the options that say how it is reached, and the one client.

The storage and the metadata store take the same options; they are checked here.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from beautyspot.errors import ConfigError

from beautyspot_s3.connection import AddressingStyle, Connection, Patience
from beautyspot_s3.failures import is_of_credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_s3.client import S3Client

LONGEST: Final = 1024
"""Bytes of a whole key, prefix included: the limit of S3."""

WRONG: Final = r"""(?x)
      [\x00-\x1f\x7f\\?#\ud800-\udfff]   # no sound key, or not in a URI
    | (?:^|/)\.{0,2}(?:/|\Z)             # empty, absolute, or a part that is "", "." or ".."
    """
"""What is in no key."""

_BUCKET: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}|arn:[A-Za-z0-9:/._-]+"


class Place:
    """A folder in a bucket.

    Args:
        bucket_name, prefix, endpoint_url, region_name, profile_name, aws_access_key_id,
            aws_secret_access_key, aws_session_token, addressing_style, client: as `S3Storage` has
            them.
        patience: how long the client tries; None is what suits blobs.

    Attributes:
        bucket: the bucket's name.
        prefix: the folder, without a slash at its ends.
        folder: how the keys in it begin: the prefix and a slash, or nothing.
        root: the same as a URI.
        endpoint_url: the server, if one was given.
        is_given: whether a client was given, which has settings of its own.

    Raises:
        ConfigError: an option is malformed.
    """

    def __init__(
        self,
        bucket_name: str,
        prefix: str = "",
        *,
        endpoint_url: str | None = None,
        region_name: str | None = None,
        profile_name: str | None = None,
        aws_access_key_id: str | None = None,
        aws_secret_access_key: str | None = None,
        aws_session_token: str | None = None,
        addressing_style: AddressingStyle = "auto",
        client: S3Client | None = None,
        patience: Patience | None = None,
    ) -> None:
        _check_endpoint(endpoint_url)
        _check_credentials(aws_access_key_id, aws_secret_access_key, aws_session_token)
        if addressing_style not in ("auto", "path", "virtual"):
            raise ConfigError(
                f"addressing_style can't be {addressing_style!r}: give 'auto', 'path' or 'virtual'"
            )
        if not isinstance(bucket_name, str) or not re.fullmatch(_BUCKET, bucket_name):
            raise ConfigError(
                f"bucket_name can't be {bucket_name!r:.300}: give the bucket's name alone, "
                "or the ARN of an access point"
            )
        self.bucket: Final = bucket_name
        self.prefix: Final = _checked_prefix(prefix)
        self.folder: Final = f"{self.prefix}/" if self.prefix else ""
        self.root: Final = f"s3://{bucket_name}/{self.folder}"
        self.endpoint_url: Final = endpoint_url
        self.is_given: Final = client is not None
        self._given: Final = client
        self.connection: Final = Connection(
            {
                "profile_name": profile_name,
                "region_name": region_name,
                "aws_access_key_id": aws_access_key_id,
                "aws_secret_access_key": aws_secret_access_key,
                "aws_session_token": aws_session_token,
            },
            {"endpoint_url": endpoint_url},
            addressing_style,
            patience,
        )

    @property
    def client(self) -> S3Client:
        """The client of this process, or the one that was given."""
        return self._given or self.connection.client()

    @property
    def server(self) -> str:
        """A name of the server that has the bucket."""
        given = self._given
        return f"{given.meta.endpoint_url if given else self.endpoint_url} {self.bucket}"

    @contextmanager
    def translated(self, failure: Callable[[Exception], Exception]) -> Iterator[S3Client]:
        """The client, whose errors leave as `failure` makes them."""
        try:
            yield self.client
        except Exception as error:  # also urllib3's and ssl's own, which botocore lets through
            self.forget_after(error)
            raise failure(error) from error

    def forget_after(self, error: Exception) -> None:
        """Have the next request read the credentials anew, where it failed for them."""
        if is_of_credentials(error):
            self.connection.forget()

    def close(self) -> None:
        """Close the connections of a client made here; one that was given stays open."""
        self.connection.close()


def options_of(url: str, what: str) -> dict[str, Any]:
    """The options in ``s3://bucket/prefix`` (percent-encoded where need be).

    Args:
        url: without its query.
        what: it is the URL of, such as "an S3 storage".

    Raises:
        ConfigError: it has something else.
    """
    parts = urlsplit(url)
    if not parts.netloc or "@" in parts.netloc or ":" in parts.netloc or parts.fragment:
        # The URL stays out of the message: this may be an attempt to put a secret in it.
        raise ConfigError(
            f"the URL of {what} is s3://bucket/prefix?option=value: without credentials, "
            "port or fragment; set credentials as boto3 does, and a server by endpoint_url"
        )
    return {"bucket_name": parts.netloc, "prefix": unquote(parts.path)}


def _checked_prefix(prefix: str) -> str:
    if not isinstance(prefix, str):
        raise ConfigError(f"prefix can't be {prefix!r:.300}: give a str, such as 'cache/app'")
    bare = prefix.strip("/")
    if bare and re.search(WRONG, bare):
        raise ConfigError(
            f"prefix can't be {prefix!r:.300}: give a folder such as 'cache/app', without "
            "'..', empty parts, backslashes, '?' and '#'"
        )
    return bare


def _check_endpoint(endpoint_url: str | None) -> None:
    """Refuse what is no URL, and never print it: it may hold a secret."""
    if endpoint_url is None:
        return
    if re.fullmatch(r"[\w.-]+(:\d{1,5})?", endpoint_url):  # a host, which is no secret
        raise ConfigError(
            f"endpoint_url={endpoint_url!r:.300} lacks its scheme: write "
            f"http://{endpoint_url} or https://{endpoint_url}"
        )
    parts = urlsplit(endpoint_url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise ConfigError(
            "endpoint_url must be an http:// or https:// URL without user and password: "
            "give credentials as aws_access_key_id and aws_secret_access_key"
        )


def _check_credentials(access: str | None, secret: str | None, token: str | None) -> None:
    if (access is None) != (secret is None) or (token is not None and secret is None):
        raise ConfigError(
            "credentials are incomplete: give aws_access_key_id and aws_secret_access_key together "
            "(and aws_session_token with them), or none of them to use boto3's own search"
        )
