import marimo

__generated_with = "0.25.2"
app = marimo.App(
    width="medium",
    app_title="The model that quietly fails",
    layout_file="layouts/00_the_model_that_quietly_fails.slides.json",
)


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    # The model that quietly fails

    *Twenty minutes. Nothing to prepare. What you see is computed while you read; only the six full
    seasons near the end were measured beforehand.*

    A packhouse sorts apples. Three cameras photograph each fruit as it rolls past, and a model says
    **accept** or **reject**. Two teams get the same photos, the same encoder and the same classifier.
    One line of their code differs. One of the two models is a mistake. Nothing will crash, and nothing
    will warn you.

    Seven stages lead from a photo to an answer. Each one reads what the last one left on disk, and
    leaves a manifest with hashes. The next cell runs all of them on a very small packhouse. It takes
    about half a minute the first time, and a moment after that.
    """)
    return


@app.cell(expand_output=True)
def _():
    import marimo as mo

    from workbench.lab import bars, lesson, show
    from workbench.lab.comparison import compare
    from workbench.lab.stories import quiet as story

    ws = lesson.prepared()
    story.stages(ws)
    return bars, compare, lesson, mo, show, story, ws


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


@app.cell(expand_output=True)
def _(bars, compare, lesson, ws):
    twins = compare(ws, watcher=lesson.Teller("team B: "))
    honest, leaky = twins.scores["accuracy"]
    teams = [("Team A, as of the decision", honest), ("Team B, the newest value", leaky)]
    bars.score_bars(teams, show=["claimed"])
    return honest, leaky, teams, twins


@app.cell(hide_code=True, expand_output=True)
def _(honest, leaky, lesson, story):
    which = lesson.live(story.which_model(honest, leaky))
    which
    return


@app.cell(hide_code=True, expand_output=True)
def _(leaky, lesson, story):
    how_often = lesson.live(story.how_often(leaky))
    how_often
    return


@app.cell(hide_code=True, expand_output=True)
def _(bars, leaky, lesson, teams):
    answer = f"""
    The packhouse cut every fruit of the next week open, so here, unlike in most places, we can look.
    Team B's model claims **{leaky.claimed.value:.0%}** and gets **{leaky.got.value:.0%}**. With team A's line of
    code it could have had **{leaky.could_have_had.value:.0%}**. No exception, no warning, no red light: the only
    sign was a number that looked *good*.
    """
    lesson.reveal("Open this when you have made both guesses", bars.score_bars(teams), answer)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## Where did the extra points come from?

    Look at one fruit. The camera on the line takes a burst. The operator glances at it. What looks
    doubtful is put on a bench and photographed again, one to three days later. By then a bruise has
    turned brown.

    The decision is due when the first frame arrives. The bench photo does not exist yet. But the
    dataset is put together weeks later, and by then the *newest* photo of that fruit is the one from
    the bench. Below the fruit you see what each team's model looked at for its first six fruit.
    """)
    return


@app.cell(expand_output=True)
def _(story, ws):
    story.one_fruit(ws)
    return


@app.cell(expand_output=True)
def _(story, twins, ws):
    story.what_they_learned_from(ws, twins)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    Team B's model found a rule that is nearly perfect: *a white bench means reject*. It holds for all
    rejected rows and breaks for a handful of others, in the training set and in the test set alike. It
    is useless on the line, where nothing lies on a white bench.

    **Why did the test not notice?** The test rows came through the same join. They have the same bench
    photos. The test was passed, and it asked a question that nobody asks on the line.

    Below is the code that ran, with the two lines that the teams differ in. `as_of` joins each row
    with the newest value that had **happened** and was **known** by the row's own time. `latest` joins
    it with the newest value there is.

    A guard against it needs one comparison: *no feature may be newer than its row*. The first function
    below is that guard, and it is finished. The second lacks one line. The third is yours: it is the
    cure. Times are hours. Change a function, run its cell, and look at the check below it.
    """)
    return


@app.cell(expand_output=True)
def _(show):
    show.code("workbench.stages.dataset:_with_features")
    return


@app.function
def late_rows(rows):
    """Count the rows whose photo was taken after their decision."""
    return sum(row["taken"] > row["decided"] for row in rows)


@app.cell(expand_output=True)
def _(late_rows, story):
    story.EXERCISES[0](late_rows)
    return


@app.function
def known_then(photo, decision):
    """Say whether a photo could have been looked at when the decision was due."""
    taken = photo["taken"] <= decision
    arrived = None  # your line: had it arrived by then?
    if arrived is None:
        raise NotImplementedError
    return taken and arrived


@app.cell(expand_output=True)
def _(known_then, story):
    story.EXERCISES[1](known_then)
    return


@app.function
def as_of(photos, decision):
    """Return the name of the newest photo that was known then, or None."""
    raise NotImplementedError


@app.cell(expand_output=True)
def _(as_of, story):
    story.EXERCISES[2](as_of)
    return


@app.cell(hide_code=True, expand_output=True)
def _(lesson, story, twins, ws):
    folds = lesson.live(story.would_folds_have_caught_it(ws, twins))
    folds
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## Three families of silent failures

    What you saw is *leakage*: training knows what production will not. The meter below has one measured
    failure of each family, on full seasons with other fruit. Choose them one after the other.

    - **latest value join** (leakage): the claim is too high, and the model has learned the wrong thing.
    - **colour order** (training-serving skew): the claim is honest. Then the service swaps red and blue,
      and the model that was trained well meets photos that it has never seen the like of.
    - **raw overwritten** (irreproducibility): the photos that the model was trained on are gone. Nobody
      can make the number again, and here what was written over them was worse.

    An accuracy alone tells you little, and the last exercise shows it with a model that has learned
    nothing at all. How often is it right where 94 of 100 fruit are good?
    """)
    return


@app.cell(expand_output=True)
def _(lesson, story):
    meter = lesson.live(story.three_families())
    meter
    return


@app.function
def constant_accuracy(labels):
    """Return how often a model is right that gives everybody the most frequent label."""
    raise NotImplementedError


@app.cell(expand_output=True)
def _(constant_accuracy, story):
    story.EXERCISES[3](constant_accuracy)
    return


@app.cell(hide_code=True, expand_output=True)
def _(lesson, mo):
    seasons = lesson.figure("first_lesson")
    mean = seasons["mean"]
    mo.md(f"""
    ## What to keep

    Six full seasons, {seasons["n_test"]} test fruit and {seasons["n_production"]} in production each: on average team B claims
    {mean["claimed"]:.2f} and gets {mean["got"]:.2f}; team A claims {mean["honest_claimed"]:.2f} and gets {mean["could_have_had"]:.2f}.

    - **A test set cannot find a fault that it shares with the training set.** Ask of every value:
      *when did we know it?*
    - **Inflation is not damage.** The leak raised the claim by {mean["excess_inflation"]:.2f} over what production gives. What
      the packhouse lost is {mean["damage"]:.2f}. Other leaks raise a claim and cost nothing.
    - **The ranking suffers less than the decisions.** By area under the ROC curve team B gets
      {mean["auc_got"]:.2f} where team A gets {mean["auc_could_have_had"]:.2f}, about half the loss. The threshold is in the wrong place.
    - **The reviewed label is not the leak.** Both teams learn from the bench's labels, where these were
      known in time. What leaks is the bench *photo*: it exists only because somebody had a doubt.

    **Your own table.** Put the path of a CSV or Parquet file between the quotes, and name its two columns of
    times. Without a path the guard looks at team B's table. The terms are in `docs/GLOSSARY.md`.
    """)
    return


@app.cell(expand_output=True)
def _(story, twins, ws):
    my_table = ""
    observed, feature_time = "event_timestamp", "feature_timestamp"
    story.audit(ws, twins, my_table, observed, feature_time)
    return


if __name__ == "__main__":
    app.run()
