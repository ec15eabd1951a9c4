"""The store of runs: where it is, how it is reached, what is in it."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock

from menagerie import paths
from menagerie.errors import MenagerieError
from menagerie.tracking import reasons
from menagerie.tracking.moving import moved_from

DATA, SPLIT = "data.sha256", "split.sha256"  # tags: of all pictures, and of which of them train and test
FILES = "mlartifacts"  # the folder of an embedded store's files, beside it
KIND = "mlflow.experimentKind"  # by which MLflow's pages are laid out: not as for language models
PAGE = 100  # runs a request: the answer has 15 s

# A stage must not wait minutes for a server that is gone: MLflow's own default is seven tries of 120 s.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "15")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # of a server, three times a run


def tracking_uri(root: Path) -> str:
    """Say where runs go: MLFLOW_TRACKING_URI, a relative sqlite path read from `root`, or root/mlflow.db."""
    uri = os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db"
    scheme, found, path = uri.partition("sqlite:///")
    if found and not scheme and not Path(path).is_absolute():
        return f"sqlite:///{(root / path).as_posix()}"
    return uri


def there(uri: str) -> bool:
    """Whether a store is at hand that need not be made; of a server it is not known."""
    return not uri.startswith("sqlite:///") or Path(uri.removeprefix("sqlite:///")).is_file()


def client() -> Any:
    """A client of the store where runs go.

    Raises:
        MenagerieError: the repository was moved or copied, and the store tells of files by their old place.
    """
    root = paths.main_repository()
    uri = tracking_uri(root)
    with client_of(uri) as own:
        if old := moved_from(uri, root):
            raise MenagerieError(
                f"the repository was moved or copied: its runs' files would go to {old / FILES}, expected "
                f"{root / FILES}; `menagerie sync` has the store follow"
            )
        return own


def experiment_id(client: Any, name: str) -> str:
    """That of the experiment of this name, which is made if it is not there.

    Raises:
        MenagerieError: it was deleted.
    """
    root = paths.main_repository()
    uri = tracking_uri(root)
    with client_of(uri):
        if known := client.get_experiment_by_name(name):
            if known.lifecycle_stage == "deleted":
                raise MenagerieError(
                    f"the experiment {name} was deleted in MLflow; expected one that takes runs: `mlflow "
                    f"experiments restore --experiment-id {known.experiment_id}` brings it back, `mlflow gc "
                    f"--experiment-ids {known.experiment_id}` lets a new one be made (each with the store in "
                    "MLFLOW_TRACKING_URI)"
                )
            return str(known.experiment_id)
        # Fixed here, or MLflow takes the folder of the first process: a queued experiment's is removed.
        local = (root / FILES / name).as_uri() if uri.startswith("sqlite:") else None
        return str(client.create_experiment(name, local, {KIND: "custom_model_development"}))


@contextmanager
def client_of(uri: str) -> Iterator[Any]:
    import mlflow

    logging.getLogger("alembic").setLevel(logging.WARNING)
    # It prints the traceback of what it raises, a hundred lines; what is raised is told in one, by `warn`.
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    mlflow.set_tracking_uri(uri)
    if not uri.startswith("sqlite:"):
        yield mlflow.MlflowClient()
        return
    paths.work().mkdir(parents=True, exist_ok=True)
    # Two processes that make the tables of a new database at the same time break it.
    with FileLock(paths.work() / "mlflow.lock"):
        yield mlflow.MlflowClient()


def evaluated_runs(dataset: str) -> pd.DataFrame:
    """Every finished run of a data set that has a test accuracy; nothing is made where there is none.

    Returns:
        One row a run: model, run_id, start_time, experiment (DVC's name of it, or empty), test_accuracy,
        test_n, val_accuracy and val_n (of the kept epoch, None where it was not logged), data.sha256,
        split.sha256 and a column `params.<key>` for each parameter of any run. Parameters are text, missing
        where a run has none: one that took up a model trained elsewhere has not even `params.seed`.

    Raises:
        MenagerieError: there is no such run, or the store cannot be read.
    """
    uri = tracking_uri(paths.main_repository())
    store = uri if uri.startswith("sqlite:") else "MLFLOW_TRACKING_URI"  # which may hold a password
    try:
        runs = _evaluated_runs(uri, dataset)
    except Exception as error:  # MLflow's, its database's or its connection's
        raise MenagerieError(
            f"the tracking store ({store}) cannot be read: {why(error)}; start its server, if it has "
            "one, or name another store with MLFLOW_TRACKING_URI"
        ) from error
    if not runs:
        raise MenagerieError(
            f"the tracking store ({store}) has no finished run of {dataset} with a test accuracy; make some "
            "with `dvc exp run --queue -S 'seed=1,2,3'` and `dvc queue start`"
        )
    rows = [
        {
            "model": run.data.tags.get("model", run.info.run_name),
            "run_id": run.info.run_id,
            "start_time": pd.to_datetime(run.info.start_time, unit="ms", utc=True),
            "experiment": run.data.tags.get("dvc.exp", ""),
            **{f"test_{key}": _of_test(run.data.metrics, key) for key in ("accuracy", "n")},
            **{f"val_{key}": run.data.metrics.get(f"val/{key}") for key in ("accuracy", "n")},
            **{tag: run.data.tags.get(tag) for tag in (DATA, SPLIT)},
            "params.seed": None,  # a column even where no run has one
            "params.compute.deterministic": "True",  # as all runs were before there was a choice
            **{f"params.{key}": value for key, value in run.data.params.items()},
        }
        for run in runs
    ]
    return pd.DataFrame(rows)


def _evaluated_runs(uri: str, dataset: str) -> list[Any]:
    if not there(uri):
        return []
    with client_of(uri) as client:
        experiment = client.get_experiment_by_name(dataset)
    if experiment is None:
        return []
    runs: dict[str, Any] = {}
    for accuracy in ("`test/accuracy`", "test_accuracy"):  # the second is what earlier versions wrote
        query = f"attributes.status = 'FINISHED' and metrics.{accuracy} >= 0"
        token = None
        while token is None or token:
            page = client.search_runs([experiment.experiment_id], query, max_results=PAGE, page_token=token)
            runs |= {run.info.run_id: run for run in page}
            token = page.token or ""
    return list(runs.values())


def _of_test(metrics: dict[str, float], key: str) -> float | None:
    return metrics.get(f"test/{key}", metrics.get(f"test_{key}"))


def warn(error: Exception) -> None:
    print(
        f"warning: not tracked in MLflow for now: {why(error)}; what is logged waits in .work/outbox "
        "and is sent when it can be, by the next stage or by `menagerie sync`",
        file=sys.stderr,
    )


def why(error: Exception) -> str:
    """What an error of the store where runs go says."""
    return reasons.why(error, tracking_uri(paths.main_repository()))
