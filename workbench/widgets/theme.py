"""The one visual language: colours that mean something, for widgets and for plotly, light and dark.

Meaning never rests on colour alone: claimed is hatched, got is solid, could-have-had is an
outline, a leaked value is dashed and carries a label.
"""

from __future__ import annotations

from typing import Any, Final

TOKENS: Final[dict[str, dict[str, str]]] = {
    "light": {
        "fg": "#1b1f24",
        "muted": "#59636e",
        "line": "#d0d7de",
        "ground": "#ffffff",
        "known": "#00785a",
        "got": "#0067a8",
        "claimed": "#9a6200",
        "leak": "#c24400",
        "guard": "#8a3ea8",
    },
    "dark": {
        "fg": "#e8eaed",
        "muted": "#a0a9b4",
        "line": "#3a414b",
        "ground": "#16181c",
        "known": "#3fc79a",
        "got": "#6db7f2",
        "claimed": "#f0b04a",
        "leak": "#ff8a57",
        "guard": "#d69bea",
    },
}
"""Mode to token to colour. All but `line` and `ground` have 4.5:1 on their ground; a test computes it."""

DARK: Final = (".dark", ".dark-theme", "[data-jp-theme-light=false]", ".vscode-dark")
"""What marimo, JupyterLab and VS Code set on a page that is dark."""

FONT: Final = "system-ui, -apple-system, 'Segoe UI', sans-serif"


def css(root: str) -> str:
    """Return the tokens as CSS variables of one element, and of nothing else on the page.

    Parameters
    ----------
    root : str
        Selector of the widget's own root, for example ``.wb-widget``.

    Returns
    -------
    str
        Two rules: light, and dark where the page is.
    """
    dark = ",".join(f"{where} {root}" for where in DARK)
    light_is, dark_is = (
        ";".join(f"--{name}:{colour}" for name, colour in TOKENS[mode].items()) for mode in ("light", "dark")
    )
    return f"{root}{{{light_is};color-scheme:light}}\n{dark}{{{dark_is};color-scheme:dark}}\n"


def template(*, dark: bool = False) -> dict[str, Any]:
    """Return the same language as a plotly template, since plotly stays white on a dark page.

    Parameters
    ----------
    dark : bool
        Which of the two.

    Returns
    -------
    dict
        For ``figure.update_layout(template=...)``.
    """
    of = TOKENS["dark" if dark else "light"]
    axis = {
        "gridcolor": of["line"],
        "linecolor": of["line"],
        "zerolinecolor": of["line"],
        "tickcolor": of["line"],
        "tickfont": {"color": of["muted"]},
        "title": {"font": {"color": of["muted"]}},
    }
    return {
        "layout": {
            "paper_bgcolor": of["ground"],
            "plot_bgcolor": of["ground"],
            "font": {"color": of["fg"], "family": FONT, "size": 15},
            "colorway": [of[name] for name in ("got", "claimed", "known", "leak", "guard")],
            "xaxis": axis,
            "yaxis": axis,
            "margin": {"t": 48, "r": 24, "b": 48, "l": 64},
        }
    }
