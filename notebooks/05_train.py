import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Train: scores that nobody earned")


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    # Train: scores that nobody earned

    *Forty-five minutes with the four exercises. You need nothing but this page.*

    The gym again: who leaves within 30 days? Somebody has joined the members table to the features. It has
    a column for the reason why a member left, and that was turned into yes or no. The model has never
    been this good.

    Here is how well some columns do on their own.
    """)
    return


@app.cell
def _():
    import marimo as mo

    from workbench.lab import lesson, show
    from workbench.lab.side_by_side import shown
    from workbench.lab.stories import train as story
    from workbench.lab.truth import truth_meter

    return lesson, mo, show, shown, story, truth_meter


@app.cell(expand_output=True)
def _(story):
    both = story.joined_today()
    story.columns(both)
    return (both,)


@app.cell(expand_output=True)
def _(both, lesson, story):
    lesson.live(story.which_column(both))
    return


@app.cell(expand_output=True)
def _(both, shown):
    shown(both, "solo_feature", "truncation", broken="with the column", mended="without it")
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    The table of members was exported *today*. By today everybody who left has given a reason, whenever that
    was. On the Monday that is asked about, the column was empty for all of them, and in production it is
    empty for everybody.

    The strongest column is the one to distrust. But a strong column may be honest, so ask it the question
    of the last lesson: *when did we know it?* No importance plot answers that.

    Two guards see it. **Solo feature** fits a small tree on each column alone and fires above 0.85. It misses
    the same column when only half of the leavers were asked for a reason. **Truncation** cuts the log and
    runs the feature code again. It needs the code, and it found the column in each gym and at each strength
    that was measured.

    ## Three numbers

    - **Claimed**: what the model's own test set says.
    - **Got**: what production gave.
    - **Could have had**: what an honest twin got in the same production.

    An honest model has a gap between claim and production, too: the world moves, and test sets are
    small. **Excess inflation** is the gap beyond that. **Damage** is what was lost.

    **Exercise 1 is solved.** Read it, and see what breaks if you leave the twin out. **Exercise 2** is about the
    column: fill in the condition under which a column may be used at all.
    """)
    return


@app.function
def meter(claimed, got, twin_claimed, twin_got):
    """Return (excess inflation, damage) of a model beside its honest twin."""
    excess = (claimed - got) - (twin_claimed - twin_got)
    return excess, twin_got - got


@app.cell(expand_output=True)
def _(lesson, story):
    lesson.live(story.EXERCISES[0](meter))
    return


@app.function
def usable(columns, asked):
    """Return the columns of which every value was known when asked for; columns: name to known-at by row."""
    raise NotImplementedError("delete this line, and write the condition below in the place of ...")
    return [name for name, known in columns.items() if ...]


@app.cell(expand_output=True)
def _(lesson, story):
    lesson.live(story.EXERCISES[1](usable))
    return


@app.cell(expand_output=True)
def _(lesson, story):
    ws = lesson.prepared()
    story.stage(ws)
    return


@app.cell(expand_output=True)
def _(lesson, story):
    lesson.live(story.what_counts_most())
    return


@app.cell(expand_output=True)
def _(show, story):
    gym = story.gym()
    show.stack(story.before_the_split(gym), story.myth(gym))
    return (gym,)


@app.cell(expand_output=True)
def _(shown, story):
    shown(story.screened(), "label_shuffle", broken="chosen on all rows", mended="chosen in training")
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    All three steps were made before the split, and one of them is harmless. What is the difference? **The label.**
    A mean and a standard deviation of thousands of rows know nothing about who leaves. A share of leavers is
    made of labels, those of the test rows included. The third run is of
    the packhouse: 1,500 columns of pure noise, of which the best 25 were kept, judged by all labels.

    So the guard is the **label shuffle**. Deal the labels at random, run the *whole* pipeline again, and
    look at its test score. Labels that mean nothing cannot be predicted. A pipeline that predicts them
    has seen them.

    Put the scaler into the pipeline all the same: it costs nothing, and on a few dozen rows it may matter.
    But do not look there first.

    **Exercise 3: encode without the test labels.** A row is a code and a label, 0 or 1.
    """)
    return


@app.function
def encoded(rows, split):
    """Return for each test row the share of 1 in its code among the training rows; rows: (code, label)."""
    raise NotImplementedError


@app.cell(expand_output=True)
def _(lesson, story):
    lesson.live(story.EXERCISES[2](encoded))
    return


@app.cell(expand_output=True)
def _(gym, show, story):
    show.stack(story.weekly(gym), story.forty_seeds(gym))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    **Weekly rows.** A member who leaves on the 29th is a leaver in the rows of the 1st, the 8th, the 15th and
    the 22nd, with nearly the same features. A random split puts some of the four into training and asks for the
    others. The forest recognises the member and recalls the outcome. Splitting by time is the cure, with an
    **embargo**: a row whose label looks past the border belongs to neither side.

    **Forty seeds.** Here the code is right, the split is fair and the seed is recorded. Only the number of
    tries is missing from the report. Nobody can see it in the score: about one honest split in forty lands
    where the best of forty lands. Count the runs, not the digits. The cure is to write the seed down *before*,
    and better, to report mean and spread.

    **Exercise 4: leave an embargo.** A label looks at `(time, time + horizon]`.
    """)
    return


@app.function
def sides(times, border, horizon):
    """Return train, embargo or test for each time; the test set begins at the border."""
    raise NotImplementedError


@app.cell(expand_output=True)
def _(lesson, story):
    lesson.live(story.EXERCISES[3](sides))
    return


@app.cell(expand_output=True)
def _(lesson, story, truth_meter):
    lesson.live(truth_meter(among=story.ON_THE_METER))
    return


@app.cell(expand_output=True)
def _(lesson, story):
    lesson.note("note", "What is small, and what is not", story.nuance())
    return


@app.cell(expand_output=True)
def _(both, story):
    own = ""  # the path of your CSV or Parquet file, one row an observation; then name its columns below
    story.own_file(both, own, label="label", time="event_timestamp", split="split", ignore=("item_id",))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    Add `group="item_id"` to the cell above: then the guards of groups and of overlapping windows run, too.
    Two things change. `group_overlap` fires, since most members are on both sides; that is harmless here, as
    production asks about the same members. And `solo_feature` draws one row a member and falls silent: its
    text in `workbench/guards/solo_feature.py` says why a group does not belong there when the label belongs to the row.

    ## What to keep

    - Ask of a strong column when it became known. Its strength is no argument, for or against.
    - Before the split, what touches the label leaks. What does not is a matter of tidiness.
    - Cross-validation repeats the mistake in each fold. Shuffle the labels instead.
    - An embargo is as long as the horizon of the label.
    - Inflation is a lie about the model, damage is a loss. Measure both, beside an honest twin.

    Terms: [glossary](../docs/GLOSSARY.md). Guards, with their error rates: [GUARDS.md](../docs/GUARDS.md).
    The failures of this lesson: [FAILURES.md](../docs/FAILURES.md).

    **Sources.** Kaufman, Rosset, Perlich, Stitelman: *Leakage in data mining*, TKDD 6(4), 2012,
    doi:10.1145/2382577.2382579. Kapoor and Narayanan: *Leakage and the reproducibility crisis in
    machine-learning-based science*, Patterns 4(9), 2023, doi:10.1016/j.patter.2023.100804. Ambroise and
    McLachlan: *Selection bias in gene extraction*, PNAS 99(10), 2002, doi:10.1073/pnas.102102699.
    scikit-learn: [common pitfalls](https://scikit-learn.org/stable/common_pitfalls.html).
    """)
    return


if __name__ == "__main__":
    app.run()
