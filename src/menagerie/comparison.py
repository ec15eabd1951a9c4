"""Models side by side, and beside what was reported: tables, the summary, the report."""

from typing import Any

import numpy as np
import pandas as pd

from menagerie.paired import compare_pairs, error_agreement
from menagerie.params import FoldersSplit, Notebook, Params, Reported

REPRODUCED = "inside our interval"


def leaderboard(metrics: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """One row a model, the highest test accuracy first; equal ones in the order of their names.

    `metrics` maps a model's name to what evaluate wrote in its metrics.json.
    """
    rows = [
        {
            "model": name,
            **{key: values["test"][key] for key in ("accuracy", "accuracy_low", "accuracy_high", "n")},
            "f1_macro": values["test"]["f1_macro"],
            "loss": values["test"]["loss"],
            "val_accuracy": values["val"]["accuracy"],
            "val_loss": values["val"]["loss"],
            "epochs": values["epochs"],
            "params": values["params"],
        }
        for name, values in metrics.items()
    ]
    return pd.DataFrame(rows).sort_values(["accuracy", "model"], ascending=[False, True], ignore_index=True)


def selected(board: pd.DataFrame) -> pd.Series:
    """Choose the best model by val alone, its loss where accuracies are equal: test only reports on it."""
    return board.sort_values(["val_accuracy", "val_loss", "model"], ascending=[False, True, True]).iloc[0]


def summary(board: pd.DataFrame) -> dict[str, Any]:
    """The few numbers that `dvc metrics diff` and `dvc exp show` are to show."""
    kept = ["accuracy", "accuracy_low", "accuracy_high", "f1_macro", "loss", "val_accuracy", "epochs"]
    best = selected(board)
    return {
        "best": {"model": best["model"], "accuracy": best["accuracy"], "val_accuracy": best["val_accuracy"]},
        "models": {row["model"]: row[kept].to_dict() for _, row in board.sort_values("model").iterrows()},
    }


def against_reported(metrics: dict[str, dict[str, Any]], notebook: Notebook) -> pd.DataFrame:
    """Put the published accuracy beside ours, on the split that it was published for.

    The rule: a number counts as reproduced when it lies inside the 95 % interval of ours; if it does
    not, the verdict says by how much it misses the nearer end. There is none where the number is of other
    pictures: of another data set, or, since their number differs, of another split.
    """
    rows = []
    for name in [name for name in notebook.models if name in metrics]:
        reported, ours = notebook.models[name], metrics[name][notebook.models[name].split]
        rows.append(
            {
                "model": name,
                "split": reported.split,
                "reported": reported.accuracy,
                "reported_n": reported.n,
                "reproduced": ours["accuracy"],
                "low": ours["accuracy_low"],
                "high": ours["accuracy_high"],
                "n": ours["n"],
                "difference": ours["accuracy"] - reported.accuracy,
                "verdict": _incomparable(notebook, reported, ours["n"])
                or verdict(reported.accuracy, ours["accuracy_low"], ours["accuracy_high"]),
                "note": reported.note,
            }
        )
    return pd.DataFrame(rows)


def pairs(predictions: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Each pair of models on the same test pictures: are they different, and do they err alike.

    `predictions` maps a model's name to what evaluate wrote in its predictions.csv. Columns as of
    paired.compare_pairs and paired.error_agreement; no rows with one model.
    """
    names = list(predictions)
    correct = np.stack([(table["actual"] == table["predicted"]).to_numpy() for table in predictions.values()])
    agreement = error_agreement(names, correct)
    return compare_pairs(names, correct).merge(agreement, on=["model_a", "model_b"])


def _incomparable(notebook: Notebook, reported: Reported, n: int) -> str:
    if notebook.published_on != notebook.dataset:
        return f"not comparable: of {notebook.published_on}"
    return "" if n == reported.n else f"not comparable: of {reported.n} other pictures"


def reported_accuracies(params: Params) -> dict[str, float]:
    """The published accuracy of each model of this run that has one for this data set."""
    if params.reported is None or params.reported.dataset != params.dataset.name:
        return {}
    return {
        name: params.reported.models[name].accuracy
        for name in params.models
        if name in params.reported.models
    }


def verdict(reported: float, low: float, high: float) -> str:
    """Say whether the published accuracy lies in our interval; all in [0, 1], misses in points of 100."""
    if reported < low:
        return f"no: ours is higher, {100 * (low - reported):.2f} points outside"
    if reported > high:
        return f"no: ours is lower, {100 * (reported - high):.2f} points outside"
    return REPRODUCED


def report(
    params: Params,
    source: dict[str, Any],
    data: dict[str, Any],
    metrics: dict[str, dict[str, Any]],
    pairs: pd.DataFrame,
) -> str:
    """Write the comparison as Markdown, free of times and machines: equal results give an equal text."""
    board = leaderboard(metrics)
    parts = [f"# {params.dataset.title}", _data_section(params, source, data), _board_section(board, data)]
    if len(pairs):
        parts.append(_pairs_section(selected(board)["model"], board["model"], pairs))
    if params.reported and reported_accuracies(params):
        parts.append(_reported_section(metrics, params.reported))
    parts.append(_how_section(params))
    return "\n\n".join(parts) + "\n"


def _data_section(params: Params, source: dict[str, Any], data: dict[str, Any]) -> str:
    counts = pd.DataFrame(data["classes"]).T
    counts.index = [" ".join(name.split()).replace("|", "\\|") for name in counts.index]  # a cell is one line
    counts = pd.concat([counts, pd.DataFrame({"all": counts.sum()}).T])
    split = params.dataset.split
    drawn = not isinstance(split, FoldersSplit)  # folders leave nothing to chance
    seed = f", seed {split.seed}" if drawn else ""
    where = f" from <{params.dataset.homepage}>" if params.dataset.homepage else ""
    lines = [
        "## Data",
        f"{data['pictures']} pictures{where}, licence {params.dataset.licence}, "
        f"content SHA-256 `{source['content_sha256']}`. {params.dataset.citation}".strip(),
        f"Split policy `{split.policy}`{seed}; {len(data['unreadable'])} pictures could not be read.",
        counts.rename_axis("class").to_markdown(),
    ]
    if leaks := sum(line["count"] for line in data["duplicates"]["leaks"]):
        lines.append(
            f"Exact and near duplicates: {leaks} pictures of one split are in another one too "
            f"(`dataset.duplicates` is `{params.dataset.duplicates}`)."
        )
    if groups := data["groups"]:
        lines.append(
            f"Pictures belong to {groups['groups']} groups ({params.dataset.groups}). "
            f"Of the {groups['in_test']} in test, {groups['in_test_and_train']} are in train too."
        )
    return "\n\n".join(lines)


def _board_section(board: pd.DataFrame, data: dict[str, Any]) -> str:
    best = selected(board)
    table = pd.DataFrame(
        {
            "model": board["model"],
            "test accuracy": _percent(board["accuracy"]),
            "95 % interval": _interval(board["accuracy_low"], board["accuracy_high"]),
            "n": board["n"],
            "macro F1": _percent(board["f1_macro"]),
            "loss": board["loss"].map("{:.4f}".format),
            "val accuracy": _percent(board["val_accuracy"]),
            "epochs": board["epochs"],
            "parameters": board["params"].map("{:,}".format),
        }
    )
    lines = [
        "## Leaderboard",
        f"Chosen by val accuracy: **{best['model']}**, test accuracy {100 * best['accuracy']:.2f} %. "
        "Intervals are Wilson's; each row is one run.",
        table.to_markdown(index=False, disable_numparse=True),
    ]
    if shared := data["test_pictures_also_in"]["val"]:
        lines.append(
            f"**Careful:** {shared} of {data['splits']['test']} test pictures are val pictures too, as in "
            "the notebook. Whatever was chosen with them in view scores too high here."
        )
    return "\n\n".join(lines)


def _pairs_section(best: str, order: pd.Series, pairs: pd.DataFrame) -> str:
    turned = pairs.rename(columns={"model_a": "model_b", "model_b": "model_a"})
    turned = turned.rename(columns={"only_a_right": "only_b_right", "only_b_right": "only_a_right"})
    turned = turned.assign(difference=-pairs["difference"], low=-pairs["high"], high=-pairs["low"])
    both = pd.concat([pairs, turned])
    rows = both[both["model_a"] == best].set_index("model_b").loc[[name for name in order if name != best]]
    table = pd.DataFrame(
        {
            f"{best} against": rows.index,
            "difference": (100 * rows["difference"]).map("{:+.2f}".format),
            "95 % interval": _interval(rows["low"], rows["high"]),
            "only it right": rows["only_a_right"],
            "only the other right": rows["only_b_right"],
            "p": rows["p_holm"].map(_p_value),
            "kappa of errors": rows["kappa"].map("{:.2f}".format),
        }
    )
    lines = [
        "## Is the difference more than chance?",
        "On the same test pictures: points of accuracy with their paired bootstrap interval, and the p of "
        f"McNemar's exact test after Holm's correction for all {len(pairs)} pairs. Each model is one run: "
        "another seed would move it too. `plots/<data set>/comparison/pairs.csv` has every pair.",
        table.to_markdown(index=False, disable_numparse=True),
    ]
    return "\n\n".join(lines)


def _p_value(p: float) -> str:
    return "< 0.0001" if p < 1e-4 else f"{p:.4f}"


def _reported_section(metrics: dict[str, dict[str, Any]], notebook: Notebook) -> str:
    lines = ["## Reported and reproduced", f"Reported by *{notebook.title}*. {notebook.note}"]
    table = against_reported(metrics, notebook)
    shown = pd.DataFrame(
        {
            "model": table["model"],
            "split": table["split"],
            "reported": _percent(table["reported"]),
            "reproduced": _percent(table["reproduced"]),
            "95 % interval": _interval(table["low"], table["high"]),
            "n": table["n"],
            "difference": (100 * table["difference"]).map("{:+.2f}".format),
            "reported value": table["verdict"],
        }
    )
    lines.append(shown.to_markdown(index=False, disable_numparse=True))
    lines += [f"- {name}: {note}" for name, note in zip(table["model"], table["note"], strict=True) if note]
    return "\n\n".join(lines)


def _how_section(params: Params) -> str:
    study = f"-S study={params.study} " if params.study else ""
    command = (
        f"dvc exp run {study}-S dataset={params.dataset.name} "
        f"-S 'model=[{','.join(params.models)}]' -S seed={params.seed}"
    )
    return (
        f"## How to repeat this\n\n```\n{command}\n```\n\n"
        "Any other setting that was changed with `-S` has to be given again; `params.yaml` of the commit has "
        "them all. With the same versions on the same machine every number comes out the same."
    )


def _percent(values: pd.Series) -> pd.Series:
    return (100 * values).map("{:.2f}".format)


def _interval(low: pd.Series, high: pd.Series) -> pd.Series:
    return _percent(low) + " to " + _percent(high)
