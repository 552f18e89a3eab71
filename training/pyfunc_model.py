"""The registered model, as code (MLflow "models from code"): it holds no pickle, only the bundle directory beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.pyfunc import PythonModel, PythonModelContext

from models.bundle import ModelBundle
from models.calibration import priority


class TamisModel(PythonModel):  # type: ignore[misc]
    """Scores rows of features. Decisions need the facts beside them, so the service and ``tamis score`` make those."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load and check the bundle."""
        self.bundle = ModelBundle.load(Path(context.artifacts["bundle"]))

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return ``score`` (probability of a true positive) and ``priority`` of each row; columns are the view's features."""
        rows = model_input[self.bundle.view.names].to_numpy(np.float64)
        score = self.bundle.calibrator(self.bundle.raw(rows))
        return pd.DataFrame({"score": score, "priority": priority(score)}, index=model_input.index)


mlflow.models.set_model(TamisModel())
