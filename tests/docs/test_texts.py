"""The texts say what is so: links, commands, targets, versions."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TEXTS = sorted(
    path
    for path in [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("feature_repo/*.md"),
        *ROOT.glob("data/models/*/*.md"),
    ]
)
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
COMMAND = re.compile(r"^(?:\.venv[/\\]\w+[/\\])?workbench (.+?)(?:\s+#.*)?$", re.MULTILINE)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(text: str, *languages: str) -> list[str]:
    """Return fenced blocks in these languages."""
    return [
        body
        for language, body in re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        if language in languages
    ]


def anchors(text: str) -> set[str]:
    titles = re.findall(
        r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE
    )
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def links() -> list[tuple[str, str]]:
    return [
        (path.relative_to(ROOT).as_posix(), target)
        for path in TEXTS
        for target in dict.fromkeys(LINK.findall(path.read_text(encoding="utf-8")))
        if not target.startswith(("https://", "http://", "mailto:"))
    ]


def test_there_are_texts_and_links():
    assert {"README.md", "CONTRIBUTING.md", "CHANGELOG.md"} <= {path.name for path in TEXTS}
    assert len(links()) > 20


def test_links_lead_somewhere():
    broken = []
    for name, target in links():
        path, _, anchor = target.partition("#")
        file = (ROOT / name).parent / path if path else ROOT / name
        if not file.exists():
            broken.append(f"{name}: {target}")
        elif anchor and anchor not in anchors(file.read_text(encoding="utf-8")):
            broken.append(f"{name}: {target} (no such heading)")
    assert not broken


def test_linked_files_are_in_the_repository():
    """A link to something that git ignores works on one machine only."""
    files = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split("\n")
    missing = []
    for name, target in links():
        path = ((ROOT / name).parent / target.partition("#")[0]).resolve()
        relative = path.relative_to(ROOT).as_posix()
        if target.partition("#")[0] and not any(f == relative or f.startswith(f"{relative}/") for f in files):
            missing.append(f"{name}: {target}")
    assert not missing


def test_readme_is_short_and_begins_with_a_picture_and_two_commands():
    lines = read("README.md").splitlines()
    assert len(lines) <= 250
    first_screen = "\n".join(lines[:20])
    assert "![" in first_screen
    assert "make start" in first_screen
    assert "make test" in first_screen


def test_make_targets_exist():
    targets = set(re.findall(r"^([a-z]+):.*?##", read("Makefile"), re.MULTILINE))
    assert len(targets) > 8
    named = {
        word
        for path in TEXTS
        for word in re.findall(
            r"(?:`|^)make(?: [A-Z]+=\S+)* ([a-z]+)\b", path.read_text(encoding="utf-8"), re.MULTILINE
        )
    }
    assert {"start", "test"} <= named <= targets


def test_make_help_lists_every_target():
    done = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True)
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    assert {line.split()[1] for line in done.stdout.splitlines() if line.startswith("  make ")} == targets


def commands() -> list[str]:
    found = [
        command
        for path in TEXTS
        for block in blocks(path.read_text(encoding="utf-8"), "sh", "powershell")
        for command in COMMAND.findall(block)
    ]
    return sorted(set(found))


def test_there_are_commands():
    assert len(commands()) > 8


@pytest.mark.parametrize("command", commands())
def test_commands_exist_with_their_options(command):
    """Walk down to the verb; each option must be one of its own, or of the program before it."""
    from typer.main import get_command

    from workbench.cli.app import app

    node, words = get_command(app), command.split()
    while words:
        word = words.pop(0)
        if word.startswith("-"):
            option = next((p for p in node.params if word in p.opts or word in p.secondary_opts), None)
            assert option is not None, f"workbench {command}: {node.name} has no {word}"
            if not getattr(option, "is_flag", False):
                words.pop(0)
        elif hasattr(node, "commands") and word in node.commands:
            node = node.commands[word]
        else:
            assert any(p.param_type_name == "argument" for p in node.params), (
                f"workbench {command}: no verb {word}"
            )
    assert node.name != "workbench"


def test_python_blocks_of_readme_run():
    code = blocks(read("README.md"), "python")
    assert code
    for block in code:
        exec(compile(block, "README.md", "exec"), {})  # noqa: S102


def test_pins_named_in_readme_are_the_pins():
    pins = read("constraints.txt").splitlines()
    named = re.findall(r"\b(torch(?:vision)?==[\d.]+)", read("README.md"))
    assert len(named) == 2
    assert set(named) <= set(pins)


def test_environment_yml_is_a_shell_around_pip():
    environment = yaml.safe_load(read("environment.yml"))
    conda = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    assert f"python {PYPROJECT['project']['requires-python']}" in conda
    assert pip == ["-c constraints.txt", "-e .[all]"]
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    assert {entry.split()[0] for entry in conda} == {"python", "pip", "git"}  # nothing that can drift


def test_pythons_named_in_readme_are_those_of_pyproject():
    low, high = map(int, re.findall(r"3\.(\d+)", PYPROJECT["project"]["requires-python"]))
    named = re.search(r"Python 3\.(\d+), 3\.(\d+) or 3\.(\d+)", read("README.md"))
    assert named is not None
    assert [int(minor) for minor in named.groups()] == list(range(low, high))


def test_the_licence_is_whole():
    text = read("LICENSE")
    assert len(text.encode()) == 11358  # as apache.org publishes it
    assert PYPROJECT["project"]["license"] == "Apache-2.0"


@pytest.mark.parametrize("path", TEXTS, ids=[p.relative_to(ROOT).as_posix() for p in TEXTS])
def test_no_word_that_belittles(path):
    words = re.findall(
        r"\b(simply|just|obviously|of course|easy|easily)\b", path.read_text(encoding="utf-8").lower()
    )
    assert not words


def test_ci_installs_what_the_tests_want_and_runs_them_all():
    text = read(".ci/run")
    assert {"chromium", "redis-server"} <= set(re.findall(r"[\w-]+", text))
    assert text.rstrip().endswith("exec make test")
    assert (ROOT / ".ci/run").stat().st_mode & 0o111
    subprocess.run(["bash", "-n", ".ci/run"], cwd=ROOT, check=True)
