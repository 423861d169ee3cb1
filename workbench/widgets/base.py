"""What all widgets share: no trait by mistake, the same words in every run, one style, one helper file.

A widget's front end is ``widget.js`` beside its ``__init__.py``: an ES module by hand that
imports from ``../shared.js``. No bundler is at work: `esm` puts the text of what is imported
in the place of the import, so what a browser gets is one file that asks for nothing.
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any, Final, TypeVar

from workbench.errors import MissingExtraError, SettingsError
from workbench.widgets import theme

try:
    import anywidget
    import traitlets
except ModuleNotFoundError as error:  # they come with the notebooks
    raise MissingExtraError(
        f"widgets need {error.name}, which is not installed",
        hint="pip install -c constraints.txt -e '.[all]'",
    ) from None

HERE: Final = Path(__file__).resolve().parent
_IMPORT: Final = re.compile(r'^import \{[^}]*\} from "(\.{1,2}/\w+\.js)";\n', re.MULTILINE)
W = TypeVar("W")


def esm(name: str) -> str:
    """Return the front end of a widget as one module.

    Parameters
    ----------
    name : str
        Its folder.

    Returns
    -------
    str
        ``widget.js`` with the files that it imports in the place of the imports, each once.

    Raises
    ------
    SettingsError
        If an import is left: it names a package or an address, or is written in another way.
    """
    found = _inlined(HERE / name / "widget.js", set())
    if left := re.findall(r"^import .*", found, re.MULTILINE):
        raise SettingsError(f"{name} has {left[0]!r}", hint='write import { ... } from "../shared.js";')
    return found


def _inlined(path: Path, seen: set[Path]) -> str:
    def text_of(match: re.Match[str]) -> str:
        other = (path.parent / match[1]).resolve()
        if other in seen:
            return ""
        seen.add(other)
        return re.sub(r"^export ", "", _inlined(other, seen), flags=re.MULTILINE)

    return _IMPORT.sub(text_of, _text(path))


def css(name: str) -> str:
    """Return the colours, the shared style and a widget's own.

    Parameters
    ----------
    name : str
        Its folder.

    Returns
    -------
    str
        On a page of several widgets the shared part comes again after the own part of another
        one, so the own rules are made to count more.
    """
    own = _text(HERE / name / "widget.css").replace(f".wb-{name}", f".wb-widget.wb-{name}")
    return theme.css(".wb-widget") + _text(HERE / "shared.css") + own


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


class Widget(anywidget.AnyWidget):
    """An anywidget that refuses names it does not have and says in words what it shows.

    Parameters
    ----------
    **traits : object
        Values of its traits.

    Raises
    ------
    SettingsError
        If there is no such trait. Plain traitlets take it and do nothing.
    """

    def __init__(self, **traits: Any) -> None:
        for name in traits:
            self._require_trait(name)
        super().__init__(**traits)

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and not hasattr(type(self), name):
            self._require_trait(name)
        super().__setattr__(name, value)

    @classmethod
    def own_traits(cls) -> list[str]:
        """Return the names of the traits that it declares beyond anywidget's, in alphabetical order."""
        ours = [vars(kind) for kind in cls.__mro__ if issubclass(kind, Widget)]
        return sorted({name for names in ours for name, value in names.items() if _is_trait(name, value)})

    def _require_trait(self, name: str) -> None:
        if name in self.trait_names():
            return
        own = self.own_traits()
        near = difflib.get_close_matches(name, own, n=1)
        said = f" Did you mean {near[0]!r}?" if near else ""
        raise SettingsError(
            f"{type(self).__name__} has no trait {name!r}.{said}", hint=f"there are {', '.join(own)}"
        )

    def as_text(self) -> str:
        """Return what the widget shows, in words: for a screen reader's log, a printed page, and a test."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return self.as_text()

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """Keep the words whole where a front end cannot draw: ipywidgets cuts them at 110 signs."""
        bundle = super()._repr_mimebundle_(**kwargs)
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        if data is not None:
            data["text/plain"] = self.as_text()
        return bundle


def _is_trait(name: str, value: object) -> bool:
    return isinstance(value, traitlets.TraitType) and not name.startswith("_")


def live(widget: W) -> W:
    """Make a widget drive other cells where the front end can do that.

    Parameters
    ----------
    widget : Widget
        Any.

    Returns
    -------
    Widget
        In marimo, its element: cells that use it run again when it changes. In JupyterLab the
        widget itself. Both give the same attributes; what must react everywhere belongs in a `View`.
    """
    import sys

    marimo: Any = sys.modules.get("marimo")
    if marimo is not None and marimo.running_in_notebook():
        element: W = marimo.ui.anywidget(widget)
        return element
    return widget
