"""What went wrong at S3, as errors of beautyspot that say what to do.

Messages hold the server's error code or the exception's class, and the host that was asked, never
the exception's text: only those are sure to hold no secret. The text is in the chained cause.

The codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from beautyspot.errors import BlobNotFound, MetadataBusyError, MetadataError, StorageError

_CREDENTIALS: Final = "check the credentials (options, environment, ~/.aws, or the machine's role)"
_RENEW: Final = "renew the credentials, for example by `aws sso login`"
_REGION: Final = "set region_name to the bucket's region"
_NETWORK: Final = "check endpoint_url, region_name and the network, then try again"
_GRANT: Final = (
    "grant s3:GetObject, s3:PutObject, s3:DeleteObject and s3:ListBucket "
    "(without the last S3 says this of an object that is not there), and check the credentials, or "
    'set mode="readonly" if they are only to find results'
)
_AGAIN: Final = "try again later"

_ADVICE: Final = {
    "NoSuchBucket": "create the bucket, or correct bucket_name",
    "InvalidBucketName": "correct bucket_name",
    "403": _GRANT,
    "AccessDenied": _GRANT,
    "AllAccessDisabled": _GRANT,
    "ExpiredToken": _RENEW,
    "ExpiredTokenException": _RENEW,
    "TokenRefreshRequired": _RENEW,
    "TokenRetrievalError": _RENEW,
    "SSOTokenLoadError": _RENEW,
    "UnauthorizedSSOTokenError": _RENEW,
    "InvalidToken": _CREDENTIALS,
    "InvalidAccessKeyId": _CREDENTIALS,
    "SignatureDoesNotMatch": _CREDENTIALS,
    "NoCredentialsError": _CREDENTIALS,
    "PartialCredentialsError": _CREDENTIALS,
    "CredentialRetrievalError": _CREDENTIALS,
    "ProfileNotFound": "correct profile_name, or add the profile to ~/.aws/config",
    "301": _REGION,
    "PermanentRedirect": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "InvalidRegionError": _REGION,
    "RequestTimeTooSkewed": "set this machine's clock",
    "InvalidObjectState": "restore the object from its archive tier",
    "SlowDown": _AGAIN,
    "503": _AGAIN,
    "ServiceUnavailable": _AGAIN,
    "InternalError": _AGAIN,
    "EntityTooLarge": "store a smaller value",
    "KeyTooLongError": "use a shorter key or prefix",
    "QuotaExceeded": "make room in the bucket",
    "ModuleNotFoundError": "reinstall beautyspot-s3, which brings boto3",
}

_MISSING: Final = ("NoSuchKey", "404", "NotFound")
_REFUSED: Final = ("PreconditionFailed", "412")
_PASSING: Final = {
    *("SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "TooManyRequests"),
    *("ConditionalRequestConflict", "OperationAborted"),  # two saves at one moment: HTTP's 409
}
_STATUS: Final = {409, 429, 500, 502, 503, 504}

PAST_THE_END: Final = ("InvalidRange", "416")
"""The codes for a part that starts where the blob has ended."""


def failure(action: str, place: str, error: Exception) -> StorageError:
    """The error to raise from `error`, for `action` ("load", …) at the URI `place`."""
    found = code(error)
    if found in _MISSING:
        return BlobNotFound(f"no blob at {place:.300}: make it again")
    return StorageError(f"can't {action} {place:.300} ({found}): {_advice(error)}")


def metadata_failure(place: str, error: Exception) -> MetadataError:
    """The same for the metadata store at the URI `place`."""
    found = code(error)
    kind = MetadataBusyError if is_passing(error) else MetadataError
    return kind(f"the store at {place:.300} failed ({found}): {_advice(error)}")


def is_missing(error: Exception) -> bool:
    """Whether there is no such object."""
    return code(error) in _MISSING


def is_refused(error: Exception) -> bool:
    """Whether a condition was not met."""
    return code(error) in _REFUSED


def is_unknown(error: Exception) -> bool:
    """Whether the server does not know what was asked, such as a condition."""
    return code(error) in ("NotImplemented", "501") or _status(error) == 501


def is_passing(error: Exception) -> bool:
    """Whether the same request may succeed in a moment: the server has too much to do."""
    return code(error) in _PASSING or _status(error) in _STATUS


def is_of_network(error: Exception) -> bool:
    """Whether the way to the server failed, or its answer broke off."""
    if isinstance(getattr(error, "response", None), dict):
        return False
    # boto3 is imported, or that was what failed.
    from botocore.exceptions import ConnectionError as NotConnected
    from botocore.exceptions import HTTPClientError, IncompleteReadError

    return isinstance(error, NotConnected | HTTPClientError | IncompleteReadError)


def is_unanswered(error: Exception) -> bool:
    """Whether the server took a request, and gave no answer in time."""
    return code(error) == "ReadTimeoutError"


def is_of_credentials(error: Exception) -> bool:
    """Whether other credentials may help: those that were read have expired or were replaced."""
    return _ADVICE.get(code(error)) in (_CREDENTIALS, _RENEW)


def code(error: Exception) -> str:
    """The server's error code, or the name of the exception's class."""
    response = getattr(error, "response", None)  # of a `ClientError`: what the server answered
    found = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    return str(found) if found else type(error).__name__


def _advice(error: Exception) -> str:
    """What to do, after who gave no answer."""
    advice, asked = _ADVICE.get(code(error), _NETWORK), _unanswering(error)
    if not asked:
        return advice
    is_aws = asked.endswith((".amazonaws.com", ".amazonaws.com.cn"))
    why = " (AWS, which is asked where endpoint_url is not set)" if is_aws else ""
    return f"no answer from {asked}{why}: {advice}"


def _unanswering(error: Exception) -> str:
    """Scheme, host and port of who gave no answer; "" where they are not known."""
    given = getattr(error, "kwargs", None)  # of a `BotoCoreError`
    url = given.get("endpoint_url") if isinstance(given, dict) else None
    if not isinstance(url, str) or "@" in url:  # a client that was given may have a password there
        return ""
    scheme, host = urlsplit(url)[:2]
    return f"{scheme}://{host}" if host else ""


def _status(error: Exception) -> int | None:
    """HTTP's number in a server's answer."""
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        return None
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return status if isinstance(status, int) else None
