"""Experiment tracking, the only import of mlflow. It changes no result and stops none.

The store is mlflow.db with mlartifacts/ in the main repository, whichever copy a stage runs in, or
what MLFLOW_TRACKING_URI names. When it cannot be reached the user is told once and work goes on.
"""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock

from menagerie import paths
from menagerie.errors import MenagerieError
from menagerie.files import read_json
from menagerie.params import Params

DATA, SPLIT = "data.sha256", "split.sha256"  # tags: of all pictures, and of which of them train and test
LONGEST = 6000  # characters of a parameter that MLflow keeps
PAGE = 100  # runs a request: the answer has 15 s

# A stage must not wait minutes for a server that is gone: MLflow's own default is seven tries of 120 s.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "15")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")


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
        print(f"warning: not tracked in MLflow from here on: {_first_line(error)}", file=sys.stderr)

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


@contextmanager
def training_run(params: Params, name: str, tags: dict[str, str]) -> Iterator[Run]:
    """Open a run for one training, named after its model; it ends FINISHED, FAILED or KILLED.

    `tags` say what it was made from and where; commit, experiment and stage are added here.
    """

    def connect() -> tuple[Any, str]:
        client, experiment = _connect(params.dataset.name)
        tagged = _data_tags(params.dataset.name) | _source_tags() | tags
        run = client.create_run(experiment, run_name=name, tags=tagged)
        _log_params(client, run.info.run_id, settings(params, name))
        return client, run.info.run_id

    with _ended(Run(connect)) as run:
        yield run


def settings(params: Params, name: str) -> dict[str, str]:
    """The parameters of a run that trains this model, flattened, as MLflow keeps them."""
    values = flatten({"seed": params.seed, "compute": params.compute.model_dump()})
    values |= flatten({"dataset": params.dataset.model_dump(), "model": params.model(name).model_dump()})
    return {key: value[:LONGEST] for key, value in values.items()}


@contextmanager
def evaluation_run(params: Params, name: str, model_sha256: str) -> Iterator[Run]:
    """Take up the run that trained the very model evaluated; where it is not known, open one that says so."""

    def connect() -> tuple[Any, str]:
        client, experiment = _connect(params.dataset.name)
        query = f"tags.`model.sha256` = '{model_sha256}' and attributes.run_name = '{name}'"
        if found := client.search_runs([experiment], query, max_results=1):
            client.update_run(found[0].info.run_id, status="RUNNING")
            return client, found[0].info.run_id
        tags = _source_tags() | {
            "model.sha256": model_sha256,
            "model.origin": "trained elsewhere, restored by DVC",
        }
        return client, client.create_run(experiment, run_name=name, tags=tags).info.run_id

    with _ended(Run(connect)) as run:
        yield run


@contextmanager
def _ended(run: Run) -> Iterator[Run]:
    def terminated(*_: Any) -> None:
        run.end("KILLED")
        raise SystemExit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, terminated)
    try:
        yield run
    except KeyboardInterrupt:
        run.end("KILLED")
        raise
    except Exception:
        run.end("FAILED")
        raise
    else:
        run.end("FINISHED")
    finally:
        signal.signal(signal.SIGTERM, before)


def test_runs(dataset: str) -> pd.DataFrame:
    """Every finished run of a data set that has a test accuracy; nothing is made where there is none.

    Returns:
        One row a run: model (the run's name), run_id, start_time, test_accuracy, test_n, data.sha256,
        split.sha256 and a column `params.<key>` for each parameter of any run. Parameters are text, missing
        where a run has none: one that took up a model trained elsewhere has not even `params.seed`.

    Raises:
        MenagerieError: there is no such run, or the store cannot be read.
    """
    uri = tracking_uri(paths.main_repository())
    store = uri if uri.startswith("sqlite:") else "MLFLOW_TRACKING_URI"  # which may hold a password
    try:
        runs = _tested_runs(uri, dataset)
    except Exception as error:  # MLflow's, its database's or its connection's
        raise MenagerieError(
            f"the tracking store ({store}) cannot be read: {_first_line(error)}; start its server, if it has "
            "one, or name another store with MLFLOW_TRACKING_URI"
        ) from error
    if not runs:
        raise MenagerieError(
            f"the tracking store ({store}) has no finished run of {dataset} with a test accuracy; make some "
            "with `dvc exp run --queue -S 'seed=1,2,3'` and `dvc queue start`"
        )
    rows = [
        {
            "model": run.info.run_name,
            "run_id": run.info.run_id,
            "start_time": pd.to_datetime(run.info.start_time, unit="ms", utc=True),
            **{key: run.data.metrics.get(key) for key in ("test_accuracy", "test_n")},
            **{tag: run.data.tags.get(tag) for tag in (DATA, SPLIT)},
            "params.seed": None,  # a column even where no run has one
            **{f"params.{key}": value for key, value in run.data.params.items()},
        }
        for run in runs
    ]
    return pd.DataFrame(rows)


def _tested_runs(uri: str, dataset: str) -> list[Any]:
    if uri.startswith("sqlite:///") and not Path(uri.removeprefix("sqlite:///")).is_file():
        return []  # which MLflow would make
    with _client(uri) as client:
        experiment = client.get_experiment_by_name(dataset)
    if experiment is None:
        return []
    query = "attributes.status = 'FINISHED' and metrics.test_accuracy >= 0"
    runs: list[Any] = []
    token = None
    while True:
        page = client.search_runs([experiment.experiment_id], query, max_results=PAGE, page_token=token)
        runs += page
        token = page.token
        if not token:
            return runs


def tracking_uri(root: Path) -> str:
    """Say where runs go: MLFLOW_TRACKING_URI, a relative sqlite path read from `root`, or root/mlflow.db."""
    uri = os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db"
    scheme, found, path = uri.partition("sqlite:///")
    if found and not scheme and not Path(path).is_absolute():
        return f"sqlite:///{(root / path).as_posix()}"
    return uri


def _connect(experiment: str) -> tuple[Any, str]:
    root = paths.main_repository()
    uri = tracking_uri(root)
    with _client(uri) as client:
        if known := client.get_experiment_by_name(experiment):
            return client, known.experiment_id
        # Fixed here, or MLflow takes the folder of the first process: a queued experiment's is removed.
        local = (root / "mlartifacts" / experiment).as_uri() if uri.startswith("sqlite:") else None
        return client, client.create_experiment(experiment, artifact_location=local)


@contextmanager
def _client(uri: str) -> Iterator[Any]:
    import mlflow

    logging.getLogger("alembic").setLevel(logging.WARNING)
    mlflow.set_tracking_uri(uri)
    paths.work().mkdir(parents=True, exist_ok=True)
    # Two processes that make the tables of a new database at the same time break it.
    with FileLock(paths.work() / "mlflow.lock"):
        yield mlflow.MlflowClient()


def _log_metrics(client: Any, run_id: str, metrics: dict[str, float], step: int) -> None:
    from mlflow.entities import Metric
    from mlflow.utils.time import get_current_time_millis

    now = get_current_time_millis()
    client.log_batch(run_id, metrics=[Metric(key, value, now, step) for key, value in metrics.items()])


def _log_params(client: Any, run_id: str, values: dict[str, str]) -> None:
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


def _data_tags(dataset: str) -> dict[str, str]:
    with suppress(FileNotFoundError):  # training needs the prepared pictures alone
        return {DATA: read_json(paths.source(dataset))["content_sha256"]}
    return {}


def _source_tags() -> dict[str, str]:
    tags = {
        "mlflow.source.git.commit": _git("rev-parse", "HEAD"),
        "git.dirty": str(bool(_git("status", "--porcelain", "--untracked-files=no"))).lower(),
        "dvc.exp": os.environ.get("DVC_EXP_NAME", ""),
        "dvc.baseline": os.environ.get("DVC_EXP_BASELINE_REV", ""),
        "dvc.stage": os.environ.get("DVC_STAGE", ""),
    }
    return {key: value for key, value in tags.items() if value}


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def flatten(values: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """`{"a": {"b": 1}}` as `{"a.b": "1"}`: mappings are opened, lists are not."""
    flat: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, dict) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = str(value)
    return flat


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
