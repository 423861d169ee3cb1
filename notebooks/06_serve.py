import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="One entity, two numbers")


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    # One entity, two numbers

    *Lesson 06, serve. Forty minutes. Everything below is computed while you read, but for one table of full
    seasons, which says so.*

    A gym wants to call members before they leave. A model reads nineteen numbers about each of them: age,
    fee, visits, failed payments. In training these come from the offline store, in production from a service.
    Both have a column called `visits_30d`, "recent visits". The team of the service read *recent* as a week.

    The next cell makes a small gym, trains on its history, and serves its last months, honestly. Then it asks
    both sides about one member, on one morning.
    """)
    return


@app.cell
def _():
    import marimo as mo

    from workbench.lab import lesson, show
    from workbench.lab.stories import serve as story

    return lesson, mo, show, story


@app.cell(expand_output=True)
def _(story):
    service = story.Service(story.gym())
    story.one_member(service)
    return (service,)


@app.cell(hide_code=True, expand_output=True)
def _(lesson, service):
    dial = service.dial("window_mismatch")
    plan = service.dial()["called"]
    said = f"The honest service calls {plan:.0%}, on the same mornings. One column, and the trend that is made of it, differ."
    asked = "The threshold takes the top tenth of the own test set. What share of members does the new service call?"
    lesson.live(lesson.Predict(asked, answer=round(dial["called"], 2), why=said, low=0.0, high=1.0))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    Every number is of the right type and in range, every answer arrived, and the member exists. This is
    **training-serving skew**: the same entity has one number where the model learned, and another where it
    answers.

    ## The stage

    *Serve* asks the online store about everybody who is due on a morning, and gives what comes back to the
    model. Below: who is due; then the one line that the team of the service changed, and its cure.
    """)
    return


@app.cell(expand_output=True)
def _(show):
    broken = show.code("workbench.failures.window_mismatch:inject")
    cured = show.code("workbench.failures.window_mismatch:cure")
    show.stack(show.code("workbench.stages.serve:_due"), broken, cured)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## Eight services

    Choose a service. The scope below shows one member of the last morning on both sides, column by column.
    Where the guard can, it names the **shape** of the mismatch: a window, a unit, a swap, a default, an old
    store. The score is shown where the honest model is asked; the last three failures need a model of their own.

    Which of the eight would you notice by looking at one served row, without its partner?
    """)
    return


@app.cell(expand_output=True)
def _(lesson, service, story):
    panel, scope = story.switched(service, story.SWITCH, tell=print)
    lesson.live(panel)
    return (scope,)


@app.cell(expand_output=True)
def _(lesson, scope):
    lesson.live(scope)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## What a dashboard shows

    Here is one honest model behind six services. **AUC** asks whether those who leave are ranked above those who
    stay. **Called** is the share of members above the threshold. **Predicted / real** is the mean probability
    over the share that really left; 1 is right.
    """)
    return


@app.cell(expand_output=True)
def _(service, show, story):
    show.stack(story.services(service), story.effects())
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    Read the second table; in the small gym of the first one, fifty leavers move an AUC by chance.

    **Three skews hide from the AUC.** A wrong window, unit or column moves nearly everybody in the same
    direction. Their order survives, and the AUC loses two to four points. The decisions do not survive: twice as
    many calls as planned, five times as many, or nearly none.

    **Two hide from the dial.** A dead store and a scaler that is fitted again on each batch call about as many as
    planned, but the wrong ones. There the AUC falls, by eleven and seventeen points; you learn that a month later,
    when the labels are ripe.

    So no single number of production is enough. And a warning about a myth: *a feature store makes skew impossible*.
    The last two rows of the table are a feature store, doing what it does by default.
    """)
    return


@app.function
def share_called(own, served):
    """Return the share of served scores above the threshold that takes the top tenth of the own test set."""
    threshold = sorted(own)[len(own) - len(own) // 10 - 1]
    return sum(score > threshold for score in served) / len(served)


@app.cell(expand_output=True)
def _(story):
    story.EXERCISES[0](share_called)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## What the store does by itself

    Two of the eight are made by nobody. The next cell is Feast as it comes, on three rows. A **time to live** is
    applied offline and not online (Feast issue #6821). And `materialize_incremental` copies event times after its
    last end: a **correction** keeps its old event time, lies behind that watermark, and never arrives. Filling the
    whole span brings it.

    That is sqlite. Do not carry the last line over to another online store. This lesson runs no Redis, so it claims
    nothing about it; Feast issue #2795 reports that there a correction with an equal event time is ignored. Probe
    your own store with two rows, as this cell does.
    """)
    return


@app.cell(expand_output=True)
def _(story):
    story.exhibit()
    return


@app.function
def with_time_to_live(value, age_days, limit_days):
    """Return the value as training would read it: None where it is too old, or nobody knows how old."""
    raise NotImplementedError("one line: return value if ... else None")


@app.cell(expand_output=True)
def _(story):
    story.EXERCISES[1](with_time_to_live)
    return


@app.cell(hide_code=True, expand_output=True)
def _(lesson):
    why = {
        "Watch the AUC of production": "Its labels are ripe after 30 days, and three of the skews hardly move it.",
        "Validate types and ranges": "Types fit in all eight. Ranges find three of them, and never a week in the place of a month.",
        "Look for drift in the served columns": "A dead store serves last month's numbers: they look like training data.",
        "Compare served rows with the offline join": "Same member, same moment, two numbers: needs no label and no model.",
    }
    best = "Compare served rows with the offline join"
    asked_next = "Which check finds all eight on the first morning?"
    lesson.live(lesson.Predict(asked_next, answer=best, options=[*why], why=why))
    return


@app.function
def worst_column(offline, online):
    """Return the largest share of keys in which one column differs."""
    raise NotImplementedError("yours: compare the cells of one key, never the columns alone")


@app.cell(expand_output=True)
def _(story):
    story.EXERCISES[2](worst_column)
    return


@app.function
def filled_by_increments(rows, ends):
    """Return what is served after the runs of some days; rows are (event, known, value)."""
    raise NotImplementedError("yours: what does each run take?")


@app.cell(expand_output=True)
def _(story):
    story.EXERCISES[3](filled_by_increments)
    return


@app.cell(expand_output=True)
def _(service, story):
    OFFLINE, ONLINE, KEY = (
        "",
        "",
        "id",
    )  # what was trained on, what was served (CSV or Parquet), and their key
    story.own_files(OFFLINE, ONLINE, KEY, demo=service)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    The cell above is a **parity probe**: on your own files where you named some, else on the lesson's. It said
    *swap* where you know it is a window: on this morning a week stood exactly where the month should be, and nobody
    told the guard which columns count the same thing. A shape is a hint; the share is exact. In a terminal:

    ```
    workbench guard parity offline.parquet online.parquet --key item_id
    ```

    **What to keep.** Log what the model was given, with key and time. Join the same keys offline, and compare cell
    by cell. Define a feature once and compute it in one job. Serve null as null, and its age with it. Fill a span
    as long as rows can be late.

    **Words**: training-serving skew, online store, materialise, parity probe, time to live, watermark: see the
    [glossary](../docs/GLOSSARY.md). **Read**: Sculley et al., *Hidden Technical Debt in Machine Learning Systems*,
    NeurIPS 2015. Breck et al., *The ML Test Score*, IEEE Big Data 2017. Feast issues #6821, #4133, #2795.
    """)
    return


if __name__ == "__main__":
    app.run()
