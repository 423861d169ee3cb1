import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Reproduce: the same again?")


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    # Reproduce: the same again?

    *Forty minutes, four exercises. The packhouse again, and its last stage.*

    Somebody asks for the number in last month's report. You check out the code of that day. You take the data of
    that day. You run it, and run it again, and run it once more. Same code, same data, and three different numbers.

    The next cell runs the pipeline and then tries that twenty times. It takes about a minute the first time.
    """)
    return


@app.cell
def _():
    import marimo as mo

    from workbench.lab import lesson, show
    from workbench.lab.lineage import Lineage
    from workbench.lab.stories import reproduce as story

    return Lineage, lesson, mo, show, story


@app.cell(expand_output=True)
def _(lesson, story):
    ws = lesson.prepared()
    print("one dataset, one program, twenty runs")
    runs = story.spread(ws)
    return runs, ws


@app.cell(hide_code=True, expand_output=True)
def _(lesson, runs):
    aucs = [one.auc for one in runs]
    gap = lesson.Predict(
        "Between the best and the worst of twenty runs on the same data: how far apart are their AUCs?",
        low=0.0,
        high=0.5,
        answer=round(max(aucs) - min(aucs), 2),
        why="The runs differ in one thing: which fruit were dealt to the test set. Nobody wrote the dice down.",
    )
    lesson.live(gap)
    return


@app.cell(hide_code=True, expand_output=True)
def _(lesson, runs, story):
    honest = f"""
    A test set of {runs[0].n_groups} fruit is small, and that is most of the spread: with more fruit the runs come closer together. It does not
    make them equal. And the highest one is always there to be reported. *(Here the dice are numbered, so that
    this page is the same for every reader. In the catalogue's `unseeded_split` they are not.)*
    """
    lesson.reveal("Open this when you have guessed", story.three_runs(runs), honest)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## What the last stage does

    **Reproduce** takes the id of a run and nothing else. It looks for causes first, and without regard to
    the result: rows, raw photos, order, settings, code, versions, machine. Then it makes the dataset again from the
    photos, fits again, and compares coefficients and predictions bit by bit. The **verdict** is one of three words.

    Here is the function that decides, and what it said of the model that the first cell made.
    """)
    return


@app.cell(expand_output=True)
def _(show, story, ws):
    show.stack(show.code("workbench.guards.verdict:judge"), story.verdict(ws))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## Break it

    A verdict can name a cause because each thing remembers what it was made from. Change one, on a copy.
    Look at two things: which link breaks first, and which check, one that people use every day, sees nothing.
    Below the chain, the last stage makes the champion again after each of four changes.
    """)
    return


@app.cell(expand_output=True)
def _(Lineage, lesson, ws):
    trace = Lineage(ws).widget()
    lesson.live(trace)
    return


@app.cell(expand_output=True)
def _(Lineage, story, ws):
    story.verdicts(Lineage(ws))
    return


@app.function
def deal(lists):
    import hashlib

    def side(name):
        return "test" if int(hashlib.sha256(name.encode()).hexdigest(), 16) % 4 == 0 else "train"

    return [[side(name) for name in ids] for ids in lists]


@app.cell(expand_output=True)
def _(story):
    story.EXERCISES[0](deal)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## Three causes that a seed does not cure

    **Order.** A seed fixes the dice. It does not fix which row stands at position 7. A store, a set or a folder
    returns rows in the order of the day.

    **Late rows.** A query without a cutoff is another query tomorrow. With one, rows that arrive later are no
    cause: an old dataset can be made again from newer data.

    **The clock.** An age that is computed with `now()` differs from run to run. Look at its AUC.
    """)
    return


@app.cell(expand_output=True)
def _(show, story, ws):
    show.stack(story.same_seed(ws), story.moved(ws), story.twice(ws))
    return


@app.function
def ages(photos):
    raise NotImplementedError  # one line: what stands in the place of now()?


@app.cell(expand_output=True)
def _(story):
    story.EXERCISES[1](ages)
    return


@app.cell(hide_code=True, expand_output=True)
def _(lesson):
    digest = lesson.Predict(
        "The run page of MLflow shows the same dataset digest for last week's run and for today's. What do you know?",
        options=[
            "The data are the same",
            "The number of rows is the same, and the first ones are",
            "The order is the same, so the split is",
        ],
        answer="The number of rows is the same, and the first ones are",
        why={
            "The data are the same": "The digest of an array looks at its first 10,000 numbers. The next cell changes what comes after them.",
            "The number of rows is the same, and the first ones are": "That is what goes into it. The name says digest; the code says MAX_ROWS.",
            "The order is the same, so the split is": "Of the rows that it looks at, perhaps. Of the others it knows nothing.",
        },
    )
    lesson.live(digest)
    return


@app.cell(expand_output=True)
def _(story, ws):
    story.digests(ws)
    return


@app.function
def two_digests(tables):
    raise NotImplementedError


@app.cell(expand_output=True)
def _(story):
    story.EXERCISES[2](two_digests)
    return


@app.function
def verdict_of(causes, moved):
    raise NotImplementedError


@app.cell(expand_output=True)
def _(story):
    story.EXERCISES[3](verdict_of)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## What to keep, and what not to believe

    - **Split by a rule**, time or a hash of the key. Where dice are needed, record the seed with the run.
    - **Two hashes, not one**: content and order. Over all rows, with names and types.
    - **Compare rows and predictions, not a score.** With `now()` among the inputs the AUC stayed equal to three digits, and
      every row was another one.
    - **A cause need not show.** The rows in the opposite order moved nothing here, since the fit sorts them. The verdict is
      DIFFERENT all the same: next time nobody may sort.
    - **A backfill behind the digest costs little here**: the last line of its table is the mean of three full seasons. What is
      lost is that nobody can ask.
    - **Bit by bit is no virtue in itself.** On another CPU the last digits differ. That is EQUIVALENT, and good enough.
    - **IDENTICAL is not right.** A wrong model can be made again as often as you like.

    Words: [content hash, order hash, verdict](../docs/GLOSSARY.md). Sources: MLflow 3.17, `mlflow/data/digest_utils.py`; Breck and
    others, *The ML Test Score*, IEEE Big Data 2017.

    ## On your own tables

    Two versions of one table, CSV or Parquet, and the column that names a row. In the terminal:
    `workbench guard parity BEFORE AFTER --key row_id`, and for a run `workbench reproduce RUN`.
    """)
    return


@app.cell(expand_output=True)
def _(story, ws):
    BEFORE, AFTER, KEY = "", "", "row_id"
    story.own_tables(ws, BEFORE, AFTER, KEY)
    return


if __name__ == "__main__":
    app.run()
