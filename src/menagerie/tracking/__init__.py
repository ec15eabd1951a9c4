"""Experiment tracking, the only import of mlflow. It changes no result and stops none.

The store is mlflow.db with mlartifacts/ in the main repository, whichever copy a stage runs in, or
what MLFLOW_TRACKING_URI names. When it cannot be reached the user is told once and work goes on; what
was to be logged waits in .work/outbox.
"""

import getpass
import os
import signal
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from menagerie import paths
from menagerie.files import read_json, remove, whole
from menagerie.model_facts import ModelFacts
from menagerie.params import Params
from menagerie.tracking import store
from menagerie.tracking.registering import VERSION_URI
from menagerie.tracking.registry import Registered, Version, crown, registered
from menagerie.tracking.run import Run
from menagerie.tracking.sending import NOTE, UID
from menagerie.tracking.syncing import sync

__all__ = [
    "VERSION_URI",
    "Registered",
    "Run",
    "Version",
    "crown",
    "evaluation_run",
    "flatten",
    "registered",
    "search_run",
    "settings",
    "sync",
    "training_run",
    "version_tags",
]

LONGEST = 6000  # characters of a parameter that MLflow keeps


@contextmanager
def training_run(
    params: Params, name: str, tags: dict[str, str], begun: Path, label: str = ""
) -> Iterator[Run]:
    """Open the run of one training, named after its model, DVC's experiment and the label.

    It ends FINISHED, FAILED or KILLED. `tags` say what it was made from and where; commit, experiment and
    stage are added here. `begun` is a file that remembers the run until it is finished: the same training,
    begun again, takes it up.
    """
    uid = begun.read_text(encoding="utf-8") if begun.exists() else uuid.uuid4().hex
    with whole(begun) as part:
        part.write_text(uid, encoding="utf-8")
    tagged = _data_tags(params.dataset.name) | _source_tags(params, name) | tags
    tagged[NOTE] = f"`{name}` trained on {params.dataset.title} from seed {params.seed}; not tested yet."
    begin = _begin(params, name, {UID: uid}, tagged, settings(params, name), label)
    with _ended(Run(uid, begin)) as run:
        yield run
    remove(begun)


def settings(params: Params, name: str) -> dict[str, str]:
    """The parameters of a run that trains this model, flattened, as MLflow keeps them."""
    values = flatten({"seed": params.seed, "compute": params.compute.model_dump()})
    values |= flatten({"dataset": params.dataset.model_dump(), "model": params.model(name).model_dump()})
    return {key: value[:LONGEST] for key, value in values.items()}


@contextmanager
def evaluation_run(params: Params, name: str, model_sha256: str) -> Iterator[Run]:
    """Take up the run that trained the very model evaluated; where the store has none, open one.

    It has the settings of a training of this repository, and says of another that it was elsewhere.
    """
    known_by = {"model.sha256": model_sha256, "model": name}
    tags = _source_tags(params, name)
    if _trained_here(params.dataset.name, name, model_sha256):
        values = settings(params, name)
    else:
        tags, values = tags | {"model.origin": "trained elsewhere, restored by DVC"}, {}
    with _ended(Run(uuid.uuid4().hex, _begin(params, name, known_by, tags, values))) as run:
        yield run


@contextmanager
def search_run(params: Params, name: str, study: str) -> Iterator[Run]:
    """Open the run that the trials of a study of one model are nested under, or take it up."""
    tags = _source_tags(params, name) | {"tune.study": study}
    tags[NOTE] = f"Search for better settings of `{name}` on {params.dataset.title}, by val alone."
    begin = _begin(params, name, {UID: study}, tags, settings(params, name), "tuning")
    with _ended(Run(uuid.uuid4().hex, begin)) as run:
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


def _begin(
    params: Params,
    name: str,
    known_by: dict[str, str],
    tags: dict[str, str],
    values: dict[str, str],
    label: str = "",
) -> dict[str, Any]:
    return {
        "experiment": params.dataset.name,
        "known_by": known_by,
        # of a model's runs each DVC experiment has another name
        "name": " ".join(filter(None, [name, os.environ.get("DVC_EXP_NAME"), label])),
        "tags": tags,
        "params": values,
    }


def _trained_here(dataset: str, name: str, model_sha256: str) -> bool:
    """Training notes the file that it wrote, where no DVC restores the note."""
    record = paths.run_record(dataset, name)
    return record.exists() and read_json(record).get("model_sha256") == model_sha256


@contextmanager
def _ended(run: Run) -> Iterator[Run]:
    def terminated(*_: Any) -> None:
        raise SystemExit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, terminated)
    try:
        yield run
    except (KeyboardInterrupt, SystemExit):
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
    tags = {
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
