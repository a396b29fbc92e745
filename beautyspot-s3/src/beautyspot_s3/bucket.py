"""`Bucket`: a folder in a bucket, the one boto3 client that reaches it, and what its errors mean.

The storage and the metadata store take the same options, which are checked here. Retries are
boto3's own. The codes of errors:
https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import unquote, urlsplit

from beautyspot.contracts import NO_KEY, Lock
from beautyspot.contracts.failures import Failures
from beautyspot.errors import ConfigError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from beautyspot.errors import BeautyspotError
    from mypy_boto3_s3.client import S3Client

AddressingStyle = Literal["auto", "path", "virtual"]
"""How the bucket stands in the URL: in its path, or in the host's name."""

CONNECT_TIMEOUT: Final = 5.0
"""Seconds until an endpoint that does not answer is given up, for each attempt."""

READ_TIMEOUT: Final = 60.0
"""Seconds without a single byte until a request is given up, for each attempt."""

ATTEMPTS: Final = 3
"""How often a request is made in all, where it fails for a cause that may pass."""

AT_ONCE: Final = 2**20
"""Bytes of a body that is sent with its head. For a larger one the client waits until the server
says that it takes it (``Expect: 100-continue``), which is a round trip."""

_POOL: Final = 50  # connections kept; fewer than threads would close and open one at every call

_BUCKET: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}|arn:[A-Za-z0-9:/._-]+"

MISSING: Final = ("NoSuchKey", "404", "NotFound")
"""The codes for an object that is not there."""

_CREDENTIALS: Final = "check the credentials (options, environment, ~/.aws, or the machine's role)"
_RENEW: Final = "renew the credentials, for example by `aws sso login`"
_REGION: Final = "set region_name to the bucket's region"
_NETWORK: Final = (
    "check endpoint_url (where it is not set, AWS is asked), region_name and the network, then "
    "try again"
)
_GRANT: Final = (
    "grant s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket "
    "(without the last S3 says this of an object that is not there), and check the credentials, or "
    'set mode="readonly" if they are only to find results'
)
_AGAIN: Final = "try again later"

_ADVICE: Final = {
    "NoSuchBucket": "create the bucket, or correct bucket_name",
    "InvalidBucketName": "correct bucket_name",
    **dict.fromkeys(("403", "AccessDenied", "AllAccessDisabled"), _GRANT),
    **dict.fromkeys(
        ("ExpiredToken", "TokenRefresh", "TokenRetrieval", "SSOTokenLoad", "UnauthorizedSSO"),
        _RENEW,
    ),
    **dict.fromkeys(
        ("InvalidToken", "InvalidAccessKeyId", "SignatureDoesNotMatch", "NoCredentials"),
        _CREDENTIALS,
    ),
    **dict.fromkeys(("PartialCredentials", "CredentialRetrieval"), _CREDENTIALS),
    "ProfileNotFound": "correct profile_name, or add the profile to ~/.aws/config",
    **dict.fromkeys(("301", "PermanentRedirect", "InvalidRegion"), _REGION),
    "AuthorizationHeaderMalformed": _REGION,
    "RequestTimeTooSkewed": "set this machine's clock",
    "InvalidObjectState": "restore the object from its archive tier",
    **dict.fromkeys(("SlowDown", "503", "ServiceUnavailable", "InternalError"), _AGAIN),
    "EntityTooLarge": "store a smaller value",
    "KeyTooLongError": "use a shorter key or prefix",
    "QuotaExceeded": "make room in the bucket",
    "ModuleNotFoundError": "reinstall beautyspot-s3, which brings boto3",
}
"""What to do, by code or by how it begins."""

_BUSY: Final = {
    *("SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "TooManyRequests"),
    *("ConditionalRequestConflict", "OperationAborted"),  # two saves at one moment
    *("409", "429", "500", "502", "503", "504"),
}


def code(error: Exception) -> str:
    """The server's error code, or the name of the exception's class."""
    found = answer_of(error).get("Error", {}).get("Code")
    return str(found) if found else type(error).__name__


def answer_of(error: Exception) -> dict[str, Any]:
    """What the server answered; empty where that was nothing."""
    answer = getattr(error, "response", None)  # of a `ClientError`
    return answer if isinstance(answer, dict) else {}


class Bucket:
    """A folder in a bucket, and the client, which many threads may use at once.

    A forked child makes a client of its own: on a socket shared with its parent, each would read
    the other's answers.

    Args:
        bucket_name, prefix: as `S3Storage` has them.
        options: the others of `S3Storage`, by name.
        timeout: seconds within which a request has to succeed, in all of its attempts; None is what
            suits blobs.
        failed, busy: the classes of what is raised.

    Attributes:
        name: the bucket's.
        prefix: the folder, without a slash at its ends.
        folder: how the keys in it begin: the prefix and a slash, or nothing.
        root: the same as a URI.

    Raises:
        ConfigError: an option is malformed.
    """

    def __init__(
        self,
        bucket_name: str,
        prefix: str,
        options: Mapping[str, Any],
        *,
        timeout: float | None = None,
        failed: type[BeautyspotError] = StorageError,
        busy: type[BeautyspotError] = StorageError,
    ) -> None:
        _check(options)
        if not isinstance(bucket_name, str) or not re.fullmatch(_BUCKET, bucket_name):
            raise ConfigError(
                f"bucket_name can't be {bucket_name!r:.300}: give the bucket's name alone, "
                "or the ARN of an access point"
            )
        bare = prefix.strip("/") if isinstance(prefix, str) else None
        if bare is None or (bare and re.search(NO_KEY, bare)):
            raise ConfigError(
                f"prefix can't be {prefix!r:.300}: give a folder such as 'cache/app', without "
                "'..', empty parts, backslashes, '?' and '#'"
            )
        self.name: Final = bucket_name
        self.prefix: Final = bare
        self.folder: Final = f"{bare}/" if bare else ""
        self.root: Final = f"s3://{bucket_name}/{self.folder}"
        self._options, self._timeout = options, timeout
        self._failed, self._busy = failed, busy
        self._lock, self._pid = Lock(), os.getpid()
        self._client: S3Client | None = None

    @property
    def client(self) -> S3Client:
        """The client of this process, or the one that was given."""
        given: S3Client | None = self._options["client"]
        if given is not None:
            return given
        if self._pid != os.getpid():
            # The parent's lock may have been held at the fork, and would be for ever.
            self._lock, self._client, self._pid = Lock(), None, os.getpid()
        with self._lock:
            client = self._client = self._client or self._make()
        return client

    def _make(self) -> S3Client:
        from boto3.session import Session  # 240 ms, and the client another 74
        from botocore.config import Config

        given = dict(self._options)
        style, endpoint = given.pop("addressing_style"), given.pop("endpoint_url")
        del given["client"]
        connect, read = CONNECT_TIMEOUT, READ_TIMEOUT
        if self._timeout is not None:
            connect = read = self._timeout / ATTEMPTS
        config = Config(
            connect_timeout=connect,
            read_timeout=read,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            max_pool_connections=_POOL,
            s3={"addressing_style": style},
            # The checksums that boto3 adds since 1.36 are refused by many servers that are not
            # AWS; the cache has a digest of its own.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        # A session of its own: the default one is shared, and sessions are not thread-safe.
        client = Session(**given).client("s3", config=config, endpoint_url=endpoint)
        client.meta.events.register_last("before-call.s3", _send_at_once)
        return client

    @contextmanager
    def asked(self, what: str) -> Iterator[S3Client]:
        """The client, whose errors leave as ours; their texts begin with `what`.

        After one of credentials the next request reads them anew: they may have been rotated in the
        environment or in a file. Other threads may still use the old client, so it stays open.
        """
        with self._failures(what):
            try:
                yield self.client
            except Exception as error:  # also urllib3's and ssl's own, which botocore lets through
                if any(code(error).startswith(each) for each in _OF_CREDENTIALS):
                    self._client = None
                raise

    def refused(self, what: str, why: str, advice: str) -> BeautyspotError:
        """The error about a server that answers, and does not do, to be raised."""
        return self._failures(what).refused(why, advice)

    def _failures(self, what: str) -> Failures:
        options = self._options
        server = options["endpoint_url"] or "AWS"
        return Failures(
            f"{what} at {'the server of the given client' if options['client'] else server}",
            code,
            _ADVICE,
            _NETWORK,
            busy=_BUSY,
            secrets=[
                options[name] or "" for name in ("aws_secret_access_key", "aws_session_token")
            ],
            failed=self._failed,
            busy_error=self._busy,
        )

    def close(self) -> None:
        """Close the connections of a client made here, unless they are a parent's."""
        client, self._client = self._client, None
        if client is not None and self._pid == os.getpid():
            client.close()


_OF_CREDENTIALS: Final = [each for each in _ADVICE if _ADVICE[each] in (_CREDENTIALS, _RENEW)]


def _send_at_once(params: dict[str, Any], **_: object) -> None:
    """Take out the header that botocore adds for bodies of any size."""
    body = params["body"]
    if isinstance(body, BytesIO) and body.getbuffer().nbytes <= AT_ONCE:
        params["headers"].pop("Expect", None)


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


def _check(options: Mapping[str, Any]) -> None:
    """Refuse what is no URL, and what is incomplete; never print either: it may hold a secret."""
    access, secret, token = (
        options[name]
        for name in ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    )
    if (access is None) != (secret is None) or (token is not None and secret is None):
        raise ConfigError(
            "credentials are incomplete: give aws_access_key_id and aws_secret_access_key together "
            "(and aws_session_token with them), or none of them to use boto3's own search"
        )
    if options["addressing_style"] not in ("auto", "path", "virtual"):
        raise ConfigError(
            f"addressing_style can't be {options['addressing_style']!r}: give 'auto', 'path' or "
            "'virtual'"
        )
    url = options["endpoint_url"]
    if url is None:
        return
    if re.fullmatch(r"[\w.-]+(:\d{1,5})?", url):  # a host, which is no secret
        raise ConfigError(
            f"endpoint_url={url!r:.300} lacks its scheme: write http://{url} or https://{url}"
        )
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise ConfigError(
            "endpoint_url must be an http:// or https:// URL without user and password: "
            "give credentials as aws_access_key_id and aws_secret_access_key"
        )
