"""Every error that the workbench raises on purpose.

The tree::

    WorkbenchError                 base: a sentence, and a hint what to do
    ├── SettingsError              an option, a name or workspace.toml is wrong
    │   └── MissingExtraError      an optional package is not installed
    ├── WorkspaceError             a workspace is missing, damaged or not ours
    │   ├── WorkspaceBusyError     another process holds the writer lock
    │   └── StageOrderError        a stage was asked for before the one it reads from
    ├── DiskError                  the disk is full, or the folder is read-only
    ├── WorldError                 a folder of photos cannot be used as a world
    ├── RawError                   the immutable raw store
    │   ├── OverwriteRefusedError  somebody tried to write a raw object a second time
    │   └── TamperedError          the bytes no longer have the sha256 taken at ingestion
    ├── ManifestError              a manifest or one of its parts is missing or half-written
    ├── EncoderError               the image encoder
    │   └── EncoderUnavailableError  its weights cannot be had here and now
    ├── PointInTimeError           tables that cannot be joined as of a time
    ├── FeatureError               the feature store
    │   ├── FeatureCheckError      a definition or file failed our checks before `apply`
    │   ├── RetrievalError         a retrieval lost, added or reordered rows
    │   └── EntityNotFoundError    the online store knows nothing about this id
    ├── DatasetError               a dataset or its card
    ├── RunError                   the run tracker or the model registry
    │   └── UnsafeModelError       a model file holds types that we do not load
    ├── ReproduceError             a run cannot even be compared
    ├── GuardError                 a guard could not judge: too little data, or a column is missing
    └── StackError                 a server of the profile is not there, or does not answer
        └── StackRefusedError      a server refused our key or password

Each class has an exit code of its own for the command line (see `EXIT_CODES`).
"""

from __future__ import annotations

from typing import ClassVar


class WorkbenchError(Exception):
    """Base of all our errors.

    Parameters
    ----------
    message : str
        One sentence: what is wrong, with the value that was seen.
    hint : str, optional
        One sentence: what to do about it.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\nHint: {self.hint}" if self.hint else self.message


class SettingsError(WorkbenchError):
    """An option, a name or workspace.toml is wrong."""

    exit_code = 2


class MissingExtraError(SettingsError):
    """An optional package is not installed."""

    exit_code = 3


class WorkspaceError(WorkbenchError):
    """A workspace is missing, damaged or not ours."""

    exit_code = 10


class WorkspaceBusyError(WorkspaceError):
    """Another process holds the writer lock of the workspace."""

    exit_code = 11


class StageOrderError(WorkspaceError):
    """A stage was asked for before the one that it reads from."""

    exit_code = 12


class DiskError(WorkbenchError):
    """The disk is full, or the folder cannot be written to."""

    exit_code = 13


class WorldError(WorkbenchError):
    """A folder of photos cannot be used as a world."""

    exit_code = 20


class RawError(WorkbenchError):
    """The immutable raw store."""

    exit_code = 30


class OverwriteRefusedError(RawError):
    """Somebody tried to write a raw object a second time with other bytes."""

    exit_code = 31


class TamperedError(RawError):
    """The bytes no longer have the sha256 that was taken at ingestion."""

    exit_code = 32


class ManifestError(WorkbenchError):
    """A manifest, or one of its parts, is missing or half-written."""

    exit_code = 33


class EncoderError(WorkbenchError):
    """The image encoder."""

    exit_code = 40


class EncoderUnavailableError(EncoderError):
    """The weights of an encoder cannot be had here and now."""

    exit_code = 41


class PointInTimeError(WorkbenchError):
    """Tables that cannot be joined as of a time."""

    exit_code = 50


class FeatureError(WorkbenchError):
    """The feature store."""

    exit_code = 51


class FeatureCheckError(FeatureError):
    """A definition or its file failed our checks before `apply`."""

    exit_code = 52


class RetrievalError(FeatureError):
    """A retrieval lost, added or reordered rows."""

    exit_code = 53


class EntityNotFoundError(FeatureError):
    """The online store knows nothing about this id."""

    exit_code = 54


class DatasetError(WorkbenchError):
    """A dataset or its card."""

    exit_code = 60


class RunError(WorkbenchError):
    """The run tracker or the model registry."""

    exit_code = 70


class UnsafeModelError(RunError):
    """A model file holds types that we do not load."""

    exit_code = 71


class ReproduceError(WorkbenchError):
    """A run cannot even be compared."""

    exit_code = 80


class GuardError(WorkbenchError):
    """A guard could not judge: too little data, or a column is missing."""

    exit_code = 90


class StackError(WorkbenchError):
    """A server of the profile is not there, or does not answer."""

    exit_code = 95


class StackRefusedError(StackError):
    """A server refused our key or password."""

    exit_code = 96


def _walk(cls: type[WorkbenchError]) -> list[type[WorkbenchError]]:
    return [cls, *(leaf for sub in cls.__subclasses__() for leaf in _walk(sub))]


EXIT_CODES: dict[str, int] = {cls.__name__: cls.exit_code for cls in _walk(WorkbenchError)}
"""Name of each error class to its exit code; `reproduce` adds 0 IDENTICAL, 4 EQUIVALENT, 5 DIFFERENT."""
