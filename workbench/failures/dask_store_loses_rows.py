"""Dask store loses rows: the default offline store of Feast drops whoever has only expired features."""

from __future__ import annotations

from workbench.failure import Failure, Strength
from workbench.profiles.second_store import Setup, join_with, served_by
from workbench.seams import Seams


def inject(strength: float) -> Seams:
    """Retrieve through Feast's default store; what does not come back is not trained on."""
    setup = Setup(ttl_days=strength, only_who_came=True)
    default = Setup("file", strength, only_who_came=True)
    name = f"dask_store_loses_rows {strength:g}"
    return Seams(name, join=join_with(default), online=served_by(setup, expires=True))


def cure(strength: float) -> Seams:
    """Retrieve the same features through a store that keeps each row."""
    setup = Setup(ttl_days=strength, only_who_came=True)
    name = f"dask_store_loses_rows {strength:g} cured"
    return Seams(name, join=join_with(setup), online=served_by(setup, expires=True))


FAILURE = Failure(
    name="dask_store_loses_rows",
    family="irreproducibility",
    stage="dataset",
    world="gym",
    title="The training set is shorter than the list that was asked for, and nobody counted.",
    symptom="Another score than last quarter, from the same code and the same file: somebody has left out one line of "
    "the configuration. No error, no warning. More members are called than planned.",
    mechanism="Visits are written when a member comes in, and live for some days. Feast's default offline store, file "
    "or dask, joins first and then throws out feature rows that are too old, and the observation with them. Other "
    "stores answer NULL. Who has stayed away is lost, and they leave more often than the others. What was recorded "
    "too late is blanked and not thrown out, so whether an observation survives depends on corrections made weeks "
    "after it. Those who are left are harder to tell apart: the model claims too little, and a threshold that takes "
    "the top tenth of its own test set takes more than a tenth of production.",
    wrong_cures=(
        (
            "look for nulls",
            "the row itself is gone; the nulls that are left are of members who have no visits at all",
        ),
        ("merge what came back with the labels by key", "that is an inner join, and it hides the loss"),
        ("a longer time to live", "fewer are lost, and it is still nobody's decision who"),
    ),
    cure_text="Name an offline store that keeps each row (duckdb, or the one of this workbench), let a row id travel along, and "
    "compare the rows that came back with those that were asked for.",
    guard="row_identity",
    limits="It needs the list that was asked for. A list that was too short from the start looks whole.",
    references=(
        "Feast issue #6787: get_historical_features (Dask/File) silently drops entity_df rows; this one is about equal keys and times",
        "Feast 0.67, feast/infra/offline_stores/dask.py, _filter_ttl: it filters the joined rows",
        "Feast issue #2960: inconsistent behavior between File and Snowflake offline stores",
    ),
    strength=Strength("days that visits live", (7, 14, 28), 14, 1, 90),
    effect="changes",
    inject=inject,
    cure=cure,
    guards_too=("truncation", "parity", "schema"),
    family_of_model="boosting",
)
