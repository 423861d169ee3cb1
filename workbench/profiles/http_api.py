"""The HTTP face of serve: a small API on loopback, for those who hold its token.

::

    GET  /healthz             which run answers; needs no token
    GET  /predict/{item_id}   one prediction
    POST /predict             {"item_ids": ["...", ...]}, at most 100
    GET  /openapi.json        the description of all this

Loopback is not enough: any page in the browser can send requests there, also under a host name
that it points at 127.0.0.1. So there is a token, and other host names are refused.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
import socket
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from workbench.errors import (
    DiskError,
    EntityNotFoundError,
    SettingsError,
    WorkbenchError,
    WorkspaceBusyError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fastapi import FastAPI

    from workbench.profiles.run_records import RunRecord
    from workbench.records import Prediction

MAX_IDS: Final = 100
MAX_ID_CHARS: Final = 200
MAX_BODY_BYTES: Final = 64 * 1024
OPEN_PATHS: Final = frozenset({"/healthz"})
_HOSTS: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
_STATUS: Final = (
    (EntityNotFoundError, 404),
    (SettingsError, 422),
    (WorkspaceBusyError, 503),
    (DiskError, 507),
)


class Predictor(Protocol):
    """What answers: `workbench.profiles.scorer.Scorer`."""

    record: RunRecord

    def predict(self, item_ids: Sequence[str]) -> list[Prediction]:
        """Predict items, in the order given."""
        ...


@dataclass(frozen=True)
class Answer:
    """A prediction as the API gives it; the fields of `workbench.records.Prediction`."""

    item_id: str
    label: str
    probability: float
    feature_age_s: float
    provenance: dict[str, str]


@dataclass(frozen=True)
class Problem:
    """What went wrong: the class of the error, a sentence, and what to do."""

    error: str
    message: str
    hint: str


def create_app(predictor: Predictor, token: str) -> FastAPI:
    """Make the API.

    Parameters
    ----------
    predictor : Predictor
        Answers; called from several threads.
    token : str
        What callers must send as ``Authorization: Bearer <token>``.

    Returns
    -------
    fastapi.FastAPI
        An ASGI application.
    """
    from fastapi import Body, FastAPI
    from fastapi.exceptions import RequestValidationError
    from starlette.exceptions import HTTPException

    problems: dict[int | str, dict[str, Any]] = {code: {"model": Problem} for code in (401, 404, 413, 422)}
    app = FastAPI(
        title="Silent Failures Workbench",
        description="Predictions with their provenance.",
        docs_url=None,  # its pages load scripts from a CDN
        redoc_url=None,
    )
    app.add_middleware(_Door, token=token)

    @app.get("/healthz", response_model=dict[str, str])
    def healthz() -> dict[str, str]:
        """Say that the model is loaded, and which one."""
        return {"status": "ok", "run_id": predictor.record.run_id}

    @app.get("/predict/{item_id}", response_model=Answer, responses=problems)
    def predict_one(item_id: str) -> Answer:
        """Predict one item."""
        return _answers(predictor, [item_id])[0]

    @app.post("/predict", response_model=list[Answer], responses=problems)
    def predict_many(
        item_ids: list[str] = Body(embed=True, min_length=1, max_length=MAX_IDS),  # noqa: B008
    ) -> list[Answer]:
        """Predict items, in the order given."""
        return _answers(predictor, item_ids)

    app.add_exception_handler(WorkbenchError, _on_our_error)
    app.add_exception_handler(RequestValidationError, _on_bad_request)
    app.add_exception_handler(HTTPException, _on_no_such_path)
    app.add_exception_handler(Exception, _on_any_error)
    return app


def _answers(predictor: Predictor, item_ids: Sequence[str]) -> list[Answer]:
    if any(len(item_id) > MAX_ID_CHARS for item_id in item_ids):
        raise SettingsError(f"an item id is longer than {MAX_ID_CHARS} characters", hint="check the id")
    return [Answer(**prediction.to_dict()) for prediction in predictor.predict(item_ids)]


async def _on_our_error(request: Any, error: Exception) -> Any:
    del request
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
    return _problem(
        status, type(error).__name__, str(getattr(error, "message", error)), getattr(error, "hint", "")
    )


async def _on_bad_request(request: Any, error: Any) -> Any:
    del request
    first = error.errors()[0]
    where = ".".join(str(step) for step in first["loc"])
    return _problem(422, "BadRequest", f"{where}: {first['msg']}", "see /openapi.json")


async def _on_no_such_path(request: Any, error: Any) -> Any:
    return _problem(
        error.status_code, str(error.detail), f"{request.method} {request.url.path}", "see /openapi.json"
    )


async def _on_any_error(request: Any, error: Exception) -> Any:
    del request, error  # the server logs it; a caller learns nothing about our files
    return _problem(500, "InternalError", "something broke in the server", "look at its terminal")


def _problem(status: int, error: str, message: str, hint: str) -> Any:
    from fastapi.responses import JSONResponse

    return JSONResponse({"error": error, "message": message, "hint": hint}, status)


class _Door:
    """Refuses other hosts, callers without the token, and large bodies, before anything is parsed."""

    def __init__(self, app: Any, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            status, problem = refusal
            response = _problem(status, problem.error, problem.message, problem.hint)
            await response(scope, receive, send)

    def _refusal(self, scope: Any) -> tuple[int, Problem] | None:
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        name = (
            host[: host.rindex("]") + 1] if host.startswith("[") and "]" in host else host.partition(":")[0]
        )
        if name.lower() not in _HOSTS:
            return 421, Problem("WrongHost", f"this server does not answer for {host!r}", "use 127.0.0.1")
        if scope["path"] in OPEN_PATHS:
            return None
        if not hmac.compare_digest(headers.get(b"authorization", b""), self._expected):
            return 401, Problem(
                "Unauthorized", "the token is missing or wrong", "send Authorization: Bearer ..."
            )
        if b"transfer-encoding" in headers:
            return 411, Problem(
                "LengthRequired", "a body of unknown length is not read", "send Content-Length"
            )
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > MAX_BODY_BYTES:
            return 413, Problem("TooLarge", f"a body has at most {MAX_BODY_BYTES} bytes", "send fewer ids")
        return None


def run_server(
    predictor: Predictor,
    *,
    port: int = 0,
    token: str | None = None,
    ready: Callable[[str, str], None] | None = None,
) -> None:
    """Serve the API on 127.0.0.1 until SIGINT, SIGTERM, or the end of the parent process.

    Parameters
    ----------
    predictor : Predictor
        Answers.
    port : int
        0 takes a free one.
    token : str, optional
        Default a random one.
    ready : callable, optional
        Called as ``ready(url, token)`` once the port is ours and connections are queued; default
        `announce`.

    Raises
    ------
    SettingsError
        If the port is taken.
    """
    import uvicorn

    token = token or secrets.token_urlsafe(24)
    app = create_app(predictor, token)
    with contextlib.closing(_listen(port)) as listener:
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, lifespan="off", ws="none", server_header=False
        )
        server = uvicorn.Server(config)
        watch = threading.Thread(target=_stop_with_parent, args=(server, os.getppid()), daemon=True)
        watch.start()
        (ready or announce)(f"http://127.0.0.1:{listener.getsockname()[1]}", token)
        with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again when it has shut down
            server.run(sockets=[listener])
        server.should_exit = True


def announce(url: str, token: str) -> None:
    """Print where the API is, and how to ask it."""
    lines = (
        f"serving on {url}, only on this machine; stop it with Ctrl-C",
        f"token: {token}",
        f'try: curl -H "Authorization: Bearer {token}" {url}/openapi.json',
    )
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _listen(port: int) -> socket.socket:
    """Take the port now: a URL is told only when it is ours."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name == "posix":  # on Windows this option would let two servers share the port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
    except (OSError, OverflowError) as error:
        listener.close()
        raise SettingsError(
            f"port {port} cannot be taken ({error})", hint="leave the port out: a free one is found"
        ) from None
    return listener


def _stop_with_parent(server: Any, parent: int) -> None:
    """End the server when the process that started it has gone: nobody could stop it any more."""
    while not server.should_exit:
        if os.getppid() != parent:
            server.should_exit = True
        threading.Event().wait(0.5)
