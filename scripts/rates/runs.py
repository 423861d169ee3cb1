"""Guards of runs: content, double_run, environment, required_tags."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import distributions
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from scripts.rates import Case
from scripts.rates.worlds import FEW, column, dice, gym, honest, leaves, numbers, put
from workbench import clock
from workbench.guards import content, double_run, environment, required_tags
from workbench.guards.columns import auc_and_z
from workbench.hashing import sha256_bytes, sha256_texts

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from workbench.guards.evidence import Finding

# -- content -----------------------------------------------------------------------------------------------------


def _content(seed: int, change: Callable[[pa.Table, np.random.Generator], pa.Table]) -> Finding:
    rows = honest(seed, FEW)
    return content.check(content.measure(rows, change(rows, dice(seed))))


def _written_again(rows: pa.Table, rng: np.random.Generator) -> pa.Table:
    """Write the rows with another codec and row group, and read them back."""
    import pyarrow.parquet as pq

    with TemporaryDirectory() as folder:
        size = int(rng.integers(10, 500))
        pq.write_table(rows, f"{folder}/rows.parquet", compression="zstd", row_group_size=size)
        return pq.read_table(f"{folder}/rows.parquet")


def _nudged(rows: pa.Table, rng: np.random.Generator) -> pa.Table:
    tenure = column(rows, "tenure_days").copy()
    row = int(rng.integers(len(tenure)))
    tenure[row] = np.nextafter(tenure[row], np.inf)
    return put(rows, "tenure_days", tenure)


def _without_a_row(rows: pa.Table, rng: np.random.Generator) -> pa.Table:
    return rows.take(np.delete(np.arange(rows.num_rows), rng.integers(rows.num_rows)))


def _nan_for_null(rows: pa.Table, _: object) -> pa.Table:
    import pyarrow as pa

    at = rows.column_names.index("days_since_visit")
    return rows.set_column(
        at, "days_since_visit", pa.array(column(rows, "days_since_visit"), from_pandas=False)
    )


def _retyped(rows: pa.Table, _: object) -> pa.Table:
    return put(rows, "age", rows["age"].cast("int64"))


def _reordered(rows: pa.Table, rng: np.random.Generator) -> pa.Table:
    return rows.take(rng.permutation(rows.num_rows))


CONTENT: Final = (
    Case(
        "content",
        "the same rows, written by another codec",
        "clean",
        lambda seed: _content(seed, _written_again),
    ),
    Case("content", "one cell changed in its last bit", "flaw", lambda seed: _content(seed, _nudged)),
    Case("content", "one row lost", "flaw", lambda seed: _content(seed, _without_a_row)),
    Case("content", "null became NaN", "flaw", lambda seed: _content(seed, _nan_for_null)),
    Case("content", "a float column became integers", "flaw", lambda seed: _content(seed, _retyped)),
    Case("content", "another order of the rows", "flaw", lambda seed: _content(seed, _reordered)),
)

# -- double_run --------------------------------------------------------------------------------------------------

SET_ORDER: Final = "print(*{f'member-{i}' for i in range(%d, %d)})"


def _twice(run: Callable[[], dict[str, str]]) -> Finding:
    return double_run.check(double_run.measure(run))


def _fitted(seed: int, split_seed: int | None, *, now: bool = False) -> tuple[dict[str, str], float]:
    """Fit on a gym; return digests of rows and predictions, and the AUC."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows = honest(seed, FEW)
    x, y = np.nan_to_num(numbers(rows)), leaves(rows)
    if now:  # the tenure as of this moment instead of the row's own time
        asked = rows["event_timestamp"].cast("int64").to_numpy() / 1e6
        x = np.column_stack([x, column(rows, "tenure_days") + (clock.utc_now().timestamp() - asked) / 86400])
    tested = np.random.default_rng(split_seed).random(len(x)) < 0.3
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(x[~tested], y[~tested])
    said = model.predict_proba(x[tested])[:, 1]
    return {"rows": sha256_bytes(x.tobytes()), "predictions": sha256_bytes(said.tobytes())}, auc_and_z(
        y[tested], said
    )[0]


def _auc_alone(seed: int) -> Finding:
    """Digest nothing but the AUC, to four digits, with the present time in a feature."""
    return _twice(lambda: {"auc": sha256_texts([f"{_fitted(seed, seed, now=True)[1]:.4f}"])})


def _set_order(seed: int, *, new_process: bool) -> Finding:
    program = SET_ORDER % (seed, seed + 50)

    def run() -> dict[str, str]:
        if not new_process:
            return {"order": sha256_texts(list({f"member-{i}" for i in range(seed, seed + 50)}))}
        done = subprocess.run(
            [sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True
        )
        return {"order": sha256_texts([done.stdout])}

    return _twice(run)


DOUBLE_RUN: Final = (
    Case(
        "double_run", "seeded split and model", "clean", lambda seed: _twice(lambda: _fitted(seed, seed)[0])
    ),
    Case("double_run", "unseeded split", "flaw", lambda seed: _twice(lambda: _fitted(seed, None)[0])),
    Case(
        "double_run",
        "the present time in a feature",
        "flaw",
        lambda seed: _twice(lambda: _fitted(seed, seed, now=True)[0]),
    ),
    Case(
        "double_run",
        "the order of a set, in new processes",
        "flaw",
        lambda seed: _set_order(seed, new_process=True),
    ),
    Case(
        "double_run",
        "the order of a set, within one process",
        "blind",
        lambda seed: _set_order(seed, new_process=False),
    ),
    Case("double_run", "the present time in a feature, AUC alone digested", "blind", _auc_alone),
)

# -- environment -------------------------------------------------------------------------------------------------


def _environment(seed: int, change: Callable[[dict[str, str], str], dict[str, str]]) -> Finding:
    """Compare the packages of this process with themselves, one of them changed."""
    here = {str(one.metadata["Name"]): one.version for one in distributions()}
    name = sorted(here)[int(dice(seed).integers(len(here)))]
    return environment.check(environment.measure(here, change(here, name)))


def _written_otherwise(here: dict[str, str], _: str) -> dict[str, str]:
    return {name.upper().replace("-", "_"): here[name] for name in sorted(here, reverse=True)}


ENVIRONMENT: Final = (
    Case(
        "environment",
        "the same, names written otherwise",
        "clean",
        lambda seed: _environment(seed, _written_otherwise),
    ),
    Case(
        "environment",
        "one package of another version",
        "flaw",
        lambda seed: _environment(seed, lambda here, name: here | {name: here[name] + ".post1"}),
    ),
    Case(
        "environment",
        "one package missing",
        "flaw",
        lambda seed: _environment(seed, lambda here, name: {n: v for n, v in here.items() if n != name}),
    ),
)

# -- required_tags -----------------------------------------------------------------------------------------------

REQUIRED: Final = ("git_commit", "data_hash", "order_hash", "split_seed", "encoder", "cutoff")


def _tags(seed: int, change: Callable[[dict[str, Any], str], dict[str, Any]]) -> Finding:
    """Look at the tags of a run, one of them changed."""
    world = gym(seed, FEW)
    tags = {
        "git_commit": world.fingerprint[:40],
        "data_hash": world.fingerprint,
        "order_hash": sha256_texts([world.fingerprint]),
        "split_seed": 0,
        "encoder": "tiny_v1",
        "cutoff": clock.iso(world.history_end),
    }
    name = REQUIRED[int(dice(seed).integers(len(REQUIRED)))]
    return required_tags.check(required_tags.measure(change(tags, name), required=REQUIRED))


TAGS: Final = (
    Case(
        "required_tags",
        "all there, a seed of 0 among them",
        "clean",
        lambda seed: _tags(seed, lambda tags, _: tags),
    ),
    Case(
        "required_tags",
        "one forgotten",
        "flaw",
        lambda seed: _tags(seed, lambda tags, name: {n: v for n, v in tags.items() if n != name}),
    ),
    Case(
        "required_tags",
        "one is None",
        "flaw",
        lambda seed: _tags(seed, lambda tags, name: tags | {name: None}),
    ),
    Case(
        "required_tags",
        "one is wrong",
        "blind",
        lambda seed: _tags(seed, lambda tags, name: tags | {name: "wrong"}),
    ),
)

CASES: Final = (*CONTENT, *DOUBLE_RUN, *ENVIRONMENT, *TAGS)
