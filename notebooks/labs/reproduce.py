"""Change one thing that a model was made from, and see which link of its lineage breaks first."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="Lab: the same again?", css_file="reproduce.css")


@app.cell(hide_code=True)
def _():
    import marimo as mo

    from workbench.lab import lesson
    from workbench.lab.lineage import Lineage
    from workbench.lab.stories import reproduce as story
    from workbench.lab.stories.reproduce_lab import NOTES, Again

    return Again, Lineage, NOTES, lesson, mo, story


@app.cell(hide_code=True)
def _(Again, Lineage, lesson, story):
    ws = lesson.prepared()
    runs = story.three_runs(story.spread(ws))
    lineage = Lineage(ws)
    trace = lineage.widget()
    verdict = lesson.View(Again(lineage), trace)
    return runs, trace, verdict


@app.cell(hide_code=True)
def _(NOTES, lesson, mo, runs, trace, verdict):
    notes = lesson.reveal("For whoever speaks: five minutes", NOTES)
    aside = mo.vstack([runs, verdict, notes], gap=1)
    both = mo.hstack([trace, aside], widths=[1.45, 1], gap=2, align="start")
    mo.vstack([mo.md("# Same code, same data. The same again?"), both], gap=0.5)
    return


if __name__ == "__main__":
    app.run()
