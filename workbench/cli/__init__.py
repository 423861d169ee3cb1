"""The command line: ``workbench VERB``.

This module imports nothing but the standard library, so that ``workbench doctor`` can speak
even where the packages it misses are the reason why it was called.
"""

from __future__ import annotations

import atexit
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; default ``sys.argv[1:]``.

    Returns
    -------
    int
        Exit code: 0 well, 2 wrong usage, 130 stopped, else the one of the error's class
        (`workbench.errors.EXIT_CODES`).
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        from workbench.cli.app import run_app
    except ModuleNotFoundError as error:
        return _without_packages(arguments, error)
    code = run_app(arguments)
    if argv is None and "duckdb" in sys.modules:
        _leave(code)
    return code


def _leave(code: int) -> NoReturn:
    """End the process before DuckDB's binding counts its leaks at us, 60 lines of them."""
    atexit._run_exitfuncs()  # noqa: SLF001 (everything that Python itself would do on the way out)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _without_packages(arguments: list[str], error: ModuleNotFoundError) -> int:
    """Answer `doctor` without typer and rich; for every other verb say what is missing."""
    if "doctor" in arguments:
        from workbench.cli.doctor import examine, plain

        checks = examine()
        print(plain(checks))
        return int(any(not check.ok and check.needed for check in checks))
    print(f"the package {error.name!r} is not installed", file=sys.stderr)
    print("Hint: pip install -c constraints.txt -e '.[all]', then `workbench doctor`", file=sys.stderr)
    return 3
