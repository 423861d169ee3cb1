"""The door to raw objects: write-once, named by their content, on a folder, in memory or on S3.

Metadata never goes into object headers (a folder has none); it goes into manifests.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import DiskError, OverwriteRefusedError, RawError, WorkbenchError
from workbench.hashing import sha256_bytes
from workbench.profiles.buckets import Bucket, no_objects, refused
from workbench.profiles.stack import stack_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from workbench.profiles.stack import S3Place
    from workbench.profiles.workspace import Workspace

_PATIENCE_S: Final = 15
_REFUSED: Final = frozenset({"PermissionDeniedError", "UnauthenticatedError"})
_REFUSALS: Final = ("SignatureDoesNotMatch", "InvalidAccessKeyId", "AccessDenied")
_NO_SERVER: Final = (
    "error sending request",
    "Connect",
    "connection",
    "timed out",
    "Server returned non-2xx status code: 5",
)


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
    place : S3Place or None
        Of a bucket.
    """

    store: Any
    where: str
    place: S3Place | None = None

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

    @classmethod
    def s3(cls, place: S3Place, prefix: str = "") -> Objects:
        """Open a bucket as a store; `workbench.profiles.buckets` makes it.

        Parameters
        ----------
        place : S3Place
            Which bucket, and our key.
        prefix : str
            Before every key: learners share a bucket and do not see each other.

        Returns
        -------
        Objects
            Nothing is asked of the server yet.
        """
        from obstore.store import S3Store

        patience = timedelta(seconds=_PATIENCE_S)
        store = S3Store(
            place.bucket,
            prefix=prefix or None,
            endpoint=place.endpoint,
            access_key_id=place.key_id,
            secret_access_key=place.secret.reveal(),
            region=place.region,
            virtual_hosted_style_request=False,
            checksum_algorithm="SHA256",  # a locked bucket wants one on AWS and MinIO
            client_options={"allow_http": place.endpoint.startswith("http://"), "timeout": patience},
            retry_config={"max_retries": 3, "retry_timeout": patience},
        )
        return cls(store, f"s3://{place.bucket}/{prefix}".rstrip("/"), place)

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
            if ours := self._of_the_server(error):
                raise ours from None
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
            if ours := self._of_the_server(error):
                raise ours from None
            raise RawError(f"{key} cannot be read: {error}", hint="check the store") from error

    def exists(self, key: str) -> bool:
        """Return whether the object is there."""
        from obstore.exceptions import BaseError

        try:
            self.store.head(key)
        except FileNotFoundError:
            return False
        except (BaseError, OSError) as error:
            raise self._of_the_server(error) or error from None
        return True

    def keys(self, prefix: str = "raw/") -> list[str]:
        """Return all keys under a prefix, sorted."""
        from obstore.exceptions import BaseError

        try:
            return sorted(entry["path"] for batch in self.store.list(prefix) for entry in batch)
        except (BaseError, OSError) as error:
            raise self._of_the_server(error) or error from None

    def _of_the_server(self, error: Exception) -> WorkbenchError | None:
        """Return the error to tell where a server refused or does not answer; obstore's own holds many lines."""
        if self.place is None:
            return None
        text = str(error)
        refusal = isinstance(error, PermissionError) or type(error).__name__ in _REFUSED
        if refusal or any(code in text for code in _REFUSALS):
            return refused(self.place)
        if any(word in text for word in _NO_SERVER):
            return no_objects(self.place, "it does not answer")
        return None


def objects_of(ws: Workspace) -> Objects:
    """Return the raw objects of a workspace: where its profile says."""
    place = stack_of(ws).objects
    return Objects.folder(ws.root) if place is None else Objects.s3(place, prefix=ws.settings.learner_id)


def prepared_objects(ws: Workspace) -> Objects:
    """Return the raw objects of a workspace, ready to be written to: a bucket is made, and its lock looked at."""
    place = stack_of(ws).objects
    if place is not None:
        Bucket(place).prepare()
    return objects_of(ws)


def copy_raw(ws: Workspace, uris: Iterable[str], root: Path) -> None:
    """Bring raw objects from a bucket into a folder; those that are missing are left out.

    Parameters
    ----------
    ws : Workspace
        Whose objects.
    uris : iterable of str
        Which of them.
    root : Path
        Of the workspace that is to have them.
    """
    source, target = objects_of(ws), Objects.folder(root)
    for uri in uris:
        with contextlib.suppress(RawError):
            target.put_new(uri, source.get(uri))
