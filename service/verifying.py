"""A published bundle is looked at in a child process first: a damaged file can crash what loads it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from signal import SIGKILL
from typing import NamedTuple

_VERIFY_SECONDS = 60.0
_CHECK = """
import sys
sys.modules.update(sklearn=None, pandas=None)
from models.verify import main
sys.exit(main(sys.argv[1:]))
"""
"""Without what LightGBM would load beside if it is there: that takes longer than the check, which needs none of it."""


AGAIN_SECONDS = 60.0
"""After so long a check is made again that said nothing of the bundle."""


class Fault(NamedTuple):
    """Why a bundle is not taken; ``passing``: the check itself went wrong, for want of time or memory, and is to be made again."""

    reason: str
    passing: bool = False


async def fault(path: Path) -> Fault | None:
    """Return what is wrong with the bundle, if anything."""
    try:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _CHECK, str(path), stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL
        )
    except OSError as error:
        return Fault(f"its check could not be started: {error}", passing=True)
    try:
        _, told = await asyncio.wait_for(child.communicate(), _VERIFY_SECONDS)
    except TimeoutError:
        child.kill()
        await child.wait()
        return Fault(f"its check took longer than {_VERIFY_SECONDS:.0f} s", passing=True)
    if child.returncode == 0:
        return None
    said = told.decode("utf-8", "replace").strip()
    return Fault(said or f"its check died ({child.returncode})", passing=child.returncode == -SIGKILL or "Traceback" in said)
