"""The registry: every evaluated model is a version of its data set's registered model; one is champion."""

import json
import tempfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pandas as pd

from menagerie import paths
from menagerie.tracking.store import SPLIT, client_of, tracking_uri, warn

CHAMPION = "champion"  # the alias: `models:/digits@champion`
REASON = "champion.reason"  # the tag that says why it is
LONGEST = 5000  # characters of a description that MLflow keeps
VAL_PREDICTIONS = "metrics/val_predictions.csv"  # among a run's artifacts

ABOUT = "Every model that was tested on this data set; the alias `champion` is at the best of them by val."
USE = "```\nmenagerie predict PICTURE --uri models:/{}@champion\n```"

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Version:
    """A version of a registered model, by what evaluate noted of it."""

    number: str
    run_id: str
    model: str
    model_sha256: str
    split_sha256: str
    val_accuracy: float
    val_n: int

    @property
    def name(self) -> str:
        return f"version {self.number} ({self.model})"


@dataclass(frozen=True)
class Registered:
    """What is registered of a data set; no champion where none was chosen yet.

    `champion_val` is what evaluate wrote of val with the champion's run, all columns text; None where it was
    not asked for or is not there.
    """

    versions: list[Version]  # the newest first
    champion: Version | None
    champion_val: pd.DataFrame | None

    def version_of(self, model: str, model_sha256: str) -> Version | None:
        return next(
            (one for one in self.versions if (one.model, one.model_sha256) == (model, model_sha256)), None
        )


def register(
    client: Any, run_id: str, model_id: str, dataset: str, tags: dict[str, str], card: Callable[[str], str]
) -> str:
    """Make a run's model a version, or renew what its version says; the number of the version.

    A model is known by its tags `model` and `model.sha256`; `card` describes it, given its URI, which is cut
    to LONGEST characters.
    """
    known = [one for one in _versions(client, dataset) if _same(one.tags, tags)]
    if known:
        number = known[0].version
        for key, value in tags.items():
            client.set_model_version_tag(dataset, number, key, value)
    else:
        if not client.search_registered_models(f"name = '{dataset}'", max_results=1):
            client.create_registered_model(dataset, description=f"{ABOUT}\n\n{USE.format(dataset)}")
        made = client.create_model_version(
            dataset, f"models:/{model_id}", run_id, tags=tags, model_id=model_id, await_creation_for=None
        )
        number = made.version
        versions = json.dumps([{"name": dataset, "version": number}])
        client.set_logged_model_tags(model_id, {"mlflow.modelVersions": versions})  # its page links them
    client.update_model_version(dataset, number, card(f"models:/{dataset}/{number}")[:LONGEST])
    return str(number)


def registered(dataset: str, at_hand: Collection[str] = ()) -> Registered | None:
    """What is registered of a data set; None, and a word to the user, when the store cannot be reached.

    Of models whose SHA-256 is among `at_hand` no predictions are fetched.
    """

    def read(client: Any) -> Registered:
        found = client.search_registered_models(f"name = '{dataset}'", max_results=1)
        versions = [_version(one) for one in _versions(client, dataset)] if found else []
        number = str(found[0].aliases.get(CHAMPION, "")) if found else ""
        champion = next((one for one in versions if one.number == number), None)
        wanted = champion is not None and champion.model_sha256 not in at_hand
        return Registered(versions, champion, _val_predictions(client, champion) if wanted else None)

    return _told(read)


def crown(dataset: str, number: str, reason: str) -> bool:
    """Make a version the champion, or leave it so, and note why; whether that was done."""

    def write(client: Any) -> bool:
        client.set_registered_model_alias(dataset, CHAMPION, number)
        client.set_model_version_tag(dataset, number, REASON, reason)
        client.set_registered_model_tag(dataset, REASON, reason)
        return True

    return bool(_told(write))


def _val_predictions(client: Any, version: Version) -> pd.DataFrame | None:
    if VAL_PREDICTIONS not in {item.path for item in client.list_artifacts(version.run_id, "metrics")}:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = client.download_artifacts(version.run_id, VAL_PREDICTIONS, folder)
        return pd.read_csv(path, dtype=str, keep_default_na=False)


def _versions(client: Any, dataset: str) -> Sequence[Any]:
    """The newest first."""
    found: list[Any] = []
    token = None
    while True:
        page = client.search_model_versions(f"name = '{dataset}'", page_token=token)
        found += page
        token = page.token
        if not token:
            return sorted(found, key=lambda one: int(one.version), reverse=True)


def _version(one: Any) -> Version:
    tags = one.tags
    return Version(
        number=str(one.version),
        run_id=one.run_id or "",
        model=tags.get("model", ""),
        model_sha256=tags.get("model.sha256", ""),
        split_sha256=tags.get(SPLIT, ""),
        val_accuracy=float(tags.get("val_accuracy", "nan")),
        val_n=int(tags.get("val_n", "0")),
    )


def _same(tags: dict[str, str], wanted: dict[str, str]) -> bool:
    return all(tags.get(key) == wanted[key] for key in ("model", "model.sha256"))


def _told(call: Callable[[Any], Answer]) -> Answer | None:
    try:
        with client_of(tracking_uri(paths.main_repository())) as client:
            pass
        return call(client)
    except Exception as error:  # whatever it is, the stage has done its work
        warn(error)
        return None
