"""One run: what is logged to it."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from menagerie.tracking.store import first_line


class Run:
    """One MLflow run. After the first call that fails it says so and does nothing more."""

    def __init__(self, connect: Callable[[], tuple[Any, str]]) -> None:
        self._client: Any = None
        self.run_id = ""
        try:
            self._client, self.run_id = connect()
        except Exception as error:  # whatever it is, training goes on
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        self._client = None
        print(f"warning: not tracked in MLflow from here on: {first_line(error)}", file=sys.stderr)

    def _try(self, call: Callable[[Any, str], None]) -> None:
        if self._client is None:
            return
        try:
            call(self._client, self.run_id)
        except Exception as error:
            self._give_up(error)

    def log_metrics(self, metrics: dict[str, float], step: int = 0) -> None:
        self._try(lambda client, run_id: _log_metrics(client, run_id, metrics, step))

    def set_tags(self, tags: dict[str, str]) -> None:
        self._try(lambda client, run_id: [client.set_tag(run_id, key, value) for key, value in tags.items()])

    def log_files(self, folder: Path, under: str) -> None:
        self._try(lambda client, run_id: client.log_artifacts(run_id, str(folder), under))

    def log_model(self, model: Any, input_shape: tuple[int, int, int], num_classes: int) -> None:
        """Store a Keras model, pictures uint8 (n, height, width, 3) in, logits float32 (n, classes) out."""
        self._try(lambda _, run_id: _log_model(run_id, model, input_shape, num_classes))

    def end(self, status: str) -> None:
        self._try(lambda client, run_id: client.set_terminated(run_id, status))


def _log_metrics(client: Any, run_id: str, metrics: dict[str, float], step: int) -> None:
    from mlflow.entities import Metric
    from mlflow.utils.time import get_current_time_millis

    now = get_current_time_millis()
    client.log_batch(run_id, metrics=[Metric(key, value, now, step) for key, value in metrics.items()])


def log_params(client: Any, run_id: str, values: dict[str, str]) -> None:
    from mlflow.entities import Param

    entries = [Param(key, value) for key, value in values.items()]
    for start in range(0, len(entries), 100):  # the server takes a hundred at a time
        client.log_batch(run_id, params=entries[start : start + 100])


def _log_model(run_id: str, model: Any, input_shape: tuple[int, int, int], num_classes: int) -> None:
    from importlib.metadata import version

    import mlflow
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    signature = ModelSignature(
        Schema([TensorSpec(np.dtype("uint8"), (-1, *input_shape))]),
        Schema([TensorSpec(np.dtype("float32"), (-1, num_classes))]),
    )
    # Named here: working them out would load the model in another process, 13 s.
    needed = [f"{package}=={version(package)}" for package in ("keras", "tensorflow", "numpy")]
    with mlflow.start_run(run_id):
        mlflow.keras.log_model(model, name="model", signature=signature, pip_requirements=needed)
