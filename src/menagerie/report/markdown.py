"""The comparison as Markdown, for git: equal results give an equal text, free of times and machines."""

from typing import Any

import pandas as pd

from menagerie.compare import leaderboard, published
from menagerie.params import Notebook, Params
from menagerie.params.dataset import FoldersSplit


def report(
    params: Params,
    source: dict[str, Any],
    data: dict[str, Any],
    metrics: dict[str, dict[str, Any]],
    pairs: pd.DataFrame,
    robustness: pd.DataFrame,
) -> str:
    """Write the report of one run.

    `source` and `data` are data/<ds>/source.json and report.json, `metrics` maps a model's name to its
    metrics.json; `pairs` and `robustness` as of comparison.py, without rows where there is nothing to tell.
    """
    board = leaderboard.leaderboard(metrics)
    parts = [f"# {_line(params.dataset.title)}", _data_section(params, source, data)]
    parts.append(_board_section(board, data))
    if len(pairs):
        parts.append(_pairs_section(leaderboard.selected(board)["model"], board["model"], pairs))
    if params.reported and published.reported_accuracies(params):
        parts.append(_reported_section(metrics, params.reported))
        if params.reported.claims:
            parts.append(_claims_section(published.claims(params.reported, metrics, pairs)))
    parts.append(_calibration_section({name: metrics[name]["calibration"] for name in board["model"]}))
    if len(robustness):
        parts.append(_robustness_section(board, robustness))
    parts.append(_how_section(params))
    return "\n\n".join(parts) + "\n"


def _data_section(params: Params, source: dict[str, Any], data: dict[str, Any]) -> str:
    counts = pd.DataFrame(data["classes"]).T
    counts.index = [_cell(name) for name in counts.index]
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
    best = leaderboard.selected(board)
    table = pd.DataFrame(
        {
            "model": board["model"],
            "test accuracy": _percent(board["accuracy"]),
            "95 % interval": _interval(board["accuracy_low"], board["accuracy_high"]),
            "n": board["n"],
            "macro F1": _percent(board["f1_macro"]),
            "loss": board["loss"].map("{:.4f}".format),
            "val accuracy": _percent(board["val_accuracy"]),
            "train accuracy": _percent(board["train_accuracy"]),
            "gap": _points(board["gap"]),
            "epochs": board["epochs"],
            "parameters": board["params"].map("{:,}".format),
        }
    )
    lines = [
        "## Leaderboard",
        f"Chosen by val accuracy: **{best['model']}**, test accuracy {100 * best['accuracy']:.2f} %. "
        "Accuracies in %, each with its 95 % interval after Wilson; the gap is train less test accuracy, in "
        "points. Each row is one run.",
        _table(table),
    ]
    if shared := data["test_pictures_also_in"]["val"]:
        lines.append(
            f"**Careful:** {shared} of {data['splits']['test']} test pictures are val pictures too, as in "
            "the notebook. Whatever was chosen with them in view scores too high here."
        )
    return "\n\n".join(lines)


def _pairs_section(best: str, order: pd.Series, pairs: pd.DataFrame) -> str:
    both = leaderboard.both_ways(pairs)
    rows = both[both["model_a"] == best].set_index("model_b").loc[[name for name in order if name != best]]
    table = pd.DataFrame(
        {
            f"{best} against": rows.index,
            "difference": _points(rows["difference"]),
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
        _table(table),
    ]
    return "\n\n".join(lines)


def _reported_section(metrics: dict[str, dict[str, Any]], notebook: Notebook) -> str:
    lines = ["## Reported and reproduced", f"Reported by *{_line(notebook.title)}*. {notebook.note}"]
    table = published.against_reported(metrics, notebook)
    shown = pd.DataFrame(
        {
            "model": table["model"],
            "split": table["split"],
            "reported": _percent(table["reported"]),
            "reproduced": _percent(table["reproduced"]),
            "95 % interval": _interval(table["low"], table["high"]),
            "n": table["n"],
            "difference": _points(table["difference"]),
            "reported value": table["verdict"],
        }
    )
    lines.append(_table(shown))
    lines += [f"- {name}: {note}" for name, note in zip(table["model"], table["note"], strict=True) if note]
    return "\n\n".join(lines)


def _claims_section(claims: pd.DataFrame) -> str:
    numbers, texts = claims["text"].factorize()
    run = claims["p_holm"].notna()
    table = pd.DataFrame(
        {
            "claim": numbers + 1,
            "claimed": claims["better"] + " over " + claims["than"],
            "split": claims["split"],
            "published difference": _points(claims["reported_difference"]),
            "ours, on test": _points(claims["difference"]).where(run, ""),
            "95 % interval": _interval(claims["low"], claims["high"]).where(run, ""),
            "p": claims["p_holm"].map(_p_value).where(run, ""),
            "what the numbers say": claims["verdict"],
        }
    )
    lines = [
        "## What the notebook claims",
        "\n".join(f"{number}. {_line(text)}" for number, text in enumerate(texts, start=1)),
        "Differences in points of accuracy. Published numbers show one when their 95 % Wilson intervals do "
        "not overlap. This is cautious: intervals that overlap do not prove two models equal; only a test on "
        "the same pictures could tell, and the notebook does not say which ones each model got right. Ours "
        "support a claim when the difference is positive and the p of McNemar's test is below "
        f"{published.LEVEL} after Holm's correction for all pairs of this run; the interval is of that pair "
        "alone. One run of each model says nothing about other seeds.",
        _table(table),
    ]
    return "\n\n".join(lines)


def _calibration_section(calibration: dict[str, dict[str, float]]) -> str:
    rows = pd.DataFrame(calibration).T
    table = pd.DataFrame(
        {
            "model": rows.index,
            "temperature": rows["temperature"].map("{:.2f}".format),
            "calibration error": _percent(rows["ece_before"]),
            "after scaling": _percent(rows["ece_after"]),
        }
    )
    lines = [
        "## Calibration",
        "The expected calibration error on test is how far confidence lies from accuracy, in points, as the "
        "model is, and after its logits are divided by a temperature. That is fitted on val; above 1 it "
        "says that the model was too sure.",
        _table(table),
    ]
    return "\n\n".join(lines)


def _robustness_section(board: pd.DataFrame, robustness: pd.DataFrame) -> str:
    rows = robustness.set_index("model")
    clean = board.set_index("model")["accuracy"]
    rows = rows.loc[[name for name in clean.index if name in rows.index]]
    table = pd.concat([clean[rows.index].rename("clean"), rows], axis="columns").apply(_percent)
    lines = [
        "## Robustness",
        "Accuracy in % on test pictures as they are, and on corrupted ones: the mean over five strengths of "
        "each corruption, and over them all.",
        _table(table.rename_axis("model").reset_index()),
    ]
    return "\n\n".join(lines)


def _how_section(params: Params) -> str:
    command = published.again(params, list(params.models))
    return (
        f"## How to repeat this\n\n```\n{command}\n```\n\n"
        "Any other setting that was changed with `-S` has to be given again; `params.yaml` of the commit has "
        "them all. With the same versions on the same machine every number comes out the same."
    )


def _table(cells: pd.DataFrame) -> str:
    return cells.to_markdown(index=False, disable_numparse=True)


def _line(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return _line(text).replace("|", "\\|")


def _percent(values: pd.Series) -> pd.Series:
    return (100 * values).map("{:.2f}".format)


def _points(values: pd.Series) -> pd.Series:
    return (100 * values).map("{:+.2f}".format)


def _interval(low: pd.Series, high: pd.Series) -> pd.Series:
    return _percent(low) + " to " + _percent(high)


def _p_value(p: float) -> str:
    return "< 0.0001" if p < 1e-4 else f"{p:.4f}"
