"""Code in a registry is not run: a workspace that came from elsewhere is data.

Feast writes the source and a pickle of every on-demand transformation into its registry, and
runs them when it reads the registry again, in training, in serving and in the ``feast``
command. Here the functions come from this package: the text in the file is replaced by ours
before Feast sees it, which also brings an old registry up to date, and code that we do not
know is refused.
"""

from __future__ import annotations

from typing import Any

from workbench.errors import FeatureError
from workbench.profiles.definitions import code_of
from workbench.profiles.feast_files import WholeFileRegistryStore


class KnownCodeRegistryStore(WholeFileRegistryStore):
    """A registry whose transformations are those of this package.

    Parameters
    ----------
    registry_config : feast.repo_config.RegistryConfig
        Its path, when relative, starts at the workspace.
    repo_path : Path
        Feast's folder.
    """

    def get_registry_proto(self) -> Any:
        """Read the registry, with our own code for what it calls on-demand.

        Returns
        -------
        feast.protos.feast.core.Registry_pb2.Registry
            What the file says, but for the code.

        Raises
        ------
        FileNotFoundError
            If there is no registry yet.
        FeatureError
            If it holds code of others.
        """
        registry = super().get_registry_proto()
        strange = [view.spec.name for view in registry.on_demand_feature_views if not _made_ours(view.spec)]
        strange += [v.spec.name for v in registry.feature_views if v.spec.HasField("feature_transformation")]
        strange += [view.spec.name for view in registry.stream_feature_views]
        strange += [reference.name for reference in registry.validation_references]  # with a pickled profiler
        if strange:
            raise FeatureError(
                f"the registry {self._filepath} holds code that is not of this package: {sorted(strange)}",
                hint="delete the file, then run `workbench extract` again: it is made from the feature files",
            )
        del registry.feature_view_version_history.records[
            :
        ]  # older definitions, with their code; we name versions
        return registry


def _made_ours(spec: Any) -> bool:
    """Put our code into an on-demand view that we know by its name."""
    text, function = code_of(spec.name), spec.feature_transformation.user_defined_function
    if not text or any(source.WhichOneof("source") == "feature_view" for source in spec.sources.values()):
        return False
    spec.ClearField("user_defined_function")
    spec.mode = function.mode = "pandas"
    function.body, function.body_text = b"", text
    return True
