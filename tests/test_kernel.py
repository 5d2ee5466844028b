"""Compiled code on disk: what other sources left there is not read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

OLD = """from typing import NamedTuple
from heatrisk.physics.kernel import kernel
class Gone(NamedTuple):
    value: float
@kernel
def doubled(one):
    return 2.0 * one[0]
print(doubled(Gone(4.0)))
"""
NEW = """
from heatrisk.physics.kernel import kernel


@kernel
def doubled(one):
    return 3.0 * one[0]
print(doubled((4.0,)))
"""


#: Python's own compiled files bear the time in seconds; two programs within one would be taken for the same.
ENVIRONMENT = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}


def printed(script: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", "import program"],
        capture_output=True,
        text=True,
        cwd=script.parent,
        env=ENVIRONMENT,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_an_older_program_s_compiled_code_with_types_that_are_gone_is_left_alone(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(OLD)
    assert printed(script) == "8.0"
    left = {path.name for path in (tmp_path / "__pycache__").glob("*.nbi")}
    script.write_text(NEW)
    assert printed(script) == printed(script) == "12.0"
    assert {path.name for path in (tmp_path / "__pycache__").glob("*.nbi")} == left != set()
