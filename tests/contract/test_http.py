"""The HTTP face over a real socket: who gets in, what comes back, how it ends."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import uvicorn

from workbench.errors import EntityNotFoundError, SettingsError, WorkspaceBusyError
from workbench.profiles.http_api import MAX_BODY_BYTES, MAX_IDS, Answer, announce, create_app, run_server
from workbench.records import Prediction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from workbench.profiles.workspace import Workspace

pytestmark = pytest.mark.server
TOKEN = "correct-horse"
ROOT = Path(__file__).resolve().parents[2]


@dataclasses.dataclass
class Record:
    """As much of a run record as the API shows."""

    run_id: str = "0123456789abcdef" * 2


class Fake:
    """A predictor that knows what to do from the id."""

    record = Record()

    def predict(self, item_ids: Sequence[str]) -> list[Prediction]:
        for item_id in item_ids:
            if item_id == "ghost":
                raise EntityNotFoundError("the online store knows nothing about ghost", hint="check the id")
            if item_id == "busy":
                raise WorkspaceBusyError("the workspace is being written", hint="wait")
            if item_id == "broken":
                raise RuntimeError("/secret/path")
        return [Prediction(item_id, "sound", 0.25, 3.5, {"run_id": "r"}) for item_id in item_ids]


@contextlib.contextmanager
def served(app: Any) -> Iterator[httpx.Client]:
    """Serve an app on a free port of loopback; ready when it says so itself."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        with httpx.Client(base_url=base, timeout=30, trust_env=False) as client:
            assert client.get("/healthz").status_code == 200
            yield client
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()


@pytest.fixture(scope="module")
def open_door() -> Iterator[httpx.Client]:
    """Return a client without a token."""
    with served(create_app(Fake(), TOKEN)) as client:
        yield client


@pytest.fixture
def ask(open_door: httpx.Client) -> Callable[..., httpx.Response]:
    """Send a request with the token."""

    def send(method: str, path: str, **kwargs: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {TOKEN}"} | kwargs.pop("headers", {})
        return open_door.request(method, path, headers=headers, **kwargs)

    return send


# -- who gets in ---------------------------------------------------------------------------------


def test_health_needs_no_token(open_door: httpx.Client) -> None:
    assert open_door.get("/healthz").json() == {"status": "ok", "run_id": Record.run_id}


@pytest.mark.parametrize("path", ["/predict/a", "/openapi.json", "/nowhere", "/docs"])
@pytest.mark.parametrize(
    "sent", [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", TOKEN]
)
def test_everything_else_does(open_door: httpx.Client, path: str, sent: str | None) -> None:
    answer = open_door.get(path, headers={} if sent is None else {"Authorization": sent})
    assert answer.status_code == 401
    assert answer.json()["error"] == "Unauthorized"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "[::2]", ""])
def test_another_host_name_is_refused_even_with_the_token(
    ask: Callable[..., httpx.Response], host: str
) -> None:
    """A page can point its own name at 127.0.0.1; the browser then counts us as its own server."""
    answer = ask("GET", "/healthz", headers={"Host": host})
    assert answer.status_code == 421
    assert answer.json()["error"] == "WrongHost"


@pytest.mark.parametrize("host", ["127.0.0.1:1", "LOCALHOST", "[::1]:8000"])
def test_the_names_of_this_machine_are_not(ask: Callable[..., httpx.Response], host: str) -> None:
    assert ask("GET", "/healthz", headers={"Host": host}).status_code == 200


# -- what comes back -----------------------------------------------------------------------------


def test_one_item(ask: Callable[..., httpx.Response]) -> None:
    answer = ask("GET", "/predict/fruit%2F1")
    assert answer.status_code == 404  # a slash is a border of the path
    answer = ask("GET", "/predict/fruit-1 ü")
    assert answer.status_code == 200
    assert answer.json() == {
        "item_id": "fruit-1 ü",
        "label": "sound",
        "probability": 0.25,
        "feature_age_s": 3.5,
        "provenance": {"run_id": "r"},
    }


def test_many_items_in_their_order(ask: Callable[..., httpx.Response]) -> None:
    ids = [f"fruit-{i}" for i in range(MAX_IDS)][::-1]
    answer = ask("POST", "/predict", json={"item_ids": ids})
    assert [one["item_id"] for one in answer.json()] == ids


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"item_ids": []},
        {"item_ids": "fruit-1"},
        {"item_ids": [1]},
        {"item_ids": [None]},
        {"item_ids": ["x"] * (MAX_IDS + 1)},
        {"item_ids": ["x" * 201]},
        [],
        None,
    ],
)
def test_a_bad_body_is_422_with_a_sentence(ask: Callable[..., httpx.Response], body: Any) -> None:
    answer = ask("POST", "/predict", json=body)
    assert answer.status_code == 422
    assert set(answer.json()) == {"error", "message", "hint"}
    assert answer.json()["message"]


def test_broken_json_is_422(ask: Callable[..., httpx.Response]) -> None:
    answer = ask("POST", "/predict", content=b"{", headers={"Content-Type": "application/json"})
    assert answer.status_code == 422


def test_a_large_body_is_not_read(ask: Callable[..., httpx.Response]) -> None:
    answer = ask("POST", "/predict", content=b" " * (MAX_BODY_BYTES + 1))
    assert (answer.status_code, answer.json()["error"]) == (413, "TooLarge")
    answer = ask("POST", "/predict", content=iter([b"{}"]))  # chunked: of unknown length
    assert (answer.status_code, answer.json()["error"]) == (411, "LengthRequired")


def test_our_errors_keep_their_sentence_and_hint(ask: Callable[..., httpx.Response]) -> None:
    answer = ask("GET", "/predict/ghost")
    assert answer.status_code == 404
    assert answer.json() == {
        "error": "EntityNotFoundError",
        "message": "the online store knows nothing about ghost",
        "hint": "check the id",
    }
    assert ask("POST", "/predict", json={"item_ids": ["a", "ghost"]}).status_code == 404
    assert ask("GET", "/predict/busy").status_code == 503


def test_a_defect_does_not_tell_our_files(ask: Callable[..., httpx.Response]) -> None:
    answer = ask("GET", "/predict/broken")
    assert answer.status_code == 500
    assert answer.json()["error"] == "InternalError"
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/", 404), ("GET", "/docs", 404), ("PUT", "/predict", 405)]
)
def test_other_paths_and_methods(
    ask: Callable[..., httpx.Response], method: str, path: str, status: int
) -> None:
    answer = ask(method, path)
    assert answer.status_code == status
    assert set(answer.json()) == {"error", "message", "hint"}


def test_openapi_describes_what_there_is(ask: Callable[..., httpx.Response]) -> None:
    described = ask("GET", "/openapi.json").json()
    assert set(described["paths"]) == {"/healthz", "/predict", "/predict/{item_id}"}
    answer = described["components"]["schemas"]["Answer"]["properties"]
    assert set(answer) == {"item_id", "label", "probability", "feature_age_s", "provenance"}


def test_an_answer_is_a_prediction() -> None:
    names = [field.name for field in dataclasses.fields(Answer)]
    assert names == [field.name for field in dataclasses.fields(Prediction)]


def test_requests_at_once(ask: Callable[..., httpx.Response]) -> None:
    said: list[int] = []
    threads = [
        threading.Thread(target=lambda: said.append(ask("GET", "/predict/a").status_code)) for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == [200] * 16


# -- how it begins and ends ----------------------------------------------------------------------


def test_a_taken_port_is_told_in_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"port {port} cannot be taken"):
            run_server(Fake(), port=port)
    with pytest.raises(SettingsError, match="cannot be taken"):
        run_server(Fake(), port=70_000)


def test_the_announcement_can_be_pasted(capsys: pytest.CaptureFixture[str]) -> None:
    announce("http://127.0.0.1:1", "t0ken")
    said = capsys.readouterr().out
    assert 'curl -H "Authorization: Bearer t0ken" http://127.0.0.1:1/openapi.json' in said


SERVER = """
from tests.contract.test_http import Fake
from workbench.profiles.http_api import run_server
run_server(Fake())
"""


def started(script: str) -> tuple[subprocess.Popen[str], str, str]:
    """Start a script that serves; return it with its URL and token, once it has told them."""
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    url = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
    token = process.stdout.readline().removeprefix("token: ").strip()
    assert url is not None, process.stderr and process.stderr.read()
    return process, url.group(), token


@pytest.mark.skipif(os.name != "posix", reason="only on Linux and macOS: signals")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_without_a_traceback(sent: signal.Signals) -> None:
    process, url, token = started(SERVER)
    with process:
        answer = httpx.get(
            f"{url}/predict/a", headers={"Authorization": f"Bearer {token}"}, timeout=30, trust_env=False
        )
        assert answer.status_code == 200
        assert len(token) >= 32
        process.send_signal(sent)
        _, errors = process.communicate(timeout=60)
    assert errors == ""
    assert process.returncode == (0 if sent is signal.SIGINT else -signal.SIGTERM)


@pytest.mark.skipif(os.name != "posix", reason="only on Linux and macOS: orphans get another parent")
def test_it_ends_when_its_parent_is_killed() -> None:
    parent = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {SERVER!r}])
print(child.pid, flush=True)
child.wait()
"""
    process = subprocess.Popen([sys.executable, "-c", parent], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        url = process.stdout.readline().split()[2].rstrip(",")
        assert httpx.get(f"{url}/healthz", timeout=30, trust_env=False).status_code == 200
        process.kill()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and is_alive(child):
        time.sleep(0.1)
    assert not is_alive(child)


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that only waits to be buried does not."""
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def test_the_real_scorer_behind_it(fresh_copy: Callable[[], Workspace]) -> None:
    """One request through everything: HTTP, the online store, the champion."""
    from workbench.clock import parse_utc
    from workbench.profiles.scorer import Scorer
    from workbench.stages.serve import production_items

    ws = fresh_copy()
    scorer = Scorer(ws)
    due = production_items(ws, parse_utc(scorer.record.dataset.cutoff_timestamp))[:5]
    expected = [prediction.to_dict() for prediction in scorer.predict(due)]
    with served(create_app(scorer, TOKEN)) as client:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = client.post("/predict", json={"item_ids": due}, headers=headers)
        assert answer.json() == expected
        assert client.get("/predict/nobody", headers=headers).status_code == 404
