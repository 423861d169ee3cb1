"""The leakage family on one meter, and one leak that only looks like one."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="Lab: scores that nobody earned")


@app.cell
def _():
    import marimo as mo

    from workbench.lab import lesson, show
    from workbench.lab.stories import leakage_lab as story

    return lesson, mo, show, story


@app.cell
def _(show):
    show.stack(
        show.projector(1.2), show.banner("Scores that nobody earned", "Which leak would you fear most?")
    )
    return


@app.cell
def _(lesson, mo, story):
    meter = story.meter()
    mo.hstack([lesson.live(meter), story.catalogue_card(meter)], widths=[1.5, 1], gap=2, align="start")
    return


@app.cell
def _(story):
    story.family()
    return


@app.cell
def _(lesson, story):
    lesson.reveal("For whoever speaks: five minutes", story.NOTES)
    return


if __name__ == "__main__":
    app.run()
