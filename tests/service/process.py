"""A real service in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Self

from service.keys import KeyStore, Role
from service.settings import ServiceSettings
from tests.service.client import FOR_EVER

ROOT = Path(__file__).parents[2]
ALONE = "import sys; sys.modules.update(dict.fromkeys(['mlflow', 'sklearn', 'joblib', 'pandas']))\n"
"""To begin with in a process: what serves needs none of these, and starts sooner where LightGBM does not find them."""


class Process:
    """``tamis serve`` on any free port; use as a context manager. ``url`` and ``key`` are for the client."""

    def __init__(self, var: Path, *options: str) -> None:
        self._var, self._options = var, options
        self.key = KeyStore(ServiceSettings(var=var).keys).create(Role.ADMIN, "acme", "test")
        self.url = ""
        self.child: subprocess.Popen[str]

    def __enter__(self) -> Self:
        self.child = run_service(self._var, "serve", "--port", "0", *self._options)
        assert self.child.stderr is not None
        said = []
        for line in self.child.stderr:
            said.append(line)
            found = re.search(r"http://[\d.:]+", line)
            if found and not self.url:
                self.url = found[0]
            if "startup complete" in line:
                return self
        raise AssertionError("the service did not start: " + "".join(said))

    def __exit__(self, *error: object) -> None:
        self.child.terminate()
        self.child.communicate(timeout=300)

    def kill(self) -> None:
        """Kill it as a power cut would."""
        self.child.kill()
        self.child.wait()


def run_service(var: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a command of the service with everything under ``var``."""
    code = ALONE + "from service.commands import app; app(prog_name='tamis')"
    environment = {**os.environ, "TAMIS_VAR": str(var), "TAMIS_KEEP_EVENTS_SECONDS": str(FOR_EVER)}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
