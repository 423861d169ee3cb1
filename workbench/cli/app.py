"""The verbs. Everything heavy is imported inside them, so that ``--help`` is instant."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 (typer reads the annotations)
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperGroup

from workbench.cli.case import case_app
from workbench.cli.guard_verbs import guard_app
from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.profiles.workspace import Workspace
    from workbench.records import StageReport

PANELS: Final = {
    "Begin": ("start", "run"),
    "Learn": ("check", "goto"),
    "The seven stages": ("ingest", "clean", "extract", "dataset", "train", "serve", "reproduce"),
    "See it fail": ("failures", "lab", "case", "guard"),
    "Real servers": ("up", "down", "env"),
    "Look after it": ("status", "doctor", "reset"),
}
STOPPED: Final = 130

Size = Annotated[
    str | None, typer.Option(envvar="WORKBENCH_SIZE", help="Of the world: tiny, lesson or large.")
]
World = Annotated[
    str | None,
    typer.Option(help="A simulated world: packhouse (photos) or gym (tables) [default: packhouse]."),
]
Seed = Annotated[int | None, typer.Option(help="Of the world.")]
Photos = Annotated[str | None, typer.Option(help="A folder of your own photos instead of a simulated world.")]
Encoder = Annotated[
    str | None, typer.Option(help="tiny_v1, efficientnet-lite0, or MODEL/PRETRAINED of OpenCLIP.")
]
Engine = Annotated[str | None, typer.Option(help="How shards are worked on: serial, threads or processes.")]
Run = Annotated[str | None, typer.Option("--run", help="A run id or an alias [default: the champion].")]
Workers = Annotated[int | None, typer.Option(help="How many shards at once.")]


class Verbs(TyperGroup):
    """List the verbs under headings, in the order in which they are used."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the verbs in our order."""
        del ctx
        return [verb for verbs in PANELS.values() for verb in verbs if verb in self.commands]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the verbs to the help page."""
        del ctx
        for title, verbs in PANELS.items():
            rows = [
                (verb, self.commands[verb].get_short_help_str(80)) for verb in verbs if verb in self.commands
            ]
            with formatter.section(title):
                formatter.write_dl(rows, col_spacing=4)


app = typer.Typer(
    cls=Verbs,
    add_completion=False,
    rich_markup_mode=None,  # rich's help pages cost 0.25 s of import; ours 0
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
serve_app = typer.Typer(add_completion=False, rich_markup_mode=None, invoke_without_command=True)
app.add_typer(serve_app, name="serve", help="Predict for production, one id, or over HTTP.")
failures_app = typer.Typer(add_completion=False, rich_markup_mode=None, invoke_without_command=True)
app.add_typer(failures_app, name="failures", help="List silent failures by family, or explain one.")
lab_app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
app.add_typer(lab_app, name="lab", help="Inject a failure into the real pipeline, cure it, and measure both.")
app.add_typer(case_app, name="case", help="Solve a mystery: find out what is wrong, or that nothing is.")
app.add_typer(guard_app, name="guard", help="Run the guards on your own tables, photos or Feast repository.")


@dataclass(frozen=True, slots=True)
class Options:
    """What stands before the verb."""

    workspace: str
    profile: str | None = None


@app.callback()
def options(
    ctx: typer.Context,
    workspace: Annotated[
        str, typer.Option("--workspace", "-w", envvar="WORKBENCH_WORKSPACE", help="A name, or a path.")
    ] = "default",
    profile: Annotated[
        str | None,
        typer.Option(
            envvar="WORKBENCH_PROFILE",
            help="Where things are kept: embedded, local (see `up`) or compose; the workspace remembers it.",
        ),
    ] = None,
    wait: Annotated[
        float | None, typer.Option(help="Seconds to wait for another process that is writing [default: 10].")
    ] = None,
) -> None:
    """See how machine-learning models fail without an error, and cure it.

    Seven stages turn photos or tables into a served model. Each leaves a manifest that can be checked.
    Begin with `workbench start`.
    """
    if wait is not None:
        os.environ["WORKBENCH_WAIT_S"] = str(wait)
    ctx.obj = Options(workspace, profile)


def _opened(ctx: typer.Context) -> Workspace:
    from workbench.profiles.workspace import in_profile, open_workspace

    return in_profile(open_workspace(ctx.obj.workspace), ctx.obj.profile)


def _run_stage(ws: Workspace, stage: str, **how: Any) -> StageReport:
    """Run one stage with a bar, and record it in the workspace's history."""
    from workbench.cli.screen import Screen, console
    from workbench.lab.pipeline import record, run_stage

    report = run_stage(ws, stage, watcher=Screen(console()), **how)
    record(ws, f"workbench {stage}")
    return report


@app.command()
def start(
    ctx: typer.Context,
    size: Size = None,
    open_browser: Annotated[
        bool | None, typer.Option("--open/--no-open", help="Open a browser [default: unless OPEN=0].")
    ] = None,
    jupyter: Annotated[
        bool, typer.Option("--jupyter", help="JupyterLab with the twins instead of marimo.")
    ] = False,
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 0,
) -> None:
    """Run the seven stages, then open the gallery of lessons."""
    from workbench.cli.start import start_course

    start_course(
        ctx.obj.workspace,
        size=size,
        front_end="jupyter" if jupyter else "marimo",
        port=port,
        open_browser=_wanted(open_browser),
    )


def _wanted(open_browser: bool | None) -> bool:
    return os.environ.get("OPEN", "1") != "0" if open_browser is None else open_browser


@app.command()
def run(
    ctx: typer.Context,
    world: World = None,
    size: Size = None,
    seed: Seed = None,
    photos: Photos = None,
    encoder: Encoder = None,
    engine: Engine = None,
    workers: Workers = None,
) -> None:
    """Run all seven stages; what is there already is not made again."""
    from workbench.cli.screen import Screen, console, headline
    from workbench.lab.pipeline import open_or_create, run_pipeline

    ws = open_or_create(
        ctx.obj.workspace,
        world=world,
        size=size,
        seed=seed,
        photos=photos,
        encoder=encoder,
        engine=engine,
        workers=workers,
        profile=ctx.obj.profile,
    )
    out = console()
    out.print(headline(ws))
    run_pipeline(ws, watcher=Screen(out))
    out.print(
        f"\n  [quiet]made in[/] {ws.root}\n  [quiet]lineage[/] workbench{_flag(ctx)} status", soft_wrap=True
    )


def _flag(ctx: typer.Context) -> str:
    return "" if ctx.obj.workspace == "default" else f" -w {ctx.obj.workspace}"


@app.command()
def check(
    ctx: typer.Context,
    lesson: Annotated[str, typer.Argument(metavar="LESSON", help="Its number: 04.")],
    file: Annotated[
        Path | None,
        typer.Option(help="Your notebook [default: marimo's file or its twin, whichever was saved last]."),
    ] = None,
    hint: Annotated[bool, typer.Option("--hint", help="Show the next hint, one more each time.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Judge your answers to a lesson's exercises.

    Only the functions that you were asked to write are run, each by itself and for at most ten
    seconds. Exit code 0: all passed, 1: not yet, 2: it could not be judged.
    """
    from workbench.cli.check import check as judge

    raise typer.Exit(judge(lesson, workspace=ctx.obj.workspace, file=file, hint=hint, as_json=as_json))


@app.command()
def goto(
    ctx: typer.Context,
    lesson: Annotated[str, typer.Argument(metavar="LESSON", help="Its number: 05.")],
    open_it: Annotated[bool, typer.Option("--open", help="And open the lesson there.")] = False,
    jupyter: Annotated[bool, typer.Option("--jupyter", help="JupyterLab instead of marimo.")] = False,
) -> None:
    """Make what a lesson works on, for somebody who comes late.

    What is there already is not made again. It may be stopped at any time.
    """
    from workbench.cli.goto import go_to

    go_to(
        lesson,
        ctx.obj.workspace,
        open_it=open_it,
        front_end="jupyter" if jupyter else "marimo",
        open_browser=_wanted(None),
    )


@app.command()
def ingest(
    ctx: typer.Context,
    world: World = None,
    size: Size = None,
    seed: Seed = None,
    photos: Photos = None,
    until: Annotated[
        str | None, typer.Option(help="Take only what had arrived by this time (ISO 8601).")
    ] = None,
) -> None:
    """Store what the world delivers, photos or tables, once, named by its content."""
    from workbench.clock import parse_utc
    from workbench.lab.pipeline import open_or_create

    ws = open_or_create(
        ctx.obj.workspace, world=world, size=size, seed=seed, photos=photos, profile=ctx.obj.profile
    )
    _run_stage(ws, "ingest", until=parse_utc(until) if until else None)


@app.command()
def clean(ctx: typer.Context) -> None:
    """Decode every photo, find duplicates, quarantine with a reason."""
    _run_stage(_opened(ctx), "clean")


@app.command()
def extract(
    ctx: typer.Context, encoder: Encoder = None, engine: Engine = None, workers: Workers = None
) -> None:
    """Turn photos into embeddings, and give them to the feature store."""
    from workbench.lab.pipeline import open_or_create

    _opened(ctx)
    ws = open_or_create(ctx.obj.workspace, encoder=encoder, engine=engine, workers=workers)
    _run_stage(ws, "extract")


@app.command()
def dataset(
    ctx: typer.Context,
    cutoff: Annotated[
        str | None, typer.Option(help="Nothing known later enters (ISO 8601) [default: the end of history].")
    ] = None,
    leaky: Annotated[bool, typer.Option("--leaky", help="The twin: latest values instead of as-of.")] = False,
) -> None:
    """Join labels with what was known at the time, and split by time and group."""
    from workbench.clock import parse_utc

    _run_stage(_opened(ctx), "dataset", cutoff=parse_utc(cutoff) if cutoff else None, leaky=leaky)


@app.command()
def train(
    ctx: typer.Context,
    dataset_id: Annotated[
        str | None, typer.Option("--dataset", help="Which dataset [default: the newest honest one].")
    ] = None,
    alias: Annotated[str, typer.Option(help="Name of the model in the registry.")] = "champion",
) -> None:
    """Fit a classifier on a dataset and keep the record of the run."""
    _run_stage(_opened(ctx), "train", dataset_id=dataset_id, alias=alias)


@serve_app.callback()
def serve(
    ctx: typer.Context,
    run_id: Run = None,
) -> None:
    """Predict for everything in production through the online store.

    With a verb: one id (`predict`), or a small HTTP API (`http`).
    """
    if ctx.invoked_subcommand is None:
        _run_stage(_opened(ctx), "serve", run_id=run_id)


@serve_app.command()
def predict(
    ctx: typer.Context,
    item_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Item ids, as in the raw manifest.")],
    run_id: Run = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Ask the champion about one item or more, with where each answer comes from."""
    from workbench.cli.answers import show_predictions

    show_predictions(_opened(ctx), item_ids, run_id=run_id, as_json=as_json)


@serve_app.command()
def http(
    ctx: typer.Context,
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 0,
    run_id: Run = None,
) -> None:
    """Answer over HTTP on loopback, with a token (POST /predict, GET /healthz)."""
    from workbench.cli.answers import serve_http

    serve_http(_opened(ctx), port=port, run_id=run_id)


@app.command()
def reproduce(
    ctx: typer.Context,
    run_id: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="A run id or its beginning; default the champion.")
    ] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="Change one setting first, to see it noticed: seed=7.")
    ] = None,
) -> None:
    """Make a run again from its id alone, and compare.

    Exit code 0: IDENTICAL, 4: EQUIVALENT, 5: DIFFERENT.
    """
    from workbench.cli.answers import show_verdict

    raise typer.Exit(show_verdict(_opened(ctx), run_id, changes or []))


@failures_app.callback()
def failures(
    ctx: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False
) -> None:
    """List silent failures by family, or explain one with `show`."""
    from workbench.cli.catalogue import list_failures

    if ctx.invoked_subcommand is None:
        list_failures(as_json=as_json)


@failures_app.command("show")
def show_one(name: Annotated[str, typer.Argument(help="As `workbench failures` lists it.")]) -> None:
    """Explain a failure: symptom, mechanism, wrong cures, cure, guard and its limits."""
    from workbench.cli.catalogue import show_failure

    show_failure(name)


@lab_app.callback()
def lab() -> None:
    """Inject a failure into the real pipeline, cure it, and measure both."""


@lab_app.command("run")
def lab_run(
    name: Annotated[str, typer.Argument(help="As `workbench failures` lists it.")],
    strength: Annotated[
        float | None, typer.Option(help="In the unit that the failure names [default: its own].")
    ] = None,
    size: Annotated[str, typer.Option(help="Of the world: tiny, lesson or large.")] = "lesson",
    seed: Annotated[int, typer.Option(help="Of the world.")] = 0,
    model: Annotated[
        str | None,
        typer.Option(help="logistic, boosting, forest or nearest [default: the one that shows it]."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Numbers and findings for programs.")] = False,
) -> None:
    """Print claimed, got and could-have-had with intervals, and what each guard said."""
    from workbench.cli.catalogue import try_it

    try_it(name, strength, size=size, seed=seed, model=model, as_json=as_json)


@lab_app.command("show")
def lab_show(
    name: Annotated[str, typer.Argument(help="Of a lab in notebooks/labs: pit.")],
    open_browser: Annotated[
        bool | None, typer.Option("--open/--no-open", help="Open a browser [default: unless OPEN=0].")
    ] = None,
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 0,
) -> None:
    """Show a lab to an audience: full screen, no code, every control live."""
    from workbench.cli.labs import show_lab

    show_lab(name, port=port, open_browser=_wanted(open_browser))


@app.command()
def up(
    ctx: typer.Context,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return; `workbench down` stops it.")
    ] = False,
    show: Annotated[
        bool, typer.Option("--status", help="Only say what is up; 1 where it is not all.")
    ] = False,
) -> None:
    """Start SeaweedFS, Valkey and MLflow as local processes.

    In the profile compose: wait until the containers answer, and make the bucket.
    """
    from workbench.cli.verbs_of_stack import show_status, start_stack

    raise typer.Exit(show_status() if show else start_stack(ctx.obj.profile, detach=detach))


@app.command()
def down() -> None:
    """Stop the local stack; its data stay."""
    from workbench.cli.stack import down as stop_stack

    stop_stack(lambda text: print(text, flush=True))


@app.command()
def env(
    force: Annotated[bool, typer.Option("--force", help="New secrets over the old ones.")] = False,
) -> None:
    """Write .env with random secrets for docker-compose.yml."""
    from workbench.cli.verbs_of_stack import write_env

    write_env(force=force)


@app.command()
def status(ctx: typer.Context) -> None:
    """Show the lineage of the workspace as a tree with hashes."""
    from workbench.cli.screen import console
    from workbench.cli.status import lineage

    console().print(lineage(_opened(ctx)))


@app.command()
def doctor() -> None:
    """Check this machine: packages, disk, ports, model; with a hint for each trouble."""
    from workbench.cli.doctor import examine
    from workbench.cli.screen import checks_table, console

    checks = examine()
    console().print(checks_table(checks))
    raise typer.Exit(int(any(not check.ok and check.needed for check in checks)))


@app.command()
def reset(
    ctx: typer.Context, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False
) -> None:
    """Delete the workspace with everything in it."""
    from workbench.profiles import workspace as workspaces

    ws = _opened(ctx)
    if not yes and not typer.confirm(f"Delete {ws.root} with everything in it?"):
        raise typer.Exit(1)
    typer.echo(f"{workspaces.reset(ctx.obj.workspace)} is gone")


def run_app(arguments: Sequence[str]) -> int:
    """Run the verbs, and turn what goes wrong into a message and an exit code.

    Parameters
    ----------
    arguments : sequence of str
        Without the program's name. ``--workspace``, ``--profile`` and ``--wait`` may stand behind the verb too.

    Returns
    -------
    int
        Exit code.
    """
    try:
        answer = app(_hoisted(arguments), prog_name="workbench", standalone_mode=False)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 (the last line of defence)
        return _explained(error)
    if answer == STOPPED:  # typer turns Ctrl-C into this
        return _explained(KeyboardInterrupt())
    return answer if isinstance(answer, int) else 0


def _explained(error: BaseException) -> int:
    """Say what went wrong in the words that suit it, and return the exit code."""
    from workbench.cli.screen import say_error, say_stopped, say_unexpected

    if isinstance(error, WorkbenchError):
        return say_error(error)
    if isinstance(error, (KeyboardInterrupt, typer.Abort)):
        return say_stopped()
    show = getattr(error, "show", None)  # typer's own errors: wrong usage
    if show is None:
        return say_unexpected(error)
    show()
    return int(getattr(error, "exit_code", 2))


def _hoisted(arguments: Sequence[str]) -> list[str]:
    """Move the options that belong before the verb there: people write them last."""
    first: list[str] = []
    rest: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        name = argument.partition("=")[0]
        if name not in {"--workspace", "-w", "--wait", "--profile"}:
            rest.append(argument)
        elif "=" in argument:
            first.append(argument)
        else:
            first += [argument, *([value] if (value := next(waiting, None)) is not None else [])]
    return first + rest
