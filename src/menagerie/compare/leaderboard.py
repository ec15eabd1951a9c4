"""Models side by side: the tables of the comparison."""

from typing import Any

import numpy as np
import pandas as pd

from menagerie.compare.paired import compare_pairs, error_agreement


def leaderboard(metrics: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """One row a model, the highest test accuracy first; equal ones in the order of their names.

    `metrics` maps a model's name to what evaluate wrote in its metrics.json. What does not say train or
    val is of test; `gap` is the accuracy of train less that of test.
    """
    of_test = ["accuracy", "accuracy_low", "accuracy_high", "n", "f1_macro", "loss", "ece"]
    rows = [
        {
            "model": name,
            **{key: values["test"][key] for key in of_test},
            **{
                f"val_{key}": values["val"][key] for key in ("accuracy", "accuracy_low", "accuracy_high", "n")
            },
            "val_loss": values["val"]["loss"],
            "train_accuracy": values["train"]["accuracy"],
            **{key: values[key] for key in ("gap", "gap_low", "gap_high", "epochs")},
            **{key: values[key] for key in ("params", "trainable_params", "model_bytes")},
        }
        for name, values in metrics.items()
    ]
    return pd.DataFrame(rows).sort_values(["accuracy", "model"], ascending=[False, True], ignore_index=True)


def selected(board: pd.DataFrame) -> pd.Series:
    """Choose the best model by val alone, its loss where accuracies are equal: test only reports on it."""
    return board.sort_values(["val_accuracy", "val_loss", "model"], ascending=[False, True, True]).iloc[0]


def summary(board: pd.DataFrame) -> dict[str, Any]:
    """The few numbers that `dvc metrics diff` and `dvc exp show` are to show."""
    kept = ["accuracy", "accuracy_low", "accuracy_high", "n", "f1_macro", "loss", "val_accuracy"]
    kept += ["val_accuracy_low", "val_accuracy_high", "val_n", "gap", "epochs"]
    best = selected(board)
    return {
        "best": {"model": best["model"], "accuracy": best["accuracy"], "val_accuracy": best["val_accuracy"]},
        "models": {row["model"]: row[kept].to_dict() for _, row in board.sort_values("model").iterrows()},
    }


def pairs(predictions: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Each pair of models on the same test pictures: are they different, and do they err alike.

    `predictions` maps a model's name to what evaluate wrote in its predictions.csv, of which `actual`,
    `predicted` and, where it is there, `group` are read. Columns as of paired.compare_pairs and
    paired.error_agreement; no rows with one model.
    """
    names = list(predictions)
    correct = np.stack([(table["actual"] == table["predicted"]).to_numpy() for table in predictions.values()])
    agreement, groups = error_agreement(names, correct), predictions[names[0]].get("group")
    tested = compare_pairs(names, correct, None if groups is None else groups.to_numpy())
    return tested.merge(agreement, on=["model_a", "model_b"])


def both_ways(pairs: pd.DataFrame) -> pd.DataFrame:
    """Each row of `pairs` twice: as it is, and seen from the other model."""
    swapped = {"model_a": "model_b", "only_a_right": "only_b_right"}
    turned = pairs.rename(columns=swapped | {new: old for old, new in swapped.items()})
    turned = turned.assign(difference=-pairs["difference"], low=-pairs["high"], high=-pairs["low"])
    return pd.concat([pairs, turned], ignore_index=True)


def robustness(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """One row a model: its mean accuracy over the strengths of each corruption, and `mean` over them all.

    `tables` maps a model's name to what evaluate wrote in its robustness.csv; models whose table has no
    rows are left out.
    """
    rows = [
        {
            "model": name,
            **table.groupby("corruption", sort=False)["accuracy"].mean(),
            "mean": table["accuracy"].mean(),
        }
        for name, table in tables.items()
        if len(table)
    ]
    return pd.DataFrame(rows)


def learning_curves(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The histories of all models under each other, told apart by the column `model`.

    `tables` maps a model's name to what evaluate wrote in its history.csv.
    """
    return _under_each_other(tables)


def roc_macro(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """The macro-average ROC curve of each model that has one: model, fpr, tpr.

    `tables` maps a model's name to what evaluate wrote in its roc.csv (see curves.roc_table).
    """
    together = _under_each_other(tables)
    macro = together[together["kind"] == "macro"]
    return macro[["model", "fpr", "tpr"]].reset_index(drop=True)


def _under_each_other(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return pd.concat([table.assign(model=name) for name, table in tables.items()], ignore_index=True)
