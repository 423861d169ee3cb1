import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Dataset: what was known, and when")


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    # Dataset: what was known, and when

    *Forty minutes with the four exercises. You need nothing but this page.*

    A gym wants to know who will leave within 30 days. Each Monday morning a job computes what is known
    about each member, and writes it into a feature table. A model is to learn from that table.

    One of the numbers says how many payments a member has disputed. On a Thursday the
    model is asked about one member. Five pieces of code ask the same table for that number. None of them
    raises an error.

    Guess before you look.
    """)
    return


@app.cell
def _():
    import marimo as mo

    from workbench.lab import lesson, show
    from workbench.lab.side_by_side import shown
    from workbench.lab.stories import dataset as story
    from workbench.lab.truth import truth_meter

    return lesson, mo, show, shown, story, truth_meter


@app.cell(expand_output=True)
def _(lesson, story):
    gym = story.gym()
    moments = story.moments(gym)
    lesson.live(story.question(moments))
    return gym, moments


@app.cell(expand_output=True)
def _(lesson, moments):
    lesson.live(moments)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    Day 0 is the first of four Mondays. Drag the pill: it is the moment that is asked about. Drag a square:
    it says when a value was written down. Each move asks all five again, Feast included. The buttons take
    you to four moments that are worth a look.

    A value has two times. **Event time** is when it became true. **Known-at** is when it was recorded.
    This job corrects itself: four weeks later it computes the same Monday once more, with what has been
    recorded since. The corrected row has the *same event time* and a *later known-at*.

    - **Newest value** asks at the end of time. It takes what is true today.
    - **As of event time** takes the newest row that had become true. It does not ask whether anybody
      had written it down. Feast does the same unless it is told otherwise.
    - **As of both times** takes the newest row that was true *and* recorded.

    Where did the 1 come from? Here is the log.
    """)
    return


@app.cell(expand_output=True)
def _(gym, story):
    story.two_times(gym)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    The payment carries its own date. The bank told the gym a while later, and members who leave dispute
    more often than others. So the corrected row knows something about the future, under the date of the
    past.

    ## Exercise 1, solved

    This is the whole rule, in plain Python. The real join is an SQL statement with the same two
    comparisons, and a test compares the two on thousands of random tables. Read it. Then change `<=`
    to `<`, or leave `row["known"]` out, and see which case fails.
    """)
    return


@app.function
def as_of(rows, moment):
    """Return the value that was known at a moment; rows have value, event and known."""
    usable = [row for row in rows if max(row["event"], row["known"]) <= moment]
    newest = max(usable, key=lambda row: (row["event"], row["known"]), default=None)
    return None if newest is None else newest["value"]


@app.cell(expand_output=True)
def _(lesson, story):
    lesson.live(story.EXERCISES[0](as_of))
    return


@app.cell(expand_output=True)
def _(lesson, story):
    ws = lesson.prepared()
    story.stage(ws)
    return


@app.cell(expand_output=True)
def _(story):
    story.newest_photo()
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    That was the packhouse of the first lesson. The stage asks the feature store for each row *as of its
    own time*; `leaky` is the one changed line. The guard is the **PIT audit**: no feature may be newer than its
    row. It counts, so there is no threshold to argue about. The scores are of very few fruit, and the
    meter says so: *not shown at this size*. Full seasons follow further down.

    ## Windows

    A photo has one time. A window has two ends, and more ways to be wrong. *Visits in the last 30 days,
    as of t* means: visits that took place in **(t - 30 days, t]**, and were recorded by t. The window is
    half open, so that each visit lies in one window of a chain and never in two.

    **Exercise 2: fill in the condition.**
    """)
    return


@app.function
def visits_in(visits, t, days):
    """Count the visits of the last days before t that were recorded by t; a visit is (event, known)."""
    raise NotImplementedError("delete this line, and write the condition below in the place of ...")
    return sum(1 for event, known in visits if ...)


@app.cell(expand_output=True)
def _(lesson, story):
    lesson.live(story.EXERCISES[1](visits_in))
    return


@app.cell(expand_output=True)
def _(gym, show, story):
    show.stack(story.four_queries(gym), story.two_audits(gym))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    Two guards, and each sees what the other cannot.

    - The **truncation test** takes your feature code as a black box. It runs it on the whole log, and
      again on the log as it was at the moment. Whatever differs was made from the future. It needs the
      code, and a log with known-at.
    - The **PIT audit** takes a finished table. It sees a late feature only if the table has kept the
      time of recording. Look at its first row above: asked about event time alone, it is silent, and
      the dataset leaks. A window past the cutoff, under an honest date, it cannot see at all.

    **Exercise 3: write the truncation test.** `build(log)` returns a number for each name. A row of the
    log has `item`, `event` and `known`.
    """)
    return


@app.function
def leaks(build, log, moment):
    """Return the sorted names whose features change when the log ends at the moment."""
    raise NotImplementedError


@app.cell(expand_output=True)
def _(lesson, story):
    lesson.live(story.EXERCISES[2](leaks))
    return


@app.cell(expand_output=True)
def _(gym, lesson, moments, story):
    lesson.live(story.who_notices(gym, moments))
    return


@app.cell(expand_output=True)
def _(lesson, truth_meter):
    meter = truth_meter(among=["back_dated_rows", "window_past_cutoff", "column_that_knows"])
    lesson.live(meter)
    return


@app.cell(expand_output=True)
def _(lesson, show, shown, story):
    nuance = lesson.note("note", "How much is it really?", story.nuance())
    glued = shown(story.positions(), "row_identity", broken="glued by position", mended="joined by key")
    show.stack(nuance, glued)
    return


@app.function
def glue(asked, returned):
    """Return (id, feature, label) for each (id, label) asked for; returned holds (id, feature) in any order."""
    raise NotImplementedError


@app.cell(expand_output=True)
def _(lesson, story):
    lesson.live(story.EXERCISES[3](glue))
    return


@app.cell(expand_output=True)
def _(gym, story):
    own = ""  # the path of your CSV or Parquet file, one row an observation; then name its columns below
    story.own_file(
        gym, own, label="label", time="event_timestamp", known_at="known_at", ignore=("row_id", "item_id")
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## What to keep

    - Ask of every value two questions: *when was it true*, and *when did we know it?*
    - A point-in-time join on event time alone leaks wherever rows are corrected or arrive late. In Feast
      0.67 the cure is one argument: `get_historical_features(..., filter_by_created_timestamp=True)`.
    - Cross-validation, an embargo and a feature store cannot find a leak that is in the table itself.
    - Cut the log and run the code again. It is the cheapest honest test of feature code that we know.
    - Join by key, sort by key, count the rows. A store promises you no order.

    Terms: [glossary](../docs/GLOSSARY.md). Guards, with their error rates: [GUARDS.md](../docs/GUARDS.md).
    The failures of this lesson: [FAILURES.md](../docs/FAILURES.md).

    **Sources.** Kaufman, Rosset, Perlich, Stitelman: *Leakage in data mining*, TKDD 6(4), 2012,
    doi:10.1145/2382577.2382579. Kapoor and Narayanan: *Leakage and the reproducibility crisis in
    machine-learning-based science*, Patterns 4(9), 2023, doi:10.1016/j.patter.2023.100804. Feast:
    [point-in-time joins](https://docs.feast.dev/v0.67-branch/getting-started/concepts/point-in-time-joins),
    issue #6615 and pull request #6617 (`filter_by_created_timestamp`). DuckDB:
    [order preservation](https://duckdb.org/docs/stable/sql/dialect/order_preservation).
    """)
    return


if __name__ == "__main__":
    app.run()
