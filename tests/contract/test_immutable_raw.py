"""What a bucket with versions and a lock really prevents, what it lets through, and who notices that."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from workbench.errors import OverwriteRefusedError, StackError
from workbench.hashing import sha256_bytes
from workbench.profiles.buckets import KEEP_DAYS, Bucket
from workbench.profiles.objects import Objects, raw_key

if TYPE_CHECKING:
    from workbench.profiles.stack import S3Place

pytestmark = pytest.mark.server


@pytest.fixture
def bucket(bucket_place: S3Place) -> Bucket:
    """Return a new bucket, made by our own step."""
    made = Bucket(replace(bucket_place, bucket=f"raw-{secrets.token_hex(4)}"))
    assert made.prepare() is True
    return made


def versions_of(bucket: Bucket, key: str) -> list[str]:
    """Return the ids of all versions of a key, newest first."""
    body = bucket.call("GET", query={"versions": "", "prefix": key}).body
    entries = re.findall(rb"<Version>(.*?)</Version>", body, re.DOTALL)
    return [re.search(rb"<VersionId>(.*?)</VersionId>", entry)[1].decode() for entry in entries]


def test_the_bucket_is_made_once_with_versions_and_a_lock(bucket):
    assert bucket.prepare() is False
    lock = bucket.call("GET", query={"object-lock": ""}).body
    assert b"<Mode>COMPLIANCE</Mode>" in lock
    assert f"<Days>{KEEP_DAYS}</Days>".encode() in lock


def test_a_bucket_without_a_lock_is_refused(bucket_place):
    loose = Bucket(replace(bucket_place, bucket=f"loose-{secrets.token_hex(4)}"))
    assert loose.call("PUT").status == 200
    with pytest.raises(StackError, match="no versions or no lock"):
        loose.prepare()


def test_the_door_refuses_a_second_put(bucket):
    store = Objects.s3(bucket.place)
    assert store.put_new("raw/a", b"first")
    with pytest.raises(OverwriteRefusedError):
        store.put_new("raw/a", b"second")
    assert len(versions_of(bucket, "raw/a")) == 1


def test_past_the_door_an_overwrite_is_let_through_and_both_versions_stay(bucket):
    """The lock does not stop it: that is S3's meaning of a lock, here and at AWS."""
    key = raw_key(sha256_bytes(b"first"))
    store = Objects.s3(bucket.place)
    store.put_new(key, b"first")
    assert bucket.call("PUT", key, body=b"tampered").status == 200
    assert store.get(key) == b"tampered"
    assert sha256_bytes(store.get(key)) not in key, "the name of the object is what gives it away"
    newest, oldest = versions_of(bucket, key)
    assert bucket.call("GET", key, query={"versionId": oldest}).body == b"first"
    assert bucket.call("GET", key, query={"versionId": newest}).body == b"tampered"


def test_if_none_match_stops_an_overwrite_that_knows_it(bucket):
    bucket.call("PUT", "raw/a", body=b"first")
    refused = bucket.call("PUT", "raw/a", body=b"second", headers={"if-none-match": "*"})
    assert (refused.status, refused.code) == (412, "PreconditionFailed")
    assert len(versions_of(bucket, "raw/a")) == 1


def test_a_deletion_hides_and_does_not_take_away(bucket):
    store = Objects.s3(bucket.place)
    store.put_new("raw/a", b"first")
    (version,) = versions_of(bucket, "raw/a")
    assert bucket.call("DELETE", "raw/a").status == 204
    assert not store.exists("raw/a")
    assert bucket.call("GET", "raw/a", query={"versionId": version}).body == b"first"


def test_a_locked_version_cannot_be_taken_away_even_with_our_key(bucket):
    Objects.s3(bucket.place).put_new("raw/a", b"first")
    (version,) = versions_of(bucket, "raw/a")
    for headers in ({}, {"x-amz-bypass-governance-retention": "true"}):
        refused = bucket.call("DELETE", "raw/a", query={"versionId": version}, headers=headers)
        assert (refused.status, refused.code) == (403, "AccessDenied")
    assert Objects.s3(bucket.place).get("raw/a") == b"first"


def test_a_bucket_with_objects_cannot_be_deleted(bucket):
    Objects.s3(bucket.place).put_new("raw/a", b"first")
    assert bucket.call("DELETE").status == 409
    assert Objects.s3(bucket.place).get("raw/a") == b"first"
