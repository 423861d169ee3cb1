"""The door to raw objects: write-once, named by their content, on a folder, in memory or on S3.

Metadata never goes into object headers (a folder has none); it goes into manifests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.errors import DiskError, OverwriteRefusedError, RawError
from workbench.hashing import sha256_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.profiles.workspace import Workspace


def raw_key(sha256: str, suffix: str = "") -> str:
    """Return the key of a raw object: ``raw/sha256/ab/ab12....jpg``.

    Parameters
    ----------
    sha256 : str
        Of the object's bytes, in hex.
    suffix : str
        With its dot; only small letters and digits survive.

    Returns
    -------
    str
        The key, which is also the ``uri`` in the raw manifest.
    """
    letters = "".join(c for c in suffix.lower() if c.isascii() and c.isalnum())
    return f"raw/sha256/{sha256[:2]}/{sha256}" + (f".{letters}" if letters else "")


@dataclass(frozen=True, slots=True)
class Objects:
    """A store of immutable objects.

    Attributes
    ----------
    store : Any
        An obstore store: LocalStore, MemoryStore or S3Store.
    where : str
        For messages.
    """

    store: Any
    where: str

    @classmethod
    def folder(cls, path: Path) -> Objects:
        """Open a folder as a store; it is made when it is not there."""
        from obstore.store import LocalStore

        return cls(LocalStore(str(path), mkdir=True), str(path))

    @classmethod
    def memory(cls) -> Objects:
        """Make a store that is gone with the process."""
        from obstore.store import MemoryStore

        return cls(MemoryStore(), "memory")

    def put_new(self, key: str, data: bytes) -> bool:
        """Write an object once.

        Parameters
        ----------
        key : str
            Where.
        data : bytes
            What.

        Returns
        -------
        bool
            True when it was written, False when the same bytes were there already.

        Raises
        ------
        OverwriteRefusedError
            If other bytes are there: raw data is never changed.
        DiskError
            If the store cannot take it.
        """
        from obstore.exceptions import AlreadyExistsError, BaseError

        try:
            self.store.put(key, data, mode="create")
        except (AlreadyExistsError, FileExistsError):
            if sha256_bytes(self.get(key)) == sha256_bytes(data):
                return False
            raise OverwriteRefusedError(
                f"{key} exists in {self.where} with other bytes",
                hint="raw objects are never changed; deliver the new file under a new name",
            ) from None
        except (BaseError, OSError) as error:
            reason = "the disk is full" if "os error 28" in str(error) else str(error).splitlines()[0]
            raise DiskError(
                f"cannot write {key} to {self.where}: {reason}",
                hint="free some space, or check the folder's permissions",
            ) from error
        return True

    def get(self, key: str) -> bytes:
        """Read an object.

        Parameters
        ----------
        key : str
            Where.

        Returns
        -------
        bytes
            All of it.

        Raises
        ------
        RawError
            If it is not there, or cannot be read.
        """
        from obstore.exceptions import BaseError

        try:
            return bytes(self.store.get(key).bytes())
        except FileNotFoundError:
            raise RawError(
                f"{key} is not in {self.where}", hint="restore it with `dvc pull`, or ingest the world again"
            ) from None
        except (BaseError, OSError) as error:
            raise RawError(f"{key} cannot be read: {error}", hint="check the store") from error

    def exists(self, key: str) -> bool:
        """Return whether the object is there."""
        try:
            self.store.head(key)
        except FileNotFoundError:
            return False
        return True

    def keys(self, prefix: str = "raw/") -> list[str]:
        """Return all keys under a prefix, sorted."""
        return sorted(entry["path"] for batch in self.store.list(prefix) for entry in batch)


def objects_of(ws: Workspace) -> Objects:
    """Return the raw objects of a workspace."""
    return Objects.folder(ws.root)
