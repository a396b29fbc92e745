"""`Failures`: where the errors of a library that a backend uses become errors of beautyspot."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from beautyspot.errors import BeautyspotError, MetadataBusyError, MetadataError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from types import TracebackType


class Failures:
    """A block around what asks a server or a file: its errors leave as errors of beautyspot.

    Their messages name the place, the code and what to do, never the text of the error, in which a
    server may repeat what it was sent; that is in the chained cause, if no secret is in it. ::

        with self.failures:
            self._client.get(name)

    Args:
        place: what was asked, for messages; without a secret.
        code: tells the kind of an error in a word: a server's code, or the name of its class.
        advice: by code, or by how it begins, what to do.
        otherwise: what to do of any other error.
        busy: the codes after which the same call may succeed in a moment.
        secrets: texts that no message and no cause may show.
        failed, busy_error: the classes of what is raised.
    """

    def __init__(
        self,
        place: str,
        code: Callable[[Exception], str],
        advice: Mapping[str, str],
        otherwise: str,
        *,
        busy: Collection[str] = (),
        secrets: Collection[str] = (),
        failed: type[BeautyspotError] = MetadataError,
        busy_error: type[BeautyspotError] = MetadataBusyError,
    ) -> None:
        self._place = place
        self._code = code
        self._advice = advice
        self._otherwise = otherwise
        self._busy = busy
        self._secrets = [secret for secret in secrets if secret]
        self._failed = failed
        self._busy_error = busy_error

    def __enter__(self) -> None:
        """Nothing."""

    def __exit__(
        self, kind: object, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Raise what the error means."""
        del trace  # which leads to the frames, as below
        if isinstance(error, Exception):
            self.raise_(error)

    def raise_(self, error: Exception) -> NoReturn:
        """Raise what an error means, with the error as its cause; one of beautyspot as it is.

        Without the frames below: who keeps the error would keep open what they use, and in memory.
        """
        below: BaseException | None = error
        while below is not None and below.__traceback__ is not None:
            below.__traceback__ = None
            below = below.__cause__  # the context may be an error that the program handles just now
        if isinstance(error, BeautyspotError):
            raise error
        raise self.of(error) from self.cause(error)

    def of(self, error: Exception) -> BeautyspotError:
        """What an error means, to be raised."""
        code = self._code(error)
        begins = (code[:size] for size in range(len(code), 0, -1) if code[:size] in self._advice)
        advice = self._advice.get(next(begins, ""), self._otherwise)
        kind = self._busy_error if code in self._busy else self._failed
        return kind(f"{self._place} failed ({code}): {advice}")

    def refused(self, why: str, advice: str) -> BeautyspotError:
        """The error about a place that answers, and can't be used, to be raised."""
        return self._failed(f"{self._place} can't be used, since {why}: {advice}")

    def cause(self, error: BaseException) -> BaseException | None:
        """The error, if no text of it or of its own causes shows a secret."""
        each: BaseException | None = error
        while each is not None:
            if any(secret in str(each) for secret in self._secrets):
                return None
            each = each.__cause__ or each.__context__
        return error
