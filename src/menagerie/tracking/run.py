"""One run: what is logged to it is sent at once, or kept until it can be."""

import sys
import time
from pathlib import Path
from typing import Any

from menagerie import paths
from menagerie.params.dataset import Dataset
from menagerie.tracking import outbox, store
from menagerie.tracking.inputs import inputs
from menagerie.tracking.monitor import Monitor
from menagerie.tracking.outbox import Operation
from menagerie.tracking.process import process_tags
from menagerie.tracking.sending import Sender, connect

SHARE = 0.05  # of the time of a training that may go to asking for a store that is away


class Run:
    """One MLflow run. What the store does not take is told once, and waits in the outbox.

    Metrics that are logged while the run has a model are that model's as well.
    """

    def __init__(self, uid: str, begin: Operation) -> None:
        """`begin` is the operation without `process` and `time`; `uid` tells the run from all others."""
        self._begin = {"do": "begin", **begin, "process": process_tags(), "time": _now()}
        self._store = outbox.name_of(store.tracking_uri(paths.main_repository()))
        self._sender: Sender | None = None
        self._monitor = Monitor()
        self._told = False
        self._again = 0.0  # of time.monotonic, before which the store is not asked
        with outbox.lock():
            self._entry = outbox.entry(uid)
            self._kept = self._entry.folder.exists()  # by a process that was killed
            if self._kept:
                self._entry.belong(self._store)
        self._pending = self._entry.operations()
        self._do(**self._begin)

    @property
    def run_id(self) -> str:
        """Empty until the store has given one."""
        return self._sender.run_id if self._sender else ""

    def _do(self, **operation: Any) -> None:
        self._pending.append(operation)
        if self._kept:
            self._pending[-1] = self._keep(operation)
        if time.monotonic() >= self._again or operation["do"] == outbox.END:
            self._send()

    def _send(self) -> None:
        started = time.monotonic()
        try:
            if self._kept:
                with outbox.lock():
                    self._send_pending()
                    self._entry.remove()
                    self._kept = False
            else:
                self._send_pending()
            self._told = False
        except Exception as error:  # whatever it is, training goes on
            self._again = time.monotonic() + (time.monotonic() - started) / SHARE
            self._put_away(error)

    def _send_pending(self) -> None:
        if self._sender is None:
            self._sender = Sender(connect())
        if self._kept and not self._entry.folder.exists():
            self._pending.clear()  # another process has sent it
        while self._pending:
            self._sender.send(self._pending[0])
            del self._pending[0]

    def _put_away(self, error: Exception) -> None:
        if not self._told:
            store.warn(error)
            self._told = True
        if not self._kept:
            self._kept = True
            begun = [] if self._begin in self._pending else [self._begin]
            self._pending = [self._keep(operation) for operation in (*begun, *self._pending)]

    def _keep(self, operation: Operation) -> Operation:
        try:
            if not self._entry.folder.exists():
                self._entry.belong(self._store)
            return self._entry.add(operation)
        except OSError as error:  # a full disk
            print(f"warning: {operation['do']} is lost to the tracking store: {error}", file=sys.stderr)
            return operation

    def log_metrics(self, metrics: dict[str, float], step: int = 0) -> None:
        self._do(do="log_metrics", metrics=metrics, step=step, time=_now())

    def log_epoch(self, metrics: dict[str, float], epoch: int) -> None:
        """Log an epoch, counted from 1, unless the run has it of the training that is gone on with."""
        self._do(do="log_epoch", metrics=metrics, step=epoch, time=_now())

    def set_tags(self, tags: dict[str, str]) -> None:
        self._do(do="set_tags", tags=tags)

    def log_files(self, folder: Path, under: str) -> None:
        self._do(do="log_files", path=str(folder), under=under)

    def log_inputs(self, dataset: Dataset, split_sha256: str, counts: dict[str, int]) -> None:
        """Say which parts of a data set went in, by how many pictures each has; no picture is copied."""
        self._do(do="log_inputs", inputs=inputs(dataset, split_sha256, counts))

    def log_model(self, path: Path) -> None:
        """Store a model file as a model that takes pictures, where the run has no model yet."""
        self._do(do="log_model", path=str(path))

    def register(self, dataset: str, tags: dict[str, str], card: str) -> None:
        """Make the run's model a version of the data set's registered model, as registering does."""
        self._do(do="register", dataset=dataset, tags=tags, card=card)

    def watch(self) -> None:
        """Log what the machine does until the run ends: processor, memory, disk, network, GPU.

        Samples that the store does not take are not kept.
        """
        if self.run_id:
            self._monitor.start(self.run_id)

    def end(self, status: str) -> None:
        self._monitor.finish()
        self._do(do=outbox.END, status=status, time=_now())


def _now() -> int:
    return time.time_ns() // 1_000_000
