"""The bucket of raw data, made so that nothing in it can be changed: versions, a lock, and one writer a key.

A lock alone does not do it. Where a bucket has versions (a lock wants them), a second put under the
same key is no error anywhere: it makes a new version, and whoever reads by key gets that one. So:

- *versions*: what is overwritten or deleted is still there;
- *lock*: and cannot be taken away for `KEEP_DAYS` days, not even with our own key;
- ``If-None-Match: *`` on every put (`workbench.profiles.objects`): a second put is refused;
- the sha256 in the manifest: what got past all of it is noticed.

obstore reads and writes objects, but makes no buckets; these few requests are signed here.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from workbench.clock import utc_now
from workbench.errors import StackError, StackRefusedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.profiles.stack import S3Place

KEEP_DAYS: Final = 30
_XMLNS: Final = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
_VERSIONING: Final = f"<VersioningConfiguration {_XMLNS}><Status>Enabled</Status></VersioningConfiguration>"
_LOCK: Final = (
    f"<ObjectLockConfiguration {_XMLNS}><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention>"
    f"<Mode>COMPLIANCE</Mode><Days>{KEEP_DAYS}</Days></DefaultRetention></Rule></ObjectLockConfiguration>"
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the store said.

    Attributes
    ----------
    status : int
        Of HTTP.
    headers : mapping of str to str
        Names in small letters.
    body : bytes
        All of it.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """S3's own word for what went wrong; empty where nothing did."""
        found = re.search(rb"<Code>(\w+)</Code>", self.body)
        return found[1].decode() if found else ""


@dataclass(frozen=True, slots=True)
class Bucket:
    """The bucket of a stack.

    Attributes
    ----------
    place : S3Place
        Where it is.
    """

    place: S3Place

    def prepare(self) -> bool:
        """Make the bucket with versions and a lock, unless it is there.

        Returns
        -------
        bool
            True when it was made.

        Raises
        ------
        StackError
            If there is a bucket of this name without versions or lock, or the store refuses.
        """
        made = self.call("PUT", headers={"x-amz-bucket-object-lock-enabled": "true"})
        if made.status == 200:
            self._must(self.call("PUT", query={"versioning": ""}, body=_VERSIONING.encode()))
            self._must(self.call("PUT", query={"object-lock": ""}, body=_LOCK.encode()))
        elif made.code not in {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}:
            self._must(made)
        self.check()
        return made.status == 200

    def check(self) -> None:
        """Look whether the bucket keeps versions and locks them.

        Raises
        ------
        StackError
            If it does not.
        """
        versions = self._must(self.call("GET", query={"versioning": ""}))
        lock = self.call("GET", query={"object-lock": ""})
        if b"<Status>Enabled</Status>" not in versions.body or b"<Days>" not in lock.body:
            raise StackError(
                f"the bucket {self.place.bucket!r} has no versions or no lock: raw data could be changed in it",
                hint="name another bucket in WB_S3_BUCKET: a lock can only be given to a new one",
            )

    def call(
        self,
        method: str,
        key: str = "",
        *,
        query: Mapping[str, str] | None = None,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one signed request.

        Parameters
        ----------
        method : str
            Of HTTP.
        key : str
            Of an object; empty for the bucket itself.
        query : mapping of str to str, optional
            Which of its sides: ``versioning``, ``versions``, ``object-lock``.
        body : bytes
            What is sent.
        headers : mapping of str to str, optional
            Names in small letters.

        Returns
        -------
        Answer
            Also where the store says no.

        Raises
        ------
        StackError
            If nobody answers.
        StackRefusedError
            If the store does not know our key, or the secret is not its.
        """
        request = signed(self.place, method, key, query or {}, body, headers or {})
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(request, timeout=20) as reply:
                return Answer(reply.status, {k.lower(): v for k, v in reply.headers.items()}, reply.read())
        except urllib.error.HTTPError as error:
            answer = Answer(error.code, {k.lower(): v for k, v in error.headers.items()}, error.read())
        except OSError as error:
            raise no_objects(self.place, str(error)) from None
        if answer.code in {"InvalidAccessKeyId", "SignatureDoesNotMatch"}:
            raise refused(self.place) from None
        return answer

    def _must(self, answer: Answer) -> Answer:
        if answer.status >= 300:
            raise StackError(
                f"the object store answered {answer.status} {answer.code} for the bucket {self.place.bucket!r}",
                hint="look into the log of the object store",
            )
        return answer


def no_objects(place: S3Place, why: str) -> StackError:
    """Return the error for a store that does not answer."""
    return StackError(
        f"no object store answers at {place.endpoint}: {why}",
        hint="look at `workbench up --status`; start it with `workbench up` or `docker compose up`",
    )


def refused(place: S3Place) -> StackRefusedError:
    """Return the error for a store that does not take our key; the secret is not told."""
    return StackRefusedError(
        f"the object store at {place.endpoint} refuses the key {place.key_id!r} or its secret",
        hint="compare WB_S3_KEY and WB_S3_SECRET with those that the server was started with",
    )


def signed(
    place: S3Place, method: str, key: str, query: Mapping[str, str], body: bytes, headers: Mapping[str, str]
) -> urllib.request.Request:
    """Return a request with AWS's signature, version 4.

    Parameters
    ----------
    place : S3Place
        Bucket and key.
    method, key, query, body, headers : Any
        As in `Bucket.call`.

    Returns
    -------
    urllib.request.Request
        Ready to be sent.
    """
    path = quote(f"/{place.bucket}/{key}".rstrip("/") if not key else f"/{place.bucket}/{key}")
    asked = "&".join(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in sorted(query.items()))
    body_sha = hashlib.sha256(body).hexdigest()
    now = utc_now().strftime("%Y%m%dT%H%M%SZ")
    sent = {
        **headers,
        "host": urlsplit(place.endpoint).netloc,
        "x-amz-date": now,
        "x-amz-content-sha256": body_sha,
    }
    if body:
        sent["content-md5"] = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
    sent["authorization"] = authorization(place, method, path, asked, sent)
    url = f"{place.endpoint}{path}" + (f"?{asked}" if asked else "")
    return urllib.request.Request(url, data=body or None, headers=sent, method=method)  # noqa: S310 (http by our pattern)


def authorization(place: S3Place, method: str, path: str, query: str, headers: Mapping[str, str]) -> str:
    """Return the header ``authorization`` of a request.

    Parameters
    ----------
    place : S3Place
        Key, secret and region.
    method : str
        Of HTTP.
    path, query : str
        As they are sent: quoted, the query sorted.
    headers : mapping of str to str
        All of them are signed; names in small letters, with ``x-amz-date`` and ``x-amz-content-sha256``.

    Returns
    -------
    str
        AWS4-HMAC-SHA256 ...
    """
    names, moment = sorted(headers), headers["x-amz-date"]
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in names)
    canonical = "\n".join([method, path, query, lines, ";".join(names), headers["x-amz-content-sha256"]])
    scope = f"{moment[:8]}/{place.region}/s3/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{place.secret.reveal()}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    return (
        f"AWS4-HMAC-SHA256 Credential={place.key_id}/{scope}, "
        f"SignedHeaders={';'.join(names)}, Signature={signature}"
    )
