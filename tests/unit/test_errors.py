"""The drawn tree is the tree, and each error has an exit code and says what to do."""

from __future__ import annotations

import re

import pytest

from workbench import errors
from workbench.errors import EXIT_CODES, WorkbenchError


def drawn() -> dict[str, tuple[str, str]]:
    """Return class name -> (parent's name, sentence) as the module's docstring draws them."""
    found: dict[str, tuple[str, str]] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"^    ([│├└─ ]*)(\w+Error)\s+(.+)$", line)
        if match:
            depth = len(match[1]) // 4
            path = [*path[:depth], match[2]]
            found[match[2]] = (path[-2] if depth else "Exception", match[3])
    return found


def classes() -> dict[str, type[WorkbenchError]]:
    return {
        name: value
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, WorkbenchError)
    }


def test_the_drawing_is_not_empty():
    assert len(drawn()) > 20


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes():
    assert {name: parent for name, (parent, _) in drawn().items()} == {
        name: cls.__bases__[0].__name__ for name, cls in classes().items()
    }


def test_the_drawing_is_in_the_order_of_the_file():
    assert list(drawn()) == list(classes())


def test_exit_codes_are_unique_and_fit_a_byte():
    codes = list(EXIT_CODES.values())
    assert len(codes) == len(set(codes)) == len(classes())
    assert all(0 < code < 126 for code in codes)  # 126 and above belong to the shell
    assert not {4, 5} & set(codes)  # EQUIVALENT and DIFFERENT of `reproduce`


@pytest.mark.parametrize("cls", classes().values())
def test_every_error_has_a_docstring_and_an_exit_code_of_its_own(cls):
    assert "exit_code" in vars(cls)
    assert cls.__doc__.endswith(".") or "\n" in cls.__doc__


def test_the_hint_is_part_of_the_text():
    error = WorkbenchError("the glass is empty", hint="fill it")
    assert str(error) == "the glass is empty\nHint: fill it"
    assert (error.message, error.hint) == ("the glass is empty", "fill it")
    assert str(WorkbenchError("no idea")) == "no idea"
