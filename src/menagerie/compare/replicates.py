"""The same training from several seeds: how much of an accuracy is the seed's luck."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t

from menagerie.errors import MenagerieError
from menagerie.params import Params
from menagerie.tracking import settings
from menagerie.tracking.store import DATA, SPLIT

ACCURACY = ["accuracy_mean", "accuracy_std", "low", "high", "accuracy_min", "accuracy_max"]
# The seed, and what cannot change a result.
NOT_COMPARED = {"seed", "compute.cache_gb"} | {
    f"dataset.{key}" for key in ("name", "title", "homepage", "licence", "citation")
}
Settings = dict[str, str]


def current_settings(params: Params, data_sha256: str, split_sha256: str) -> dict[str, Settings]:
    """What each model of params.yaml is trained with now.

    The hashes are that of all pictures (data/<ds>/source.json has it) and that of data/<ds>/split.csv.
    """
    data = {DATA: data_sha256, SPLIT: split_sha256}
    return {name: settings(params, name) | data for name in params.models}


def table(runs: pd.DataFrame, current: dict[str, Settings]) -> pd.DataFrame:
    """Bring the runs of each model that differ in nothing but their seed together.

    `runs` as of tracking.store.evaluated_runs, `current` as of current_settings. Runs are replicates when
    their parameters are equal, but for `seed` and what cannot change a result, and so are the hashes of their
    pictures and their split; the code and the machine are not compared. Of the runs of one seed the latest
    counts: a seed repeated gives the same result, which says nothing new. A run without parameters, of a
    model that was trained elsewhere and restored by DVC, is left out: nothing says which seed it had.

    Returns:
        One row for each model with the settings of params.yaml, be it of one run, then one for any other
        settings that two seeds or more were trained with; of each kind the highest mean first. `changed`
        is empty or says what differs from params.yaml, such as `phases.main.learning_rate=0.01`, or
        `no KEY` where the run did not know a key; of a model that is not in params.yaml it says so, and
        what differs from its latest run. `seeds` is text, `1, 2, 3`. Accuracies are shares of the test
        pictures; accuracy_std has n - 1 below (ddof=1). low and high are the 95 % interval of the mean by
        Student's t, cut to 0..1: it covers what the seed makes of a training on one fixed split, not what
        other test pictures would. With n = 1 these three are NaN.

    Raises:
        MenagerieError: no run tells its seed.
    """
    if runs["params.seed"].isna().all():
        raise MenagerieError(
            "no run in the tracking store tells the seed that it was trained with; make some with "
            "`dvc exp run --queue -S 'seed=1,2,3'` and `dvc queue start`"
        )
    runs = runs.dropna(subset=["params.seed"]).sort_values("start_time", kind="stable", ignore_index=True)
    runs = runs.assign(changed=changes(runs, current), seed=runs["params.seed"].astype(int))
    runs = runs.drop_duplicates(["model", "changed", "seed"], keep="last")
    found = _summarised(runs.groupby(["model", "changed"], as_index=False))
    found = found[(found["changed"] == "") | (found["n"] > 1)]
    found = found.sort_values(["accuracy_mean", "model", "changed"], ascending=[False, True, True])
    found = found.sort_values("changed", key=lambda texts: texts != "", kind="stable", ignore_index=True)
    return found[["model", "changed", "n", "seeds", *ACCURACY]]


def _summarised(groups: Any) -> pd.DataFrame:
    found = groups.agg(
        n=("seed", "size"),
        seeds=("seed", lambda seeds: ", ".join(map(str, sorted(seeds)))),
        accuracy_mean=("test_accuracy", "mean"),
        accuracy_std=("test_accuracy", "std"),
        accuracy_min=("test_accuracy", "min"),
        accuracy_max=("test_accuracy", "max"),
    )
    margin = t.ppf(0.975, found["n"] - 1) * found["accuracy_std"] / np.sqrt(found["n"])
    low, high = found["accuracy_mean"] - margin, found["accuracy_mean"] + margin
    return found.assign(low=low.clip(lower=0), high=high.clip(upper=1))


def changes(runs: pd.DataFrame, current: dict[str, Settings]) -> list[str]:
    """The column `changed` of `table`, for runs that are in the order of their start."""
    trained = [_settings(run) for run in runs.to_dict("records")]
    latest = dict(zip(runs["model"], trained, strict=True))
    changes = []
    for model, own in zip(runs["model"], trained, strict=True):
        differences = _differences(own, current.get(model, latest[model]))
        changes.append(", ".join(differences if model in current else ["not in params.yaml", *differences]))
    return changes


def _settings(run: dict[str, Any]) -> Settings:
    """What a row of runs was trained with; what it did not log is not there."""
    named = {key.removeprefix("params."): value for key, value in run.items() if key.startswith("params.")}
    return {
        key: value
        for key, value in (named | {tag: run[tag] for tag in (DATA, SPLIT)}).items()
        if isinstance(value, str)
    }


def _differences(own: Settings, reference: Settings) -> list[str]:
    """What tells `own` from `reference`: the same texts only for the same settings."""
    texts = []
    for key in sorted((own.keys() | reference.keys()) - NOT_COMPARED):
        name = key.removeprefix("model.")
        if key in own and own[key] != reference.get(key):
            texts.append(f"{name}={own[key][:8] if key in (DATA, SPLIT) else own[key]}")
        elif key not in own and not any(_excludes(key, other) for other in own):
            texts.append(f"no {name}")
    return texts


def _excludes(key: str, other: str) -> bool:
    """Whether no mapping has both: where `schedule` is a value there is no `schedule.kind`."""
    return key.startswith(f"{other}.") or other.startswith(f"{key}.")
