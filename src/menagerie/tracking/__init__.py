"""Experiment tracking, the only import of mlflow. It changes no result and stops none.

The store is mlflow.db with mlartifacts/ in the main repository, whichever copy a stage runs in, or
what MLFLOW_TRACKING_URI names. When it cannot be reached the user is told once and work goes on.
"""

import getpass
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from menagerie import paths
from menagerie.files import read_json, remove, whole
from menagerie.model_facts import ModelFacts
from menagerie.params import Params
from menagerie.tracking import store
from menagerie.tracking.process import close_gone, process_tags
from menagerie.tracking.registry import Registered, Version, crown, registered
from menagerie.tracking.run import NOTE, Run, log_params

__all__ = [
    "Registered",
    "Run",
    "Version",
    "crown",
    "evaluation_run",
    "flatten",
    "registered",
    "settings",
    "training_run",
    "version_tags",
]

LONGEST = 6000  # characters of a parameter that MLflow keeps


@contextmanager
def training_run(params: Params, name: str, tags: dict[str, str], begun: Path) -> Iterator[Run]:
    """Open the run of one training, named after its model and DVC's experiment.

    It ends FINISHED, FAILED or KILLED. `tags` say what it was made from and where; commit, experiment and
    stage are added here. `begun` is a file that remembers the run until it is finished: the same training,
    begun again, takes it up.
    """

    def connect() -> tuple[Any, str]:
        client, experiment = _connected(params.dataset.name)
        tagged = _data_tags(params.dataset.name) | _source_tags(params, name) | tags
        tagged[NOTE] = f"`{name}` trained on {params.dataset.title} from seed {params.seed}; not tested yet."
        if run_id := _known(client, begun):
            _take_up(client, run_id)
            return client, run_id
        run_id = client.create_run(experiment, run_name=_run_name(name), tags=tagged).info.run_id
        with whole(begun) as part:
            part.write_text(run_id, encoding="utf-8")
        log_params(client, run_id, settings(params, name))
        return client, run_id

    with _ended(Run(connect)) as run:
        yield run
    remove(begun)


def settings(params: Params, name: str) -> dict[str, str]:
    """The parameters of a run that trains this model, flattened, as MLflow keeps them."""
    values = flatten({"seed": params.seed, "compute": params.compute.model_dump()})
    values |= flatten({"dataset": params.dataset.model_dump(), "model": params.model(name).model_dump()})
    return {key: value[:LONGEST] for key, value in values.items()}


@contextmanager
def evaluation_run(params: Params, name: str, model_sha256: str) -> Iterator[Run]:
    """Take up the run that trained the very model evaluated; where it is not known, open one that says so."""

    def connect() -> tuple[Any, str]:
        client, experiment = _connected(params.dataset.name)
        query = f"tags.`model.sha256` = '{model_sha256}' and tags.model = '{name}'"
        if found := client.search_runs([experiment], query, max_results=1):
            _take_up(client, found[0].info.run_id)
            return client, found[0].info.run_id
        tags = _source_tags(params, name) | {
            "model.sha256": model_sha256,
            "model.origin": "trained elsewhere, restored by DVC",
        }
        return client, client.create_run(experiment, run_name=_run_name(name), tags=tags).info.run_id

    with _ended(Run(connect)) as run:
        yield run


def version_tags(params: Params, facts: ModelFacts, metrics: dict[str, Any]) -> dict[str, str]:
    """What a version of the registered model is found and compared by; `metrics` as evaluate writes them."""
    val, test = metrics["val"], metrics["test"]
    tags = {
        "model": facts.model,
        "model.sha256": metrics["model_sha256"],
        store.SPLIT: facts.split_sha256,
        "study": params.study or "",
        "seed": params.seed,
        "val_accuracy": val["accuracy"],
        "val_n": val["n"],
        "test_accuracy": test["accuracy"],
        "test_n": test["n"],
        "licence": params.dataset.licence,
    }
    return {key: str(value) for key, value in tags.items() if value != ""}


def _connected(dataset: str) -> tuple[Any, str]:
    client, experiment = store.connect(dataset)
    close_gone(client, experiment)
    return client, experiment


def _known(client: Any, begun: Path) -> str:
    """The run that the same training was begun in, if this store has it."""
    try:
        run_id = begun.read_text(encoding="utf-8")
        return run_id if client.get_run(run_id).info.lifecycle_stage == "active" else ""
    except Exception:  # no such file, or no such run in this store
        return ""


def _take_up(client: Any, run_id: str) -> None:
    client.update_run(run_id, status="RUNNING")
    for key, value in process_tags().items():
        client.set_tag(run_id, key, value)


def _run_name(name: str) -> str:
    """Of a model's runs each DVC experiment has another name."""
    return " ".join(filter(None, [name, os.environ.get("DVC_EXP_NAME")]))


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


def _data_tags(dataset: str) -> dict[str, str]:
    with suppress(FileNotFoundError):  # training needs the prepared pictures alone
        return {store.DATA: read_json(paths.source(dataset))["content_sha256"]}
    return {}


def _source_tags(params: Params, name: str) -> dict[str, str]:
    tags = process_tags() | {
        "study": params.study or "",
        "dataset": params.dataset.name,
        "model": name,
        "mlflow.source.name": "src",
        "mlflow.source.type": "LOCAL",
        "mlflow.user": _user(),
        "mlflow.source.git.commit": _git("rev-parse", "HEAD"),
        "git.dirty": str(bool(_git("status", "--porcelain", "--untracked-files=no"))).lower(),
        "dvc.exp": os.environ.get("DVC_EXP_NAME", ""),
        "dvc.baseline": os.environ.get("DVC_EXP_BASELINE_REV", ""),
        "dvc.stage": os.environ.get("DVC_STAGE", ""),
    }
    return {key: value for key, value in tags.items() if value}


def _user() -> str:
    with suppress(Exception):  # a container may have none
        return getpass.getuser()
    return ""


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
