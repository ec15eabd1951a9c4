"""Operations on runs, done in the tracking store; done twice, they leave it as done once."""

import sys
import time as clock
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from menagerie import paths
from menagerie.tracking import outbox, reasons, store
from menagerie.tracking.inputs import log_inputs
from menagerie.tracking.model import log_model, model_of
from menagerie.tracking.outbox import Operation
from menagerie.tracking.process import close_gone
from menagerie.tracking.registering import register

EPOCH = "val_loss"  # which every epoch has
NOTE = "mlflow.note.content"  # the tag that MLflow shows as the description
UID = "menagerie.run"  # the tag by which a run is known before the store has given it an id
# What the store will refuse however often it is asked; all else may be mended, and waits.
REFUSED = {"INVALID_PARAMETER_VALUE", "BAD_REQUEST", "RESOURCE_ALREADY_EXISTS", "INVALID_STATE"}


class Sender:
    """Does the operations of one run, each a method; `begin` is the first."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.run_id = ""
        self.model_id = ""
        self.epochs = 0  # that the run has
        self._told: set[str] = set()

    def send(self, operation: Operation) -> None:
        """Do one.

        Raises:
            Exception: MLflow's, its database's or its connection's; the operation may be sent again.
        """
        values = {key: value for key, value in operation.items() if key != "do"}
        try:
            getattr(self, operation["do"])(**values)
        except Exception as error:
            if not self.run_id or getattr(error, "error_code", "") not in REFUSED:
                raise
            told = f"{operation['do']} of run {self.run_id}: {reasons.first_line(error)}"
            if told not in self._told:  # of forty epochs alike
                print(f"warning: the tracking store refuses {told}", file=sys.stderr)
            self._told.add(told)

    def begin(
        self,
        experiment: str,
        known_by: dict[str, str],
        name: str,
        tags: dict[str, str],
        params: dict[str, str],
        process: dict[str, str],
        time: int,
    ) -> None:
        """Take up the run that has the tags `known_by`, or create it; `time` in milliseconds."""
        number = store.experiment_id(self.client, experiment)
        close_gone(self.client, number)
        query = " and ".join(f"tags.`{key}` = '{value}'" for key, value in known_by.items())
        if found := self.client.search_runs([number], query, max_results=1):
            self.run_id = found[0].info.run_id
            self.client.update_run(self.run_id, status="RUNNING")
            for key, value in process.items():
                self.client.set_tag(self.run_id, key, value)
        else:
            tags = tags | known_by | process
            self.run_id = self.client.create_run(number, time, tags, name).info.run_id
            self._log_params(params)
        self.model_id = model_of(self.client, self.run_id)
        epochs = self.client.get_metric_history(self.run_id, EPOCH)
        self.epochs = max((metric.step for metric in epochs), default=0)

    def _log_params(self, values: dict[str, str]) -> None:
        from mlflow.entities import Param

        entries = [Param(key, value) for key, value in values.items()]
        for start in range(0, len(entries), 100):  # the server takes a hundred at a time
            self.client.log_batch(self.run_id, params=entries[start : start + 100])

    def log_metrics(self, metrics: dict[str, float], step: int, time: int) -> None:
        from mlflow.entities import Metric

        model_id = self.model_id or None
        entries = [Metric(key, value, time, step, model_id=model_id) for key, value in metrics.items()]
        self.client.log_batch(self.run_id, metrics=entries)

    def log_epoch(self, metrics: dict[str, float], step: int, time: int) -> None:
        """Unless the run has it: a training that goes on tells of the epochs before, too."""
        if step > self.epochs:
            self.log_metrics(metrics, step, time)
            self.epochs = step

    def set_tags(self, tags: dict[str, str]) -> None:
        for key, value in tags.items():
            self.client.set_tag(self.run_id, key, value)

    def log_files(self, path: str, under: str) -> None:
        self.client.log_artifacts(self.run_id, path, under)

    def log_inputs(self, inputs: list[dict[str, str]]) -> None:
        log_inputs(self.client, self.run_id, inputs)

    def log_model(self, path: str) -> None:
        self.model_id = self.model_id or log_model(self.run_id, Path(path))

    def register(self, dataset: str, tags: dict[str, str], card: str) -> None:
        """The card is the description of the run, too."""
        described = register(self.client, self.run_id, self.model_id, dataset, tags, card)
        self.client.set_tag(self.run_id, NOTE, described)

    def end(self, status: str, time: int) -> None:
        self.client.set_terminated(self.run_id, status, time)


def connect() -> Any:
    """A client of the store, to which all that waited for it was sent.

    Raises:
        Exception: MLflow's, its database's or its connection's; what was not sent waits on.
    """
    client = store.client()
    told = send_waiting(client)
    if told:
        print(f"sent to the tracking store: what it had missed of {', '.join(told)}")
    return client


def send_waiting(client: Any) -> list[str]:
    """Send the entries that wait for this store and that no process adds to; the names of their runs."""
    here = outbox.name_of(store.tracking_uri(paths.main_repository()))
    sent = []
    with outbox.lock():
        for entry in outbox.entries():
            if entry.store == here and entry.free:
                sent.append(_send_all(client, entry.operations()))
                entry.remove()
    return [name for name in sent if name]


def _send_all(client: Any, operations: Iterable[Operation]) -> str:
    sender, name = Sender(client), ""
    ended = False
    for operation in operations:
        sender.send(operation)
        name = operation.get("name", name)
        ended = operation["do"] == outbox.END
    if sender.run_id and not ended:  # its process was killed, and may never go on
        sender.end("KILLED", clock.time_ns() // 1_000_000)
    return name
