"""The gallery's server: on loopback, behind a token, a few fixed addresses and nothing else."""

from __future__ import annotations

import contextlib
import hmac
import json
import secrets
import threading
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

from workbench.cli.gallery import page as pages
from workbench.cli.servers import HOST
from workbench.errors import WorkbenchError
from workbench.hashing import sha256_file
from workbench.lab.check import check_lesson, newest_file
from workbench.lab.course import COURSE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from workbench.cli.labs import Lab
    from workbench.lab.course import LessonCard
    from workbench.lab.progress import Progress

HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_LOCAL: Final = {"127.0.0.1", "localhost"}
_REFUSED: Final = "Open the address that `workbench start` printed: it holds the token.\n"


class Gallery:
    """What the gallery shows, and where its links lead.

    Parameters
    ----------
    notebooks : Path
        The folder of the lessons.
    progress : Progress
        Of the learner.
    labs : sequence of Lab
        May be empty.
    front_end : str
        What the lessons open in.
    course : sequence of LessonCard
        All lessons, in order.

    Attributes
    ----------
    lesson_page, lab_page : callable
        File name without suffix to a URL with its token.
    """

    def __init__(
        self,
        notebooks: Path,
        progress: Progress,
        *,
        labs: Sequence[Lab] = (),
        front_end: str = "marimo",
        course: Sequence[LessonCard] = COURSE,
    ) -> None:
        self.notebooks, self.progress = notebooks, progress
        self.labs, self.front_end, self.course = labs, front_end, course
        self.lesson_page: Callable[[str], str] = str
        self.lab_page: Callable[[str], str] = str
        self.token = secrets.token_urlsafe(16)
        self.port = 0
        images = notebooks.parent / "docs" / "img" / "lessons"
        self.pictures = {path.name: path for path in sorted(images.glob("*.webp"))}
        self._troubles: dict[str, tuple[str, str]] = {}
        self._judging = threading.Lock()

    @property
    def url(self) -> str:
        """What a browser opens; the token is in it."""
        return f"http://{HOST}:{self.port}/?token={self.token}"

    def url_of(self, card: LessonCard) -> str:
        """Return the address that opens a lesson, token included."""
        return f"http://{HOST}:{self.port}/open/{card.number}?token={self.token}"

    @contextlib.contextmanager
    def serving(self, port: int) -> Iterator[Gallery]:
        """Answer on loopback inside the block; the threads end with this process.

        Parameters
        ----------
        port : int
            0 takes a free one.

        Yields
        ------
        Gallery
            With its port.
        """
        handler = type("Bound", (_Handler,), {"gallery": self})
        with ThreadingHTTPServer((HOST, port), handler) as server:
            self.port = server.server_address[1]
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                yield self
            finally:
                server.shutdown()

    # -- what is answered ----------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return how far the learner is; files that changed are judged in the background."""
        known = self.progress.read()
        changed = [
            card
            for card in self.course
            if "opened" in known.get(card.number, {}) and self._changed(card, known)
        ]
        if changed and self._judging.acquire(blocking=False):
            threading.Thread(target=self._judge, args=(changed,), daemon=True).start()
        troubles = {number: words for number, (_, words) in self._troubles.items()}
        return pages.state_of(self.course, known, troubles, busy=self._judging.locked())

    def _changed(self, card: LessonCard, known: dict[str, dict[str, Any]]) -> bool:
        if not card.exercises():
            return False
        try:
            digest = sha256_file(newest_file(card, self.notebooks))
        except (WorkbenchError, OSError):  # it was deleted: nothing to judge
            return False
        return digest not in {known[card.number].get("judged"), self._troubles.get(card.number, ("",))[0]}

    def _judge(self, cards: Sequence[LessonCard]) -> None:
        try:
            for card in cards:
                self._judge_one(card)
        finally:
            self._judging.release()

    def _judge_one(self, card: LessonCard) -> None:
        path = newest_file(card, self.notebooks)
        digest = sha256_file(path)
        try:
            outcomes = check_lesson(card, path)
        except WorkbenchError as error:
            self._troubles[card.number] = (digest, error.message)
            return
        self._troubles.pop(card.number, None)
        self.progress.judged(card.number, outcomes, digest)

    def lesson(self, number: str) -> str | None:
        """Return where a lesson is, and remember that it was opened."""
        card = next((card for card in self.course if card.number == number), None)
        if card is None:
            return None
        self.progress.opened(number)
        return self.lesson_page(card.file)

    def lab(self, name: str) -> str | None:
        """Return where a lab is."""
        return self.lab_page(name) if name in {lab.name for lab in self.labs} else None

    def file(self, path: str) -> tuple[str, bytes] | None:
        """Return type and bytes of what an address stands for; only what is listed here can be had."""
        if path == "/":
            text = pages.page(self.course, self.labs, self.state(), self.pictures, self.front_end)
            return "text/html; charset=utf-8", text.encode()
        if path == "/state":
            return "application/json", json.dumps(self.state()).encode()
        if path == "/gallery.css":
            return "text/css; charset=utf-8", pages.css().encode()
        if path == "/gallery.js":
            return "text/javascript; charset=utf-8", (pages.HERE / "gallery.js").read_bytes()
        picture = self.pictures.get(path.removeprefix("/img/")) if path.startswith("/img/") else None
        return ("image/webp", picture.read_bytes()) if picture else None


class _Handler(BaseHTTPRequestHandler):
    gallery: Gallery
    server_version, sys_version = "workbench", ""

    def do_GET(self) -> None:
        """Answer, if it is asked from this machine and with the token."""
        gallery, asked = self.gallery, urlsplit(self.path)
        given = parse_qs(asked.query).get("token", [""])[0]
        if self._host() not in _LOCAL or not (self._is_token(given) or self._is_token(self._cookie())):
            self._answer(HTTPStatus.FORBIDDEN, "text/plain; charset=utf-8", _REFUSED.encode())
        elif given:  # into the cookie, and out of the address
            cookie = f"{self._cookie_name()}={gallery.token}; HttpOnly; SameSite=Lax; Path=/"
            self._answer(HTTPStatus.SEE_OTHER, location=asked.path, cookie=cookie)
        elif (target := self._target(asked.path)) is not None:
            self._answer(HTTPStatus.SEE_OTHER, location=target)
        elif (found := gallery.file(asked.path)) is not None:
            self._answer(HTTPStatus.OK, *found)
        else:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", b"There is nothing here.\n")

    def _target(self, path: str) -> str | None:
        verb, _, name = path.removeprefix("/").partition("/")
        if verb == "open":
            return self.gallery.lesson(name)
        return self.gallery.lab(name) if verb == "lab" else None

    def _host(self) -> str:
        """Return which host was asked: another page that points a name at us is refused."""
        return self.headers.get("Host", "").rpartition(":")[0]

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.gallery.token.encode())

    def _cookie_name(self) -> str:
        return f"workbench-{self.gallery.port}"  # cookies do not know ports

    def _cookie(self) -> str:
        with contextlib.suppress(CookieError):
            found = SimpleCookie(self.headers.get("Cookie", "")).get(self._cookie_name())
            return found.value if found else ""
        return ""

    def _answer(
        self, status: HTTPStatus, kind: str = "", body: bytes = b"", *, location: str = "", cookie: str = ""
    ) -> None:
        more = {"Content-Type": kind, "Location": location, "Set-Cookie": cookie}
        self.send_response(status)
        for name, value in {**HEADERS, **more, "Content-Length": str(len(body))}.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name upstream)
        """Say nothing: the token is in the first line."""
