"""Lesson 01: what is right, and what is thought to be."""

from __future__ import annotations

import hashlib


def raw_keys(files):
    return ["raw/" + hashlib.sha256(data).hexdigest() for _, data in files]


def raw_keys_by_name(files):
    return ["raw/" + name for name, _ in files]


def raw_keys_by_length(files):
    return [f"raw/{len(data)}" for _, data in files]


def raw_keys_by_name_and_content(files):
    return [f"raw/{name}-{hashlib.sha256(data).hexdigest()}" for name, data in files]


def raw_keys_by_pythons_hash(files):
    return [f"raw/{hash(data)}" for _, data in files]


def put_once(store, key, data):
    if key in store:
        return store if store[key] == data else "refused"
    return {**store, key: data}


def put_once_last_wins(store, key, data):
    return {**store, key: data}


def put_once_refuses_all(store, key, data):
    return "refused" if key in store else {**store, key: data}


def put_once_by_truth(store, key, data):
    if store.get(key):
        return store if store[key] == data else "refused"
    return {**store, key: data}


def compare_files(before, now):
    return {
        "changed": sorted(name for name in before.keys() & now.keys() if before[name] != now[name]),
        "missing": sorted(before.keys() - now.keys()),
        "new": sorted(now.keys() - before.keys()),
    }


def compare_files_by_name(before, now):
    return compare_files(dict.fromkeys(before), dict.fromkeys(now))


def compare_files_by_count(before, now):
    return compare_files(before, now) if len(before) != len(now) else compare_files({}, {})


def compare_files_new_is_changed(before, now):
    return {
        "changed": sorted(name for name in now if before.get(name) != now[name]),
        "missing": sorted(before.keys() - now.keys()),
        "new": [],
    }


def compare_files_unsorted(before, now):
    return compare_files(before, now) | {"missing": [name for name in before if name not in now]}


def label_at(glance, reviews, at):
    known = [review for review in reviews if review[2] <= at]
    return max(known, key=lambda review: review[1])[0] if known else glance


def label_at_overwritten(glance, reviews, at):
    del at
    return max(reviews, key=lambda review: review[1])[0] if reviews else glance


def label_at_event_time(glance, reviews, at):
    known = [review for review in reviews if review[1] <= at]
    return max(known, key=lambda review: review[1])[0] if known else glance


def label_at_never_reviewed(glance, reviews, at):
    del reviews, at
    return glance


def label_at_strictly_before(glance, reviews, at):
    known = [review for review in reviews if review[2] < at]
    return max(known, key=lambda review: review[1])[0] if known else glance


def label_at_last_typed_in(glance, reviews, at):
    known = [review for review in reviews if review[2] <= at]
    return max(known, key=lambda review: review[2])[0] if known else glance


SOLUTIONS = (raw_keys, put_once, compare_files, label_at)

MISCONCEPTIONS = (
    ("raw_keys", raw_keys_by_name, "where a file is, not what it holds"),
    ("raw_keys", raw_keys_by_length, "A name, or a size, is the same"),
    ("raw_keys", raw_keys_by_name_and_content, "where a file is, not what it holds"),
    ("raw_keys", raw_keys_by_pythons_hash, "another number in every process"),
    ("put_once", put_once_last_wins, "The last one wins"),
    ("put_once", put_once_refuses_all, "cannot be resumed"),
    ("put_once", put_once_by_truth, "b'' is false"),
    ("compare_files", compare_files_by_name, "compare what they hold"),
    ("compare_files", compare_files_by_count, "look at both sides"),
    ("compare_files", compare_files_new_is_changed, "Data that has only grown"),
    ("compare_files", compare_files_unsorted, "the order of the day"),
    ("label_at", label_at_overwritten, "a label that is overwritten in place cannot say so"),
    ("label_at", label_at_event_time, "It was true at 3 and known at 7"),
    ("label_at", label_at_never_reviewed, "it is the better label"),
    ("label_at", label_at_strictly_before, "includes then"),
    ("label_at", label_at_last_typed_in, "not the one that was made last"),
)
