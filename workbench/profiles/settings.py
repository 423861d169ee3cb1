"""workspace.toml: what a learner may choose, as frozen dataclasses."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

EMBEDDED: Final = "embedded"
PROFILES: Final = (EMBEDDED, "local", "compose")


@dataclass(frozen=True, slots=True)
class WorldSettings:
    """Which world the captures come from.

    Attributes
    ----------
    name : str
        ``packhouse``, ``gym`` or ``folder``.
    size : str
        ``tiny``, ``lesson`` or ``large`` (simulated worlds only).
    seed : int
        Of the simulated world.
    path : str
        Absolute path of the photos (folder only).
    dials : dict of str to number
        Changes to the simulated world, by the names of its dials; none by default.
    """

    name: str = "packhouse"
    size: str = "lesson"
    seed: int = 0
    path: str = ""
    dials: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """What the fit depends on, besides its data.

    Attributes
    ----------
    seed : int
        Of the solver and of the bootstrap behind the intervals.
    C : float
        Inverse strength of regularisation of the logistic regression.
    threads : int
        BLAS threads; one gives the same bits on every core count.
    row_order : str
        ``canonical`` (sorted by row id) or ``shuffled`` (by the seed: to see what it does).
    family : str
        ``logistic`` (regression), ``boosting`` (of trees), ``forest``, or ``nearest`` (neighbour).
    """

    seed: int = 0
    C: float = 1.0
    threads: int = 1
    row_order: str = "canonical"
    family: str = "logistic"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything in workspace.toml.

    Attributes
    ----------
    learner_id : str
        ``wb`` and eight hex digits: Feast project, experiment and model names derive from it.
        Fixed length, since Redis keys end in it and one project must not be a suffix of another.
    world : WorldSettings
        Which world.
    encoder : str
        `EncoderCard.spec`.
    offline_store : str
        ``asof`` (our plug-in) or ``duckdb`` (Feast's own).
    engine : str
        Of `workbench.shards.map_shards`.
    workers : int
        How many shards at once.
    dataset_version : str
        Semantic version of the next dataset.
    embargo_s : float
        Seconds between the splits in which no row is used.
    train : TrainSettings
        Of the model.
    profile : str
        Where objects, online features and runs are kept: ``embedded``, ``local`` or ``compose``
        (`workbench.profiles.stack`). Written only where it is not ``embedded``.
    """

    learner_id: str
    world: WorldSettings = field(default_factory=WorldSettings)
    encoder: str = "tiny_v1"
    offline_store: str = "asof"
    engine: str = "threads"
    workers: int = 2
    dataset_version: str = "1.0.0"
    embargo_s: float = 3600.0
    train: TrainSettings = field(default_factory=TrainSettings)
    profile: str = EMBEDDED

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as workspace.toml and a run's record have them.

        Returns
        -------
        dict
            Without ``profile`` where it is ``embedded``: the files of the embedded profile do not
            know that there are others.
        """
        values = asdict(self)
        if self.profile == EMBEDDED:
            del values["profile"]
        return values


def dump(settings: Settings, old: str = "# made by the workbench; edit it freely\n") -> str:
    """Write settings as TOML.

    Parameters
    ----------
    settings : Settings
        To be written.
    old : str
        The present text: its comments and order stay.

    Returns
    -------
    str
        The new text.
    """
    import tomlkit

    document = tomlkit.parse(old)
    if settings.profile == EMBEDDED:
        document.pop("profile", None)
    _merge(document, settings.to_dict())
    return tomlkit.dumps(document)


def _merge(target: Any, values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if isinstance(value, dict):
            if key not in target:
                import tomlkit

                target[key] = tomlkit.table()
            _merge(target[key], value)
        elif target.get(key) != value:
            target[key] = value


def load(path: Path) -> Settings:
    """Read workspace.toml.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    Settings
        What it says; defaults for what it does not say.

    Raises
    ------
    SettingsError
        If it is no TOML, or has a key that we do not know.
    """
    import tomllib

    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        world, train = WorldSettings(**raw.get("world", {})), TrainSettings(**raw.get("train", {}))
        settings = Settings(**{**raw, "world": world, "train": train})
    except (ValueError, TypeError) as error:
        raise SettingsError(
            f"{path} cannot be read: {error}", hint="mend the line, or delete the key"
        ) from None
    if settings.profile not in PROFILES:
        raise SettingsError(
            f"{path}: there is no profile {settings.profile!r}", hint=f"use one of: {', '.join(PROFILES)}"
        )
    for part, example in ((settings, Settings("")), (world, WorldSettings()), (train, TrainSettings())):
        _check_kinds(path, part, example)
    return settings


def _check_kinds(path: Path, part: Any, example: Any) -> None:
    """Refuse text where a number belongs, and the other way round; a whole number is a number."""
    for name in (entry.name for entry in fields(example)):
        value, default = getattr(part, name), getattr(example, name)
        kind = type(default)
        if type(value) is not kind and not (kind is float and type(value) is int):
            raise SettingsError(
                f"{path}: {name} is {value!r}, which is no {kind.__name__}",
                hint=f"write it like {default!r}, or delete the key",
            )
