"""The runs of a sweep side by side, the best by val first."""

import pandas as pd

from menagerie.compare.replicates import Settings, changes
from menagerie.errors import MenagerieError
from menagerie.evaluate.intervals import wilson_interval

COLUMNS = ["model", "experiment", "seed", "changed", "val_accuracy", "low", "high", "val_n", "test_accuracy"]


def table(runs: pd.DataFrame, current: dict[str, Settings]) -> pd.DataFrame:
    """One row a tested run, sorted by val accuracy: never by test, which is opened once a choice is made.

    `runs` as of tracking.store.evaluated_runs, `current` as of replicates.current_settings. Of runs with the
    same settings and seed the latest counts. A run of which the store has no val accuracy, or that does not
    know its settings, is left out.

    Returns:
        COLUMNS: `changed` says what differs from params.yaml, as replicates.table has it; accuracies are
        shares of the pictures, low and high the 95 % interval (Wilson) of the one on val.

    Raises:
        MenagerieError: nothing is left.
    """
    runs = runs.dropna(subset=["params.seed", "val_accuracy"])
    if runs.empty:
        raise MenagerieError(
            "no run in the tracking store has a val accuracy and its settings; make some with "
            "`dvc exp run --queue -S 'seed=1,2,3'` and `dvc queue start`"
        )
    runs = runs.sort_values("start_time", kind="stable", ignore_index=True)
    runs = runs.assign(changed=changes(runs, current), seed=runs["params.seed"].astype(int))
    runs = runs.drop_duplicates(["model", "changed", "seed"], keep="last").astype({"val_n": int})
    pairs = zip(runs["val_accuracy"], runs["val_n"], strict=True)
    low, high = zip(*(wilson_interval(round(share * n), n) for share, n in pairs), strict=True)
    found = runs.assign(low=low, high=high)
    return found.sort_values("val_accuracy", ascending=False, kind="stable", ignore_index=True)[COLUMNS]
