import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Clean: what every decoder accepts")


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    # Clean: what every decoder accepts

    *Forty minutes. Stage 2 of seven. You will see a spoilt photo that nobody objects to, a quarantine
    that gives reasons, and a test set that knows its training set by heart.*

    Two photos of one apple come next. Between the first and the second, something went wrong on a disk:
    some bytes inside the file changed. Its name, its date and its length did not.
    """)
    return


@app.cell(expand_output=True)
def _():
    import marimo as mo

    from workbench.lab import bars, lesson, show, verdicts
    from workbench.lab.stories import clean as story
    from workbench.lab.trial import try_failure

    ws = lesson.prepared()
    spoilt = story.spoilt_photo(ws)
    story.two_photos(spoilt)
    return bars, lesson, mo, show, spoilt, story, try_failure, verdicts, ws


@app.cell(hide_code=True, expand_output=True)
def _(lesson, spoilt, story):
    noticed = story.only_one_of(spoilt)
    lesson.Predict(
        "Who notices that the second file is not the first?",
        options=list(story.VOTES),
        answer=noticed,
        why=story.VOTES,
    )
    return


@app.cell(hide_code=True, expand_output=True)
def _(lesson, spoilt, story):
    lesson.reveal(
        "Open this when you have chosen",
        story.checks(spoilt),
        f"""
        Of all photos this is the one that shows it most, with {spoilt.share:.0%} of its pixels; on average
        the same change moves {spoilt.mean_share:.0%}. A JPEG is a stream: after a changed byte the decoder
        reads on, and what it reads is still *a* picture.
        """,
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## What clean does

    A pipeline that trusts its decoder trains on the second photo. The stage **clean** trusts a
    **sha256** instead: a hash of all bytes, taken when the file arrived. It looks at every raw file on
    every run and gives each a status. A file that may not be used is not deleted. It goes into
    **quarantine**: it stays where it is, and its row in the manifest says why nobody may use it.

    Here is what clean set aside in our small packhouse. You see the damage of everyday life: a transfer
    that broke off, a gateway that sent an error page, a thumbnail instead of the photo.
    """)
    return


@app.cell(expand_output=True)
def _(show, story, ws):
    show.stack(*story.quarantine(ws), story.at_rest(), show.code("workbench.stages.clean:_look"))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    The hash has a limit that you should know: what was spoilt *before* it arrived has the sha256 of a
    spoilt file, and clean calls it whole. Only the sender's own hash would tell.

    ## Nothing is wrong with these photos

    The camera takes a **burst**, two or more frames of each fruit, a fifth of a second apart. Every frame is
    sharp, whole and allowed. Now a colleague deals the *frames* at random, a quarter of them to the
    test set. What you see next are test photos beside their nearest training photo. The strip below them holds more pairs.
    """)
    return


@app.cell(expand_output=True)
def _(lesson, story, ws):
    frames = story.frames_of(ws, by="frame")
    found = story.watched(frames, group="group", device="device", embedding="embedding")
    lesson.live(story.browser(ws, found))
    return frames, found


@app.cell(hide_code=True, expand_output=True)
def _(lesson, story, ws):
    fold = story.frames_of(ws, by="frame")
    lesson.Predict(
        "A colleague drops exact duplicates first: files with equal bytes. How many of these pairs of frames go away?",
        options=["none", "about half", "all"],
        answer=story.gone_with_equal_bytes(fold),
        why={
            "none": story.said_of_equal_bytes(fold),
            "about half": "Two frames of one burst differ in noise, in the turn of the fruit and in their EXIF time.",
            "all": "That would need frames that are equal byte by byte. Near is not equal.",
        },
    )
    return


@app.cell(expand_output=True)
def _(found, frames, show, story, verdicts, ws):
    by_fruit = story.frames_of(ws, by="fruit")
    votes = {"group": "group", "device": "device"}
    hash_alone = story.named("hash and camera, frames dealt", story.watched(frames, **votes))
    with_photo = story.named("and embedding, frames dealt", found)
    cured = story.named("and embedding, fruit dealt", story.watched(by_fruit, **votes, embedding="embedding"))
    show.stack(
        story.hash_limits(frames),
        verdicts.verdicts("The guard near_duplicates", [hash_alone, with_photo, cured]),
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    **Read the first table before you buy a duplicate finder.** A *perceptual hash* is 64 bits of what a
    picture looks like. On the internet, where every photo has another background, it finds copies well.
    On our line every photo has the *same* background. A limit that names most frames of one fruit names
    more pairs of two different fruit. So the guard refuses to judge by hashes alone here, and says so.
    Together with the **embedding** (what the encoder sees) it finds bursts, and is silent when whole
    fruit are dealt. Even then it names a part of the pairs only: where you know the fruit, use its id.

    ## What copies claim

    Now break it. The messages of the line are delivered twice, and rows are dealt at random. The
    second pipeline is the cure: each message once, whole fruit dealt. Both serve the same next week.
    """)
    return


@app.cell(expand_output=True)
def _(bars, lesson, show, story, try_failure, verdicts):
    trial = try_failure(story.LIVE, size="tiny", watcher=lesson.Teller("duplicates: "))
    pair = [
        ("delivered twice, rows dealt", trial.scores["accuracy"]),
        ("cured", trial.cured_scores["accuracy"]),
    ]
    code = [show.code(f"workbench.failures.{story.LIVE}:{name}") for name in ("at_random", "by_group")]
    says = [finding for finding in trial.said if finding.fired]
    guards = verdicts.verdicts("Guards that fire on the first pipeline", says, story.when_cured(trial))
    show.stack(bars.score_bars(pair), guards, *code)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    One line differs. The model is a **nearest neighbour**: it answers with the label of the most similar
    training photo. With its own copy among them it need not know anything about apples. The guard
    `label_shuffle` shows that best: it deals the labels *by a coin* and runs everything again. There is
    nothing to learn from a coin, and still the score is far above one half.

    So small a season proves little, and the meter says so where it does. Here are full seasons, measured
    beforehand. Choose among the three ways to put copies on both sides: a **burst** across the split,
    rows that came **twice**, and photos that were **augmented** (flipped, shifted, brightened) before
    they were split. Then press *cured*.
    """)
    return


@app.cell(expand_output=True)
def _(lesson, story):
    lesson.live(story.meter())
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    - **The claim is a lie, and nobody is robbed.** Look at *could have had*: the honest twin gets about
      the same in production. Copies inflate the number on which you decide, not the harm done by the model.
    - **It hangs on the model.** A nearest neighbour remembers every photo, so copies help it most. The
      less a model can remember, the less there is to gain: ask yours before you rely on that.
    - **Cross-validation does not notice.** Each fold has its copies in the other folds.

    ## Your turn

    The first function is written; read it. In the second, one line is missing. The other two are yours.
    """)
    return


@app.function
def settled(photos):
    clean = [photo["name"] for photo in photos if photo["reason"] is None]
    bad = {photo["name"]: photo["reason"] for photo in photos if photo["reason"] is not None}
    return {"clean": clean, "quarantined": bad}


@app.cell(expand_output=True)
def _(story):
    story.EXERCISES[0](settled)
    return


@app.function
def bits_apart(one, two):
    differing = int(one, 16) ^ int(two, 16)
    raise NotImplementedError(differing)  # instead: how many ones does `differing` have?


@app.cell(expand_output=True)
def _(story):
    story.EXERCISES[1](bits_apart)
    return


@app.function
def groups(fruit, near):
    # fruit: its id for each photo; near: pairs of positions that look alike. Return one name for each photo.
    raise NotImplementedError


@app.cell(expand_output=True)
def _(story):
    story.EXERCISES[2](groups)
    return


@app.function
def bridges(rows):
    # each row has id, source (the photo it was made from), fruit, and split: train, test or embargo
    raise NotImplementedError


@app.cell(expand_output=True)
def _(story):
    story.EXERCISES[3](bridges)
    return


@app.cell(expand_output=True)
def _(story, verdicts, ws):
    folder = ""  # your photos
    split = (
        ""  # a CSV with path and split, and perhaps group, device and label; empty: split.csv in the folder
    )
    report, command = story.own_photos(ws, folder, split)
    verdicts.report(report, command, about=folder or "the lesson's own photos, dealt frame by frame")
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## What to keep

    - A decoder asks *is this a picture?* A hash asks *is this the picture that came?* Take it on arrival.
    - Set aside with a reason; never drop. Clean and quarantined add up to raw.
    - Find groups first, then split, then augment the training part. In this order.
    - A guard that says *could not judge* is not silent. Give it what it asks for.

    Words: *quarantine*, *burst*, *near-duplicate*, *perceptual hash*, *group*, *augmentation* are in the
    [glossary](../docs/GLOSSARY.md). Sources: Barz and Denzler, *Do We Train on Test Data? Purging CIFAR of
    Near-Duplicates*, J. Imaging 6(6), 41, 2020; Kapoor and Narayanan, *Leakage and the reproducibility
    crisis in machine-learning-based science*, Patterns 4(9), 2023.
    """)
    return


if __name__ == "__main__":
    app.run()
