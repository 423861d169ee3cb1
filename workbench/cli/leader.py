"""Run a program that starts programs of its own, and take all of them along when told to end.

MLflow's command starts its web server as a child and forgets it when it is ended. This little
program leads a process group: SIGTERM, which it also gets when our own process dies, goes to all.
It is run by its path and imports nothing of ours, since it should be up at once.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

PATIENCE_S = 5.0


class _Ended(BaseException):
    """We were told to end."""


def main(argv: list[str]) -> int:
    """Run a program until it ends; return its exit code.

    Parameters
    ----------
    argv : list of str
        The program.

    Returns
    -------
    int
        Of the program; 143 where it was ended.
    """

    def end(number: int, frame: object) -> None:
        del number, frame
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it comes back to us
        raise _Ended

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process above us
    child = subprocess.Popen(argv)
    try:
        return child.wait()
    except _Ended:
        os.killpg(os.getpgid(0), signal.SIGTERM)
        try:
            child.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            os.killpg(os.getpgid(0), signal.SIGKILL)
        return 143


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
