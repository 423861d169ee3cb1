# ruff: noqa: TID253  (Feast loads this module by its name; nothing of ours imports it)
"""Feast's registry file, written whole or not at all.

Feast opens the file for writing and thereby empties it; a process that is killed in between,
or that reads at that moment, finds a registry without views, and nobody says so.
"""

from __future__ import annotations

import uuid
from typing import Any

from feast.infra.registry.file import FileRegistryStore

from workbench.clock import utc_now
from workbench.manifests import atomic


class WholeFileRegistryStore(FileRegistryStore):  # type: ignore[misc]  # feast has no types
    """A file registry whose readers never see half a file."""

    def _write_registry(self, registry_proto: Any) -> None:
        registry_proto.version_id = str(uuid.uuid4())
        registry_proto.last_updated.FromDatetime(utc_now())
        with atomic(self._filepath) as temporary:
            temporary.write_bytes(registry_proto.SerializeToString())
