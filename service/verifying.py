"""A published bundle is looked at in a child process first: a damaged file can crash what loads it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

_VERIFY_SECONDS = 60.0
_CHECK = """
import sys
sys.modules.update(sklearn=None, pandas=None)
from models.verify import main
sys.exit(main(sys.argv[1:]))
"""
"""Without what LightGBM would load beside if it is there: that takes longer than the check, which needs none of it."""


async def fault(path: Path) -> str:
    """Return what is wrong with the bundle, ``""`` if nothing."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _CHECK, str(path), stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        _, told = await asyncio.wait_for(child.communicate(), _VERIFY_SECONDS)
    except TimeoutError:
        child.kill()
        await child.wait()
        return f"its check took longer than {_VERIFY_SECONDS:.0f} s"
    if child.returncode == 0:
        return ""
    return told.decode("utf-8", "replace").strip() or f"its check died ({child.returncode})"
