import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Ingest: what was it then?")


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    # Ingest: what was it then?

    *Thirty minutes, four exercises. The packhouse of lesson 0, and its first stage.*

    On the 1st a model is trained. On the 8th somebody improves the photos: a tool stretches the
    contrast and saves each one **under its old name**. The folder looks better than before. On the 22nd
    the model is to be made again. Same code, same settings, same list of files.

    The next cell runs the pipeline, and then makes its model again from improved photos. It takes about a
    minute the first time.
    """)
    return


@app.cell
def _():
    import marimo as mo

    from workbench.lab import lesson, show
    from workbench.lab.lineage import Lineage
    from workbench.lab.stories import ingest as story

    return Lineage, lesson, mo, show, story


@app.cell(expand_output=True)
def _(lesson, story):
    ws = lesson.prepared()
    print("the model is made again from improved photos")
    again = story.overwritten(ws)
    return again, ws


@app.cell(hide_code=True, expand_output=True)
def _(again, lesson):
    guess = lesson.Predict(
        f"The model has {again.before.n_test} photos to be tested on. Made again, for how many does it change its answer?",
        low=0,
        high=again.before.n_test,
        step=1,
        unit="photos",
        answer=again.changed,
        why="Every file is there, every name is right, and the list of files is the one of the 1st.",
    )
    lesson.live(guess)
    return


@app.cell(hide_code=True, expand_output=True)
def _(again, lesson, story, ws):
    lesson.reveal("Open this when you have guessed", story.compared(again), story.one_photo(ws))
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## What ingest promises

    **Ingest** is the stage that takes what the world delivers. It makes two promises. Each raw object is
    *written once*. And each row of the **manifest**, the list of what has come, holds the **sha256** of
    the object: 64 hexadecimal digits that another file does not have.

    This is the function that does it. The object is written first and described after that, so a row
    never points at nothing.
    """)
    return


@app.cell(expand_output=True)
def _(show, ws):
    show.stack(
        show.code("workbench.stages.ingest:_store_all"),
        show.code("workbench.profiles.objects:raw_key"),
        show.manifest(ws.manifests / "raw", "What it leaves behind: the raw manifest"),
    )
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    The key of an object is made from its bytes, not from its name. That is **content addressing**: the
    key says what the object holds, so anybody can check whether it still does. And the put says
    `mode="create"`: the store itself refuses a key that is taken, also when two programs try at once.

    Watch a store at work. The fourth attempt goes around the door, as a tool does that knows nothing of
    our rules.
    """)
    return


@app.cell(expand_output=True)
def _(story, ws):
    story.write_once(ws)
    return


@app.function
def raw_keys(files):
    import hashlib

    return ["raw/" + hashlib.sha256(data).hexdigest() for _, data in files]


@app.cell(expand_output=True)
def _(story):
    story.EXERCISES[0](raw_keys)
    return


@app.function
def put_once(store, key, data):
    if key in store:
        raise NotImplementedError  # one line: what if the key is there already?
    return {**store, key: data}


@app.cell(expand_output=True)
def _(story):
    story.EXERCISES[1](put_once)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## Break it

    A store can refuse. It cannot stop somebody who has the disk. So the second half of the promise is
    that a change is *noticed*. Below is everything that the model was made from, and what each thing
    remembers of the one before it. Press **improve one**, then **labels become reviews**: both are done
    for real, on a copy, and every link is looked at anew. Which one breaks first, and which checks see
    nothing?
    """)
    return


@app.cell(expand_output=True)
def _(Lineage, lesson, ws):
    lineage = Lineage(ws)
    trace = lineage.widget(["photo", "labels"])
    lesson.live(trace)
    return


@app.function
def compare_files(before, now):
    raise NotImplementedError


@app.cell(expand_output=True)
def _(story):
    story.EXERCISES[2](compare_files)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## Two times, and two labels

    Each delivery has an **event time**, when it became true, and a **known-at**, when it was here. Most
    days they are a minute apart, and nobody sees why one would keep both. The first table
    shows the days on which they are not.

    The label has two times as well. The operator gives one on the line: `label_at_ingestion`. The bench
    gives another, one to three days later: `reviewed_label`. It is the better one. So why not write it
    over the first? The packhouse keeps the two in two tables. Here is what it would lose if it did not,
    in three full seasons, and in the third table what the same review does elsewhere.
    """)
    return


@app.cell(expand_output=True)
def _(show, story, ws):
    show.stack(story.two_times(ws), story.label_sheet(), story.cousins())
    return


@app.function
def label_at(glance, reviews, at):
    raise NotImplementedError


@app.cell(expand_output=True)
def _(story):
    story.EXERCISES[3](label_at)
    return


@app.cell(hide_code=True, expand_output=True)
def _(lesson):
    backup = lesson.Predict(
        "Last night's backup has as many files as today's folder, and the same names. What do you know?",
        options=["Nothing has changed", "Nothing was deleted", "The model can be made again"],
        answer="Nothing was deleted",
        why={
            "Nothing has changed": "Names and counts are what an overwrite leaves alone.",
            "Nothing was deleted": "That, and no more. Whether a file holds what it held, only its bytes can say.",
            "The model can be made again": "It was made from bytes. You have compared names.",
        },
    )
    lesson.live(backup)
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## What to keep, and what not to believe

    - **A name is no version.** Keep the sha256 that was taken on arrival, beside the name.
    - **Write once, and verify on reading.** The first stops accidents. The second finds what went around.
    - **Small changes are small.** With a tenth of the photos improved, the score in production is as good as
      before: the third line of the last table. What is lost then is not accuracy. It is the proof.
    - **Overwriting a label changes few labels here**, two to five in a season. It removes the operator's error rate and
      the known-at. What does damage is to *use* the review where it is not known yet.
    - **Nobody can find a change that was made before the first hash was taken.**

    Words: [content addressing, event time, known-at, manifest](../docs/GLOSSARY.md). More: Wilson and others,
    *Good enough practices in scientific computing*, PLOS Computational Biology 13(6), 2017.

    ## On your own photos

    Put a folder's name between the quotes. The first run takes a listing and keeps it beside the folder.
    A later run compares. In the terminal `workbench -w mine ingest --photos FOLDER` keeps the photos
    themselves, and refuses a known name that comes with other bytes.
    """)
    return


@app.cell(expand_output=True)
def _(story, ws):
    MY_FOLDER = ""
    story.verify_folder(ws, MY_FOLDER)
    return


if __name__ == "__main__":
    app.run()
