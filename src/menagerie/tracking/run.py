"""One run: what is logged to it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from menagerie.params.dataset import Dataset
from menagerie.tracking.inputs import log_inputs
from menagerie.tracking.model import log_model, model_of
from menagerie.tracking.monitor import Monitor
from menagerie.tracking.registry import register
from menagerie.tracking.store import warn

EPOCH = "val_loss"  # which every epoch has
NOTE = "mlflow.note.content"  # the tag that MLflow shows as the description


class Run:
    """One MLflow run. After the first call that fails it says so and does nothing more.

    Metrics that are logged while the run has a model are that model's as well.
    """

    def __init__(self, connect: Callable[[], tuple[Any, str]]) -> None:
        self._client: Any = None
        self._model_id = ""
        self._epochs = 0  # that the run has
        self._monitor = Monitor()
        self.run_id = ""
        try:
            self._client, self.run_id = connect()
            self._model_id = model_of(self._client, self.run_id)
            self._epochs = _epochs(self._client, self.run_id)
        except Exception as error:  # whatever it is, training goes on
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        self._client = None
        warn(error)

    def _try(self, call: Callable[[Any, str], None]) -> None:
        if self._client is None:
            return
        try:
            call(self._client, self.run_id)
        except Exception as error:
            self._give_up(error)

    def log_metrics(self, metrics: dict[str, float], step: int = 0) -> None:
        self._try(lambda client, run_id: _log_metrics(client, run_id, self._model_id, metrics, step))

    def log_epoch(self, metrics: dict[str, float], epoch: int) -> None:
        """Log an epoch, counted from 1, unless the run has it of the training that is gone on with."""
        if epoch > self._epochs:
            self.log_metrics(metrics, epoch)

    def set_tags(self, tags: dict[str, str]) -> None:
        self._try(lambda client, run_id: [client.set_tag(run_id, key, value) for key, value in tags.items()])

    def log_files(self, folder: Path, under: str) -> None:
        self._try(lambda client, run_id: client.log_artifacts(run_id, str(folder), under))

    def log_inputs(self, dataset: Dataset, split_sha256: str, counts: dict[str, int]) -> None:
        """Say which parts of a data set went in, by how many pictures each has; no picture is copied."""
        self._try(lambda client, run_id: log_inputs(client, run_id, dataset, split_sha256, counts))

    def log_model(self, path: Path) -> None:
        """Store a model file as a model that takes pictures, where the run has no model yet."""

        def log(_: Any, run_id: str) -> None:
            self._model_id = self._model_id or log_model(run_id, path)

        self._try(log)

    def register(self, dataset: str, tags: dict[str, str], card: Callable[[str], str]) -> None:
        """Make the run's model a version of the registered model of the data set, as registry.register does.

        The card is the description of the run, too.
        """

        def make(client: Any, run_id: str) -> None:
            number = register(client, run_id, self._model_id, dataset, tags, card)
            client.set_tag(run_id, NOTE, card(f"models:/{dataset}/{number}"))

        self._try(make)

    def watch(self) -> None:
        """Log what the machine does until the run ends: processor, memory, disk, network, GPU."""
        self._try(lambda _, run_id: self._monitor.start(run_id))

    def end(self, status: str) -> None:
        self._try(lambda *_: self._monitor.finish())
        self._try(lambda client, run_id: client.set_terminated(run_id, status))


def _epochs(client: Any, run_id: str) -> int:
    """The last epoch that a run has, 0 if none."""
    return max((metric.step for metric in client.get_metric_history(run_id, EPOCH)), default=0)


def _log_metrics(client: Any, run_id: str, model_id: str, metrics: dict[str, float], step: int) -> None:
    from mlflow.entities import Metric
    from mlflow.utils.time import get_current_time_millis

    now = get_current_time_millis()
    entries = [Metric(key, value, now, step, model_id=model_id or None) for key, value in metrics.items()]
    client.log_batch(run_id, metrics=entries)


def log_params(client: Any, run_id: str, values: dict[str, str]) -> None:
    from mlflow.entities import Param

    entries = [Param(key, value) for key, value in values.items()]
    for start in range(0, len(entries), 100):  # the server takes a hundred at a time
        client.log_batch(run_id, params=entries[start : start + 100])
