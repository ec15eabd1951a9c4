"""The champion in MLflow's registry, chosen among the models that were compared and the present one."""

from collections.abc import Mapping

import pandas as pd

from menagerie import paths, tracking
from menagerie.compare.champion import Contender, decide


def crown(dataset: str, best: str, compared: Mapping[str, str]) -> str:
    """Choose the champion of a data set; what is to be told of it, empty where the store gives no answer.

    `best` is the best of the compared models by val, `compared` the SHA-256 of each model's file.
    """
    names = {model_sha256: name for name, model_sha256 in compared.items()}
    found = tracking.registered(dataset, names)
    if found is None:
        return ""

    def contender(version: tracking.Version) -> Contender:
        val = found.champion_val
        if name := names.get(version.model_sha256):
            predictions = paths.metrics(dataset, name) / "val_predictions.csv"
            val = pd.read_csv(predictions, dtype=str, keep_default_na=False)
        known = version.split_sha256, version.val_accuracy, version.val_n
        return Contender(version.name, version.number, *known, val)

    version = found.version_of(best, compared[best])
    if version is None:
        return f"no champion is chosen, {best} is not registered; dvc repro -f evaluate@{best} does it"
    winner, reason = decide(contender(version), found.champion and contender(found.champion))
    return f"champion of {dataset}: {reason}" if tracking.crown(dataset, winner.number, reason) else ""
