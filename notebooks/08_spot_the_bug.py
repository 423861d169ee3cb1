import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Spot the bug")


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    # Spot the bug

    *Forty-five minutes. A model is failing in production, and nobody knows why. Or it is not failing at
    all, and a small season looks like that. You get what the pipeline left behind.*

    Each **case** has one failure of the catalogue in it, or none (15 in 100). The real pipeline ran with it.
    We solve the first one together. The second and the third are yours, and every other number is
    another case.
    """)
    return


@app.cell(expand_output=True)
def _():
    import marimo as mo

    from workbench.lab import lesson, show, verdicts
    from workbench.lab.stories import spot_the_bug as story

    case = story.opened(story.WORKED)
    lesson.live(story.meter(case))
    return case, lesson, mo, show, story, verdicts


@app.cell(hide_code=True, expand_output=True)
def _(lesson, story):
    lesson.Predict(
        "From these two numbers alone: what is wrong?",
        options=list(story.FROM_THE_SCORE),
        answer=story.CANNOT_TELL,
        why=story.FROM_THE_SCORE,
    )
    return


@app.cell(expand_output=True)
def _(case, show, story, verdicts):
    show.stack(
        verdicts.verdicts("At level 1 every guard has had a look", case.findings),
        story.suspects(case),
        story.desk(case),
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## Read it like this

    1. **Who fired, and who was silent?** Both count. `parity` compares what was served with what the
       training path says about the same members at the same times. It fired; nothing that looks at the
       dataset alone did. So the dataset is sound and the *service* is not: this is skew.
    2. **Which column, and how does it differ?** The table of suspects leaves several, since one guard
       finds many of them. Look at rows. A unit is a constant factor. A swap exchanges two columns. A
       stale store has old values in *every* column. What you see next is none of these.
    3. **Who would leave exactly this behind?** One column, right in most rows, and 0 where the training
       path says *unknown*.
    """)
    return


@app.cell(expand_output=True)
def _(case, lesson, story):
    lesson.live(story.scope(case))
    return


@app.cell(expand_output=True)
def _(case, story):
    story.worked(case, "missing_becomes_zero", "skew", ("days_since_visit",))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    Naming everybody would not have helped: each failure that is named and is not there takes half a hit
    away. So *none* is an answer, and a careful one.

    ## Your case

    The family is a suspicion of the team, and a suspicion may be wrong. Change the number for another case.
    """)
    return


@app.cell(expand_output=True)
def _(show, story, verdicts):
    yours = story.opened(story.YOURS)
    show.stack(
        verdicts.verdicts("Every guard has had a look", yours.findings),
        story.suspects(yours),
        story.desk(yours),
    )
    return (yours,)


@app.cell(expand_output=True)
def _(story, yours):
    answer = story.form(yours)
    answer
    return (answer,)


@app.cell(expand_output=True)
def _(answer, lesson, story, yours):
    lesson.View(lambda filled: story.graded(yours, filled), answer)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## Level 2: six looks

    Now nobody suspects anything, every failure of this world may be the one, and no guard has spoken. Tick a
    guard to ask it. You have **six looks**, and a look that was spent does not come back. So ask what
    divides the suspects best: a guard that finds only one of them is a poor first question.
    """)
    return


@app.cell(expand_output=True)
def _(story):
    third = story.opened(story.YOURS_OPEN, level=2)
    boxes = story.questions(third)
    boxes
    return boxes, third


@app.cell(expand_output=True)
def _(boxes, lesson, story, third):
    lesson.View(lambda ticked: story.asked(third, ticked), boxes)
    return


@app.cell(expand_output=True)
def _(story, third):
    last = story.form(third)
    last
    return (last,)


@app.cell(expand_output=True)
def _(last, lesson, story, third):
    lesson.View(lambda filled: story.graded(third, filled), last)
    return


@app.function
def swap_or_unit(rows):
    if all((row["served_a"], row["served_b"]) == (row["b"], row["a"]) for row in rows):
        return "swap"
    ratios = {row["served_a"] / row["a"] for row in rows}
    other_is_right = all(row["served_b"] == row["b"] for row in rows)
    return "unit" if len(ratios) == 1 and other_is_right else "other"


@app.cell(expand_output=True)
def _(story):
    story.EXERCISES[0](swap_or_unit)
    return


@app.function
def twins_or_burst(rows):
    train = [row for row in rows if row["split"] == "train"]
    test = [row for row in rows if row["split"] == "test"]
    groups = {row["group"] for row in train} & {row["group"] for row in test}
    # one line instead of the next: twins if a test row equals a train row, burst if groups are shared, else none
    raise NotImplementedError(groups)


@app.cell(expand_output=True)
def _(story):
    story.EXERCISES[1](twins_or_burst)
    return


@app.function
def stale_or_window(rows):
    # each row: served, now (the right count), week_ago (the right count a week before)
    raise NotImplementedError


@app.cell(expand_output=True)
def _(story):
    story.EXERCISES[2](stale_or_window)
    return


@app.function
def latest_or_back_dated(rows):
    # each row: asked (the decision), event (when the value became true), known (when it was recorded)
    raise NotImplementedError


@app.cell(expand_output=True)
def _(story):
    story.EXERCISES[3](latest_or_back_dated)
    return


@app.cell(expand_output=True)
def _(show, story, verdicts):
    path = ""  # your table, CSV or Parquet, one row an observation
    roles = {
        "label": "label",
        "time": "event_timestamp",
        "group": "item_id",
        "split": "split",
    }  # your columns
    report, command = story.own_table(path, **roles)
    found = verdicts.report(report, command, about=path or "the dataset of your first case")
    show.stack(found, story.to_keep())
    return


if __name__ == "__main__":
    app.run()
