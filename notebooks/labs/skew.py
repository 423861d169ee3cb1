"""One member and one photo on two paths: see what a service changes in its score and in the calls."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="Lab: training-serving skew", css_file="projector.css")


@app.cell(hide_code=True)
def _():
    import marimo as mo

    from workbench.lab import lesson
    from workbench.lab.picture_skew import Looker, picture_scope
    from workbench.lab.skew_show import skew_show
    from workbench.lab.stories import extract, serve

    return Looker, extract, lesson, mo, picture_scope, serve, skew_show


@app.cell(hide_code=True)
def _(Looker, extract, lesson, picture_scope, serve, skew_show):
    ws = lesson.prepared()
    look = Looker(ws)
    pictures = picture_scope(ws, look=look, chosen=extract.same_photo(ws, look))
    service = serve.Service(serve.gym(lesson.Teller("gym: ")))
    steps, scope, dial = skew_show(service, pictures, tell=print)
    return dial, pictures, scope, steps


@app.cell(hide_code=True)
def _(dial, mo, steps):
    mo.hstack([steps, dial], widths=[1.6, 1], align="center", gap=1.5)
    return


@app.cell(hide_code=True)
def _(mo, pictures, scope):
    mo.hstack([scope, pictures], widths="equal", align="start", gap=1)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    *Five minutes.* A minute a step: say what both teams meant, let the room guess what the dial will do, press
    **Next**. Then hand over: choose another member on the left, another photo or alteration on the right. **Reset**
    brings everything back. One small gym, of whose members fifty left: its AUC moves by luck; full seasons are in
    lesson 06, photos in lesson 03.
    """)
    return


if __name__ == "__main__":
    app.run()
