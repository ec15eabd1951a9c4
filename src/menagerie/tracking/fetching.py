"""Model files fetched from the store of runs: of a registered version, or of a run."""

import atexit
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from menagerie import paths
from menagerie.errors import ModelError
from menagerie.tracking import store

FILE = "model.keras"
FORMS = "models:/digits@champion, models:/digits/3 or runs:/RUN_ID/model"


def metrics(uri: str) -> dict[str, Any]:
    """What evaluate wrote in metrics.json of the model that a URI names; empty where there is none."""
    import mlflow

    with suppress(Exception):
        client = store.client()
        kind, _, rest = uri.partition(":/")
        if kind == "models":
            name, alias = rest.split("@") if "@" in rest else rest.split("/")
            by = client.get_model_version_by_alias if "@" in rest else client.get_model_version
            run_id = by(name, alias).run_id
        else:
            run_id = rest.strip("/").partition("/")[0]
        return dict(mlflow.artifacts.load_dict(f"runs:/{run_id}/metrics/metrics.json"))
    return {}


def model_file(uri: str) -> Path:
    """The one model.keras of what a URI of MLflow names; its copy goes when this process ends.

    Raises:
        ModelError: it is no such URI, nothing is there, the store cannot be reached, or what is there has no
            model.keras, or several.
    """
    if not uri.startswith(("models:/", "runs:/")):
        raise ModelError(f"{uri!r} names no model of MLflow; expected such as {FORMS}")
    address = store.tracking_uri(paths.main_repository())
    if not store.there(address):
        raise ModelError(
            f"{uri} cannot be had: there is no tracking store at {address}; run in the repository that "
            "trained the model, or name its store with MLFLOW_TRACKING_URI"
        )
    import mlflow

    folder = Path(tempfile.mkdtemp(prefix="menagerie-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        store.client()
        mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=str(folder))
    except Exception as error:  # MLflow's, its database's or its connection's
        raise ModelError(
            f"{uri} cannot be had from the tracking store: {store.why(error)}; expected such as "
            f"{FORMS}: `make ui` shows what is registered, which `evaluate` and `compare` do, and "
            "MLFLOW_TRACKING_URI names another store"
        ) from error
    found = sorted(folder.rglob(FILE))
    if len(found) != 1:
        raise ModelError(
            f"{uri} holds {len(found) or 'no'} {FILE}, expected one; name a version of a registered model or "
            f"a run that this project trained: {FORMS}"
        )
    return found[0]
