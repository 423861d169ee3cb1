import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="The model that quietly fails")


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    # The model that quietly fails

    *Fifteen minutes. Nothing to prepare. What you see is computed while you read; only the six full
    seasons near the end were measured beforehand.*

    A packhouse sorts apples. Three cameras photograph each fruit as it rolls past, and a model says
    **accept** or **reject**. Two teams get the same photos, the same encoder and the same classifier.
    One line of their code differs.

    One of the two models is a mistake. Nothing will crash, and nothing will warn you.
    """)
    return


@app.cell
def _():
    import marimo as mo

    from workbench.lab import bars, lesson, show
    from workbench.lab.comparison import compare
    from workbench.lab.stories import quiet_failure as story
    from workbench.profiles.datasets import read_dataset

    return bars, compare, lesson, mo, read_dataset, show, story


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## The pipeline

    Seven stages lead from a photo to an answer. Each one reads what the last one left on disk, and
    leaves a manifest with hashes. The next cell runs all of them on a very small packhouse. It takes
    about half a minute the first time, and a moment after that.
    """)
    return


@app.cell
def _(lesson, story):
    ws = lesson.prepared()
    story.stages(ws)
    return (ws,)


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## Two teams

    Both teams ask the feature store for the embedding of each fruit. Team A asks for what was known
    *at the moment of the decision*. Team B asks for the *newest* one, which sounds at least as good.
    Both hold out the newest quarter of the fruit, and no fruit is in two sets.

    Here is what the two models claim on their test fruit.
    """)
    return


@app.cell
def _(bars, compare, lesson, ws):
    twins = compare(ws, watcher=lesson.Teller("team B: "))
    honest, leaky = twins.scores["accuracy"]
    teams = [("Team A, as of the decision", honest), ("Team B, the newest value", leaky)]
    bars.score_bars(teams, show=["claimed"])
    return leaky, teams, twins


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    **Before you go on, write down two answers.**

    1. Which model do you put on the line?
    2. How often will it be right there, next week?

    The packhouse cuts every fruit of that week open afterwards. So here, unlike in most places, we
    can look.
    """)
    return


@app.cell(hide_code=True)
def _(bars, leaky, lesson, teams):
    answer = f"""
    Team B's model claims **{leaky.claimed.value:.0%}** and gets **{leaky.got.value:.0%}**. With team A's line of
    code it could have had **{leaky.could_have_had.value:.0%}**. No exception, no warning, no red light: the only
    sign was a number that looked *good*. How far off was your guess?
    """
    lesson.reveal("Open this when you have written down both answers", bars.score_bars(teams), answer)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## Where did the extra points come from?

    Look at one fruit. The camera on the line takes a burst. The operator glances at it. What looks
    doubtful is put on a bench and photographed again, one to three days later. By then a bruise has
    turned brown.
    """)
    return


@app.cell
def _(story, ws):
    looks = story.two_looks(ws)
    story.fruit_sheet(ws, looks)
    return (looks,)


@app.cell
def _(looks, story):
    story.two_times(looks)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    The decision is due when the first frame arrives. The bench photo does not exist yet. But the
    dataset is put together weeks later, and by then the *newest* photo of that fruit is the one from
    the bench. Here is what each team's model looked at for its first six fruit.
    """)
    return


@app.cell
def _(story, twins, ws):
    story.feature_sheet(
        ws, twins.leaky, "Team B learned from these. On the line, none of the dashed ones exists."
    )
    return


@app.cell
def _(story, twins, ws):
    story.feature_sheet(ws, twins.honest, "Team A learned from these.")
    return


@app.cell
def _(read_dataset, show, story, twins, ws):
    counts = [
        (team, label, n, late)
        for team, card in (("A", twins.honest), ("B", twins.leaky))
        for label, n, late in story.from_the_future(read_dataset(ws, card.dataset_id)[1])
    ]
    show.grid(
        "Rows whose photo is newer than their decision", ("team", "label", "rows", "from the future"), counts
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    Team B's model found a rule that is nearly perfect: *a white bench means reject*. It holds for all
    rejected rows and breaks for a handful of others, in the training set and in the test set alike. It
    is useless on the line, where nothing lies on a white bench.

    **Why did the test not notice?** The test rows came through the same join. They have the same bench
    photos. The test was passed, and it asked a question that nobody asks on the line.
    """)
    return


@app.cell
def _(show):
    show.code("workbench.stages.dataset:_with_features")
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    This is the code that ran, and these are the two lines that the teams differ in. `as_of` joins each
    row with the newest value that had **happened** and was **known** by the row's own time. `latest`
    joins it with the newest value there is.

    Now the cure is plain, and so is a guard: *no feature may be newer than its row*. The table above is
    that guard. Team A has a zero in each line, and it takes one comparison to check.

    ## Check yourself

    A colleague says: *"Cross-validation would have caught this. We should have trained on five folds."*

    Decide before you open the answer.
    """)
    return


@app.cell(hide_code=True)
def _(lesson, read_dataset, story, twins, ws):
    fold_a = story.cross_validated(read_dataset(ws, twins.honest.dataset_id)[1])
    fold_b = story.cross_validated(read_dataset(ws, twins.leaky.dataset_id)[1])
    folds = f"""
    **No.** We ran it, with whole fruit held out: team A **{fold_a:.2f}**, team B **{fold_b:.2f}**.
    Every fold comes through the same join, so each fold holds the same bench photos. Resampling a
    flawed table gives flawed tables.
    """
    lesson.reveal("Would cross-validation have caught it?", folds)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## How sure are we?

    Not very, from one small season. Team B's claim rests on a handful of fruit, and the meter says so:
    it prints *inflated* only where the interval of the inflation leaves zero out. Here are full
    seasons, each with other fruit, measured in the same way.
    """)
    return


@app.cell
def _(bars, lesson):
    seasons = lesson.figure("first_lesson")
    bars.dumbbells(seasons["seasons"])
    return (seasons,)


@app.cell(hide_code=True)
def _(mo, seasons):
    mean = seasons["mean"]
    mo.md(f"""
    Each row is a season of {seasons["n_test"]} test fruit and {seasons["n_production"]} in production.
    On average team B claims {mean["claimed"]:.2f} and gets {mean["got"]:.2f}; team A claims
    {mean["honest_claimed"]:.2f} and gets {mean["could_have_had"]:.2f}.

    Three things that are easy to get wrong here:

    - **Inflation is not damage.** The leak raised the claim by {mean["excess_inflation"]:.2f} over what production
      gives. What the packhouse lost is {mean["damage"]:.2f}: the distance to what it could have had. Other
      leaks raise a claim and cost nothing.
    - **The ranking suffers less than the decisions.** By area under the ROC curve team B gets
      {mean["auc_got"]:.2f} where team A gets {mean["auc_could_have_had"]:.2f}, about half the loss. The fruit are still in a fair
      order; the threshold is in the wrong place.
    - **The reviewed label is not the leak.** Both teams learn from the bench's labels, where these were
      known in time. What leaks is the bench *photo*: it exists only because somebody had a doubt.
    """)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## Can you trust this page?

    The last stage makes the champion again from the raw photos and compares it bit by bit.
    """)
    return


@app.cell
def _(story, ws):
    story.verdict(ws)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## On your own photos

    ```
    workbench -w mine run --photos FOLDER     labels from subfolders, or from labels.csv
    workbench -w mine status                  the lineage, with hashes
    workbench -w mine dataset --leaky         team B's dataset, from your photos
    ```

    Then compare `feature_timestamp` with `event_timestamp` in any table that you train on. If you have
    no such columns, that is a finding, too.

    **What to keep from this lesson:** a test set cannot find a fault that it shares with the training
    set. Ask of every value: *when did we know it?*
    """)
    return


if __name__ == "__main__":
    app.run()
