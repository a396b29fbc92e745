"""`PickleSerializer`: values as pickles, with the versions of the packages that made them.

A pickle holds the attributes of an object, and a library may give them another meaning in its next
release: scikit-learn promises nothing between two. So the bytes begin with the version of each
package of which there is something in the pickle, and under another one they are not loaded. What
follows the patch release does not count.
"""

from __future__ import annotations

import json
import pickle
import struct
import sys
from io import BytesIO
from types import BuiltinFunctionType, FunctionType
from typing import TYPE_CHECKING, Any, ClassVar, Final

from beautyspot import File, RestoreError, SerializationError, SerializerBase

if TYPE_CHECKING:
    from beautyspot.contracts import Data

_LENGTH: Final = struct.Struct(">I")

_BY_NAME: Final = (type, FunctionType, BuiltinFunctionType)
"""What is pickled by its name: its own module counts, and not that of its class."""


class PickleSerializer(SerializerBase):
    """Stores whatever `pickle` takes, in Spots with a `signing_key`.

    A value comes back as pickle gives it: classes and functions by their names, which are imported.
    """

    name: ClassVar[str] = "pickle"
    requires_signature: ClassVar[bool] = True

    def dumps(self, value: object) -> bytes:
        """The pickle of `value`, after the versions of the packages in it.

        Raises:
            SerializationError: it can't be pickled.
        """
        out = BytesIO()
        pickler = _Pickler(out, protocol=5)
        try:
            pickler.dump(value)
        except SerializationError:
            raise
        except Exception as error:  # of pickle, or of a method of the value
            raise SerializationError(
                f"the result ({type(value).__qualname__}) can't be pickled ({error}): return it "
                "without that part, or in a simpler form"
            ) from error
        found = {name: _version(name) for name in sorted(pickler.packages)}
        head = json.dumps({name: version for name, version in found.items() if version}).encode()
        return b"".join((_LENGTH.pack(len(head)), head, out.getbuffer()))

    def loads(self, data: Data) -> Any:
        """The value of bytes that `dumps` gave. Core has checked their signature.

        Raises:
            RestoreError: damaged, or made by other versions of the packages than are here.
        """
        view = memoryview(data)
        try:
            (length,) = _LENGTH.unpack_from(view)
            made_by = json.loads(bytes(view[_LENGTH.size : _LENGTH.size + length]))
            for package, version in made_by.items():
                __import__(package)
                here = _version(package)
                if here != version:
                    raise RestoreError(
                        f"a pickle of {package} {version} is not loaded by {package} "
                        f"{here or 'of no version'}; it is computed again"
                    )
            return pickle.loads(view[_LENGTH.size + length :])  # noqa: S301 - what is signed by us
        except RestoreError:
            raise
        except Exception as error:
            raise RestoreError(f"a pickle can't be loaded ({error!r:.200})") from error


class _Pickler(pickle.Pickler):
    """Notes the packages of what it pickles, and refuses what is not in a pickle.

    Attributes:
        packages: the names of the packages.
    """

    def __init__(self, out: BytesIO, protocol: int) -> None:
        super().__init__(out, protocol)
        self.packages: set[str] = set()

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, File):
            raise SerializationError(
                f"{obj.path} can't be stored in another value: a File is the whole result"
            )
        named = obj if isinstance(obj, _BY_NAME) else type(obj)
        self.packages.add(str(getattr(named, "__module__", "")).partition(".")[0])
        return NotImplemented


def _version(package: str) -> str:
    """Major and minor, as text: ``"1.5"``."""
    version = getattr(sys.modules.get(package), "__version__", None)
    return ".".join(version.split(".")[:2]) if isinstance(version, str) else ""
