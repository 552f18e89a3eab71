"""``python -m models.verify PATH``: check a bundle in a process of its own, since a damaged model can crash its loader."""

from __future__ import annotations

import sys
from pathlib import Path

from models.bundle import ModelBundle
from models.errors import BundleError


def main(arguments: list[str]) -> int:
    """Return 0 if the bundle loads and its golden rows hold; else print why to standard error and return 1."""
    try:
        ModelBundle.load(Path(arguments[0]))
    except BundleError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
