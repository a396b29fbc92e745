"""`PickleSerializer`: values as pickles, with the versions of the packages that made them.

A pickle holds the attributes of an object, and a library may give them another meaning in its next
release: scikit-learn promises nothing between two. So the bytes begin with the version of each
package of which there is something in the pickle, and under another one they are not loaded. What
follows the patch release does not count.
"""

from __future__ import annotations

import json
import struct
import sys
from typing import TYPE_CHECKING, Any, ClassVar, Final

from beautyspot import RestoreError, SerializationError, SerializerBase

if TYPE_CHECKING:
    from beautyspot.contracts import Data

_LENGTH: Final = struct.Struct(">I")


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
        from beautyspot_pickle.pickler import pickled  # each program that marks loads this class

        try:
            pickle, packages = pickled(value)
        except SerializationError:
            raise
        except Exception as error:  # of pickle, or of a method of the value
            raise SerializationError(
                f"the result ({type(value).__qualname__}) can't be pickled ({error}): return it "
                "without that part, or in a simpler form"
            ) from error
        head = json.dumps(_versions(packages)).encode()
        return b"".join((_LENGTH.pack(len(head)), head, pickle))

    def loads(self, data: Data) -> Any:
        """The value of bytes that `dumps` gave. Core has checked their signature.

        Raises:
            RestoreError: damaged, or made by other versions of the packages than are here.
        """
        import pickle

        view = memoryview(data)
        try:
            (length,) = _LENGTH.unpack_from(view)
            made_by = json.loads(bytes(view[_LENGTH.size : _LENGTH.size + length]))
            _check(made_by)
            return pickle.loads(view[_LENGTH.size + length :])  # noqa: S301 - what is signed by us
        except RestoreError:
            raise
        except Exception as error:
            raise RestoreError(f"a pickle can't be loaded ({error!r:.200})") from error


def _versions(packages: set[str]) -> dict[str, str]:
    """The versions of those packages that say theirs."""
    found = {name: _version(name) for name in sorted(packages)}
    return {name: version for name, version in found.items() if version}


def _version(package: str) -> str:
    """Major and minor, as text: ``"1.5"``."""
    version = getattr(sys.modules.get(package), "__version__", None)
    return ".".join(version.split(".")[:2]) if isinstance(version, str) else ""


def _check(made_by: dict[str, str]) -> None:
    for package, version in made_by.items():
        __import__(package)
        if _version(package) != version:
            raise RestoreError(
                f"a pickle of {package} {version} is not loaded by {package} "
                f"{_version(package) or 'of no version'}; it is computed again"
            )
