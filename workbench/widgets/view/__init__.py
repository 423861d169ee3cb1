"""View: a text that is computed anew whenever the widgets it looks at change; in every front end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets

from workbench.widgets.base import Widget, css, esm

if TYPE_CHECKING:
    from collections.abc import Callable


class View(Widget):
    """What must react lives in a widget: JupyterLab does not run cells again, marimo does.

    Parameters
    ----------
    compute : callable
        Takes the sources, in order; what it returns is shown: `str` of it as preformatted text, or its
        ``_repr_html_`` where it has one.
    *sources : Widget
        Their own traits are watched. What `live` gives in marimo is not: there the cell runs again,
        and a view of each run would go on answering.

    Notes
    -----
    `compute` runs in the kernel at each change, and changes that come while it runs are
    joined: keep it under 100 ms.
    """

    _esm = esm("view")
    _css = css("view")

    html = traitlets.Unicode().tag(sync=True)
    words = traitlets.Unicode().tag(sync=True)

    def __init__(self, compute: Callable[..., Any], *sources: Any) -> None:
        super().__init__()
        self._compute = compute
        self._sources = [getattr(source, "widget", source) for source in sources]
        for source in sources:
            if not hasattr(source, "widget"):
                source.observe(self._again, names=source.own_traits())
        self._again()

    def _again(self, change: object = None) -> None:
        del change
        try:
            found = self._compute(*self._sources)
        except Exception as error:  # noqa: BLE001 (in a callback nobody would see it)
            found = f"{type(error).__name__}: {error}"
        drawn = getattr(found, "_repr_html_", None)
        self.html = drawn() if drawn else ""
        self.words = str(found)

    def as_text(self) -> str:
        """Return what was computed last."""
        return str(self.words)
