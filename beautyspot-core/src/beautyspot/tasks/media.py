"""Results as files that viewers open: images, drawn figures, and files by `encode` of a class.

A function's mark names the content type. Bytes and texts are stored as they are, and never get
here. The values of a library are written by the plug-in that supports them, and kept as such a file
only if they come back from it: what was written is read at once, and counts if both have the same
canonical text, as two equal arguments of a call have. So no format needs a list of what it loses.
A result that is no such file is refused: the function returns its bytes.

Of a class that was registered, `encode` gives the file and its content type. The column
`serializer` tells the content type, who wrote the file, and what of the value the file does not
hold.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from beautyspot.contracts.storage import CONTENT_TYPE
from beautyspot.contracts.values import support_of
from beautyspot.errors import RestoreError, SerializationError
from beautyspot.keys.generator import KeyGen
from beautyspot.messages import error_shown
from beautyspot.serialization.codec import Encoded
from beautyspot.serialization.payload import MEDIA, Payload, described
from beautyspot.serialization.serializer import MsgpackSerializer

if TYPE_CHECKING:
    from beautyspot.contracts import Data, TypeSupport
    from beautyspot.contracts.values import Types

_LONGEST: Final = 2**16
_WRITERS: Final = {
    "csv": ", as df.to_csv(index=False) gives one (of Polars df.write_csv())",
    "json": ", as json.dumps(…) gives one",
    "parquet": ", as df.to_parquet() gives them",
}
"""How the end of a content type -> what makes the file of that type."""

_CLASS: Final = "class:"
"""How the writer of a registered class begins; the name of the class follows."""

_DRAWN: Final = "drawn:"
"""The writer of bytes under a content type by which values are drawn."""


class Media:
    """Writes and reads the results of a function as files.

    Args:
        content_type: of its mark; None where that names none.
        types: those that plug-ins support.

    Attributes:
        kind: the content type in lower case and without parameters; "" where there is none.
        serializer: one of ours, for what a file does not hold.
        draws: whether there are values in whose place a file of this type is given.
    """

    def __init__(self, content_type: str | None, types: Types) -> None:
        self._content_type = content_type or ""
        self.kind = plain_type(self._content_type)
        self._types = types
        self.serializer = MsgpackSerializer().supporting(types)
        self.draws = any(each.drawn and self.kind in each.media for each in types.values())

    def draw(self, value: Any) -> Any:
        """The bytes of the file that is given in the place of a value; the value if there is none.

        Also where the file can't be made, which is said when the value is to be stored.
        """
        try:
            drawn, support = self._support(value)
            return bytes(support.to_media(drawn, self.kind)[0]) if support.drawn else value
        except Exception:
            return value

    def _support(self, value: Any) -> tuple[Any, TypeSupport]:
        """What writes a value as a file of this type, or draws it; of axes, say, their figure.

        Raises:
            SerializationError: nothing does.
        """
        cls = type(value)
        found = support_of(self._types, cls)
        if found is None and self.draws and hasattr(cls, "figure"):
            with suppress(Exception):  # of a property; or it is no figure of a known kind
                figure, by = self._support(value.figure)
                if by.drawn:
                    return figure, by
        if found is not None and self.kind in found[1].media:
            return value, found[1]
        raise self._no_file(value, f"{cls.__qualname__} is not written as that")

    def _no_file(self, value: Any, why: str) -> SerializationError:
        """What is raised for a value that is no file of the content type."""
        found = support_of(self._types, type(value))
        others = ", ".join(found[1].media if found and self.kind not in found[1].media else ())
        writer = _WRITERS.get(re.split(r"[/+.-]", self.kind)[-1], "")
        return SerializationError(
            f"the result can't be stored as {self._content_type}: {why}. Return the bytes or the "
            f"text of that file{writer}{others and '; take one of '}{others}; or leave "
            "content_type= out, and it is stored as any other value"
        )

    def written(self, value: Any) -> Payload | None:
        """The result as a file; None where neither its mark nor its class names a content type.

        Raises:
            SerializationError: it is none of that type, would not come back from it, or can't be
                drawn.
        """
        if type(value) is Encoded:
            return self._of_class(value)
        if not self.kind or value is None:
            return None
        return self._checked(*self._support(value))

    def _checked(self, value: Any, support: TypeSupport) -> Payload:
        """The result as a file, if it comes back from that."""
        try:
            data, beside = support.to_media(value, self.kind)
            if support.drawn:
                return self.picture(data)
            packed = b"" if beside is None else bytes(self.serializer.dumps(beside))
            text_of = KeyGen().supporting(self._types).canonical
            is_same = text_of(value) == text_of(self._read(support, data, packed))
        except Exception as error:
            doing = "drawing" if support.drawn else "writing"
            raise self._no_file(value, f"{doing} it raised {error_shown(error)}") from error
        if not is_same or len(packed) > _LONGEST:
            raise self._no_file(value, "it would come back changed")
        said = [support.name, self._content_type, b64encode(packed).decode()]
        return Payload(data, MEDIA + json.dumps(said))

    def picture(self, data: Data) -> Payload:
        """Bytes that were drawn, or may have been: another content type would have given others."""
        return Payload(data, MEDIA + json.dumps([_DRAWN, self._content_type, ""]))

    def _read(self, support: TypeSupport, data: Data, packed: bytes) -> Any:
        beside = self.serializer.loads(packed) if packed else None
        return support.from_media(data, self.kind, beside)

    def _of_class(self, value: Encoded) -> Payload | None:
        """What `encode` of a registered class gave, if that is ``(bytes, content type)``."""
        form: Any = value.form
        is_pair = type(form) is tuple and [*map(type, form)] == [bytes, str]
        kind = form[1] if is_pair else ""
        if re.fullmatch(CONTENT_TYPE, kind) and self.kind in ("", plain_type(kind)):
            return Payload(form[0], MEDIA + json.dumps([_CLASS + value.name, kind, ""]))
        if self.kind:
            raise SerializationError(
                f"the encode= of {value.name} gives no pair (bytes, {self._content_type!r}): make "
                "it give one, or leave out content_type="
            )
        return None

    def read(self, data: Data, codec: str) -> Any:
        """The value of a file; of a registered class, what its `encode` gave, as an `Encoded`.

        Only a library's file of the mark's own content type is read: a row can have no other
        library look at what it holds.

        Raises:
            RestoreError: damaged, or of another type.
            ImportError: its library is not installed.
        """
        by, kind, beside = described(codec)
        if by.startswith(_CLASS):
            return Encoded(by.removeprefix(_CLASS), (bytes(data), kind))
        if plain_type(kind) != self.kind:
            raise RestoreError(f"it was stored as {kind:.40}, and content_type= says otherwise")
        if by == _DRAWN:
            return bytes(data)
        support = next((each for each in self._types.values() if each.name == by), None)
        try:
            if support is not None:
                return self._read(support, data, b64decode(beside, validate=True))
        except (RestoreError, ImportError):
            raise
        except Exception as error:
            raise RestoreError(f"a stored file of {kind} can't be read ({error!r:.200})") from error
        raise RestoreError(
            f"it was stored by the types {by:.40}: install the plug-in that has them"
        )


def plain_type(content_type: str) -> str:
    """A content type in lower case, without its parameters."""
    return content_type.partition(";")[0].strip().lower()
