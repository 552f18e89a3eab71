"""Settings of training, from the environment. The only place in ``training/`` that reads it."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Where things are.

    =======================  =========  =======================================================
    variable                 default    meaning
    =======================  =========  =======================================================
    ``TAMIS_VAR``            ``var``    folder under which everything is written
    ``TAMIS_DATA_DIR``       (none)     folder with local copies of data sets, used first
    ``MLFLOW_TRACKING_URI``  (none)     an MLflow server; else SQLite under ``TAMIS_VAR``
    =======================  =========  =======================================================
    """

    var: Path = Path("var")
    data_dir: Path | None = None
    tracking_uri: str = ""

    @classmethod
    def from_env(cls) -> Settings:
        """Read the environment."""
        local = os.environ.get("TAMIS_DATA_DIR", "")
        return cls(
            var=Path(os.environ.get("TAMIS_VAR", "var")),
            data_dir=Path(local) if local else None,
            tracking_uri=os.environ.get("MLFLOW_TRACKING_URI", ""),
        )

    @property
    def bundles(self) -> Path:
        """The bundle store."""
        return self.var / "bundles"

    @property
    def secret(self) -> Path:
        """The installation's hash secret."""
        return self.var / "secret.key"

    @property
    def policy(self) -> Path:
        """The versions of the live policy."""
        return self.var / "policy"

    @property
    def context(self) -> Path:
        """Context versions."""
        return self.var / "context"
