"""Drag a leak into a join, and see what such a join claims and gets."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="Lab: the join that knows the future")


@app.cell
def _():
    import marimo as mo

    from workbench.lab import lesson, show
    from workbench.lab.stories import pit_lab as story
    from workbench.lab.truth import truth_meter

    return lesson, mo, show, story, truth_meter


@app.cell
def _(show):
    show.stack(
        show.projector(1.2),
        show.banner("The join that knows the future", "When was it true, and when did we know it?"),
    )
    return


@app.cell
def _(lesson, mo, story):
    moments = story.moments()
    mo.hstack([lesson.live(moments), story.prices(moments)], widths=[1.15, 1], gap=2, align="start")
    return


@app.cell
def _(lesson, mo, show, story, truth_meter):
    meters = [
        mo.vstack([show.banner(title, says), lesson.live(truth_meter(name))])
        for name, title, says in story.METERS
    ]
    mo.hstack(meters, widths="equal", gap=2, align="start")
    return


@app.cell
def _(lesson, story):
    lesson.reveal("For whoever speaks: five minutes", story.NOTES)
    return


if __name__ == "__main__":
    app.run()
