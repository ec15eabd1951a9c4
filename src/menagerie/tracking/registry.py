"""The registry: every evaluated model is a version of its data set's registered model; one is champion."""

import sys
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, TypeVar

import pandas as pd

from menagerie.tracking.registering import versions
from menagerie.tracking.sending import connect
from menagerie.tracking.store import SPLIT, why

CHAMPION = "champion"  # the alias: `models:/digits@champion`
REASON = "champion.reason"  # the tag that says why it is
VAL_PREDICTIONS = "metrics/val_predictions.csv"  # among a run's artifacts

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


def registered(dataset: str, at_hand: Collection[str] = ()) -> Registered | None:
    """What is registered of a data set; None, and a word to the user, when the store cannot be reached.

    Of models whose SHA-256 is among `at_hand` no predictions are fetched.
    """

    def read(client: Any) -> Registered:
        found = client.search_registered_models(f"name = '{dataset}'", max_results=1)
        known = [_version(one) for one in versions(client, dataset)] if found else []
        number = str(found[0].aliases.get(CHAMPION, "")) if found else ""
        champion = next((one for one in known if one.number == number), None)
        wanted = champion is not None and champion.model_sha256 not in at_hand
        return Registered(known, champion, _val_predictions(client, champion) if wanted else None)

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


def _told(call: Callable[[Any], Answer]) -> Answer | None:
    try:
        return call(connect())
    except Exception as error:  # whatever it is, the stage has done its work
        print(
            f"warning: no champion is chosen, the tracking store gives no answer: {why(error)}; "
            "`menagerie sync` chooses when it does",
            file=sys.stderr,
        )
        return None
