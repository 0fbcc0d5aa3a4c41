"""The command line from outside, for the end-to-end tests."""

import os
import subprocess
import sys


def muslin(*words, cwd=None, code="", env=None, **more):
    """Run `muslin WORDS` (or, with `code`, Python code with these arguments) to its end."""
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "COLUMNS": "200", "MUSLIN_RIGHTS": "the tests", **(env or {})}
    command = [sys.executable, *(["-c", code] if code else ["-m", "muslin"]), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, timeout=240, check=False, **more)


def refused(done):
    """The one line of a command that was refused."""
    lines = done.stderr.strip().splitlines()
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert lines[-1].startswith("muslin: ")
    return lines[-1]
