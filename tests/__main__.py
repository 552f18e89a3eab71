"""``python -m tests``: all tests, in two processes side by side, since one leaves a core idle."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryFile

SERVICE = "tests/service"
HALVES = ([SERVICE], ["tests", f"--ignore={SERVICE}"])
"""What each runs. They take about as long, share no fixture that is dear, and whatever is added falls into one of them."""


def main() -> int:
    """Run both, show what one prints as it comes and then what the other did; return 0 only if both passed."""
    service, others = ([sys.executable, "-m", "pytest", *half] for half in HALVES)
    home = Path(__file__).parents[1]
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # as each has one core; more threads would wait for each other, and busily
    with TemporaryFile() as printed, subprocess.Popen(service, cwd=home, stdout=printed, stderr=subprocess.STDOUT) as behind:
        failed = subprocess.run(others, cwd=home, check=False).returncode != 0
        failed |= behind.wait() != 0
        printed.seek(0)
        sys.stdout.buffer.write(printed.read())
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
