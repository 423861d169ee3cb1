import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="The same photo, two embeddings")


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    # The same photo, two embeddings

    *Lesson 03, extract. Thirty-five minutes. Everything below is computed while you read, but for one
    table of full seasons, which says so.*

    A model never sees a photo. It sees an **embedding**: here, 128 numbers that an encoder made from the
    photo. Training makes them once, in the feature store. The service makes them again, for each new photo,
    often in another language, by another team, with another library. This lesson is about the way between
    the file and those numbers.
    """)
    return


@app.cell
def _():
    import marimo as mo

    from workbench.lab import lesson, show
    from workbench.lab.picture_skew import Looker, picture_scope
    from workbench.lab.stories import extract as story

    return Looker, lesson, mo, picture_scope, show, story


@app.cell(expand_output=True)
def _(Looker, lesson, story):
    ws = lesson.prepared()
    look = Looker(ws)
    photo = story.same_photo(ws, look)
    sheet, alike = story.two_embeddings(ws, look, photo)
    sheet
    return alike, look, photo, ws


@app.cell(hide_code=True, expand_output=True)
def _(alike, lesson):
    gap = """The encoder was trained again, and the new version was put under the old name. Length, type and range
    fit, so nothing complains. But each training gives a space of its own: direction 17 means another thing in it."""
    asked = (
        "How alike are the two? Guess their cosine: 1 is equal, 0 has nothing in common, -1 is the opposite"
    )
    lesson.live(lesson.Predict(asked, answer=alike, why=gap, low=-1.0, high=1.0, step=0.05))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## The stage

    This is the code that made the first of the two. It decodes the file, turns it as its EXIF tag says,
    shrinks it to 64 by 64 pixels, subtracts a mean, divides by a deviation, and asks the encoder. All of that
    is **preprocessing**, and all of it belongs to the embedding as much as the encoder's weights do.

    An embedding is computed once for each photo, encoder and version of the preprocessing, and the view
    that holds it carries both in its *name*. The guard at the end compares fingerprints, and then the vectors.
    """)
    return


@app.cell(expand_output=True)
def _(show, story, look, ws):
    show.stack(show.code("workbench.stages.extract:_embed"), story.new_view(look, ws))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## Break it yourself

    Below is one photo **as the model sees it**: offline, as in training, and online, in a service that does
    one thing otherwise. Choose what, and choose a photo. The kernel runs the real preprocessing, the real
    encoder and the champion's own model each time.

    Try to answer three questions. Which alteration changes most pixels, and does it change the decision?
    Which one changes no pixel at all? For which photos does *EXIF ignored* do nothing?
    """)
    return


@app.cell(expand_output=True)
def _(lesson, look, photo, picture_scope, ws):
    scope = picture_scope(ws, look=look, chosen=photo, alteration="BGR")
    lesson.live(scope)
    return


@app.function
def cosine(one, two):
    """Return how alike two vectors point, from -1 to 1; 0 where one has no length."""
    lengths = sum(x * x for x in one) * sum(y * y for y in two)
    return sum(x * y for x, y in zip(one, two, strict=True)) / lengths**0.5 if lengths else 0.0


@app.cell(expand_output=True)
def _(story):
    story.EXERCISES[0](cosine)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## A week of photos

    One photo is an anecdote. Here are all fruit of the week after the cutoff, on each path. The guard in the
    last column compares the embeddings of the same photos, and has two limits: a mean cosine below .99, or
    any one below .95. The second table was measured beforehand, on full seasons.
    """)
    return


@app.cell(expand_output=True)
def _(look, show, story, ws):
    show.stack(story.every_path(ws, look), story.effects())
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    **What is small.** The two resize filters change most pixels of every photo, and a few decisions near the
    threshold. Three fruit of forty prove nothing; on full seasons the bilinear one costs between -.02 and +.02 of accuracy: noise. So it is a
    *control*: the guard stays silent, and rightly so. Do not stop a release for it. It is no law, either: try
    *no antialias* above on the photo with the noisy bar.

    **What is large looks the same from outside.** The five below it in the second table cost a quarter of all
    decisions and more. In each case the service answers, the shapes fit, and the scores lie between 0 and 1.

    **Look at `EXIF ignored`.** Its mean cosine is above .99: only a few photos of the week were stored turned.
    The lowest one gives it away. And look at the column *claims*: it does not move. The test set came through
    the right path, so no test, no fold and no digest of the training data can see what the service does.
    """)
    return


@app.function
def same_path(cosines):
    """Return whether a path passes: mean at least .99, lowest at least .95, and not without photos."""
    raise NotImplementedError("one line: return ...")


@app.cell(expand_output=True)
def _(story):
    story.EXERCISES[1](same_path)
    return


@app.cell(hide_code=True, expand_output=True)
def _(lesson):
    options = {
        "Check dimension, type and range": "They are equal: 128 float32 numbers of length 1, whatever encoder made them.",
        "Cross-validate on more folds": "Every fold is embedded on the training path. The service is in none of them.",
        "Retrain on what was served": "Then half of the table speaks another language, and the next upgrade does it again.",
        "Embed 50 known photos on both paths": "It compares the two paths themselves, and needs no label.",
    }
    best = "Embed 50 known photos on both paths"
    question = "A service will go live on Monday. Which check would have found the swapped encoder?"
    lesson.live(lesson.Predict(question, answer=best, options=[*options], why=options))
    return


@app.function
def may_share_a_column(one, other):
    """Return whether embeddings of two encoders may stand in one column."""
    raise NotImplementedError("yours: compare what an embedding is made by")


@app.cell(expand_output=True)
def _(story):
    story.EXERCISES[2](may_share_a_column)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## The cure, and what it does not cure

    One function from bytes to pixels, on both sides. Model and preprocessing in the view's name, so that a
    new encoder makes a new view, and the old model keeps reading the old one. A fingerprint beside each
    vector, and fifty photos through both paths before each release.

    That makes the two paths equal. It cannot make them *right*. In the next packhouse both paths are the
    same, and somebody at the infeed sends fruit that look suspicious down one line.
    """)
    return


@app.cell(expand_output=True)
def _(lesson, show, story):
    sorted_ws = story.cameras(lesson.Teller("another packhouse: "))
    show.stack(story.camera_sheet(sorted_ws), story.camera_verdict(sorted_ws))
    return (sorted_ws,)


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    The camera is written in the file's EXIF data, and the model never read them. It did not have to: the
    belt's colour, the lens and the cast of its light are in every pixel, so the embedding gives the camera
    away. **Dropping the EXIF columns changes nothing.** A good part of the score is the camera's:
    within one camera, where it cannot help, the same embeddings tell the label much less well.

    Be exact about the harm. On full seasons (last row of the table above) this model claims more than it
    gets, by about a tenth, and that is the lie. Its loss against a model that learned from balanced cameras
    is small. An inflated claim and a damaged model are two things; here it is mostly the first.
    """)
    return


@app.function
def telling_cameras(rows):
    """Return the cameras whose share of rejected fruit is more than .20 from the share of all, sorted."""
    raise NotImplementedError("yours: count each fruit once")


@app.cell(expand_output=True)
def _(story):
    story.EXERCISES[3](telling_cameras)
    return


@app.cell(expand_output=True)
def _(sorted_ws, story):
    PHOTOS = ""  # a table with device and label, and perhaps item_id (CSV or Parquet)
    REFERENCE, SERVED = "", ""  # image_id and embedding: of training, and of the service (Parquet)
    story.own_files(PHOTOS, REFERENCE, SERVED, demo=sorted_ws)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    The cell above ran this lesson's two guards: on your own files where you named some, else on files that the
    lesson wrote. In a terminal, the first line asks whether the camera tells the label, the second one compares
    what both paths made of the same photos:

    ```
    workbench guard images FOLDER --split photos.csv
    workbench guard parity reference.parquet served.parquet --key image_id
    ```

    **What to keep.** Preprocessing is a part of the model: ship both as one, with one version. *It has the
    right shape* says nothing about what it means. Compare the two paths on the same photos, by the mean and
    by the lowest. And ask of each tag of a file whether it knows the answer.

    **Words**: embedding, preprocessing, fingerprint, training-serving skew, shortcut: see the
    [glossary](../docs/GLOSSARY.md). **Read**: Breck et al., *The ML Test Score*, IEEE Big Data 2017. Parmar,
    Zhang and Zhu, *On Aliased Resizing*, CVPR 2022. Zech et al., PLOS Medicine 15(11), 2018, and DeGrave et al.,
    Nature Machine Intelligence 3, 2021: X-ray models that had learned the hospital. Bergsma, *A bias-correction
    for Cramér's V*, 2013.
    """)
    return


if __name__ == "__main__":
    app.run()
