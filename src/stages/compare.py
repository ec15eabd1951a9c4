"""Put the models side by side, and beside what was reported.

reads: data/<ds>/{source,report}.json, metrics/<ds>/models/, params models, reported
writes: metrics/<ds>/summary.json, plots/<ds>/comparison/, reports/<ds>.md
use: python src compare
"""

from pathlib import Path

import pandas as pd

from menagerie import paths
from menagerie.compare import leaderboard, published
from menagerie.files import read_json, whole, whole_folder, write_json
from menagerie.params import load_params
from menagerie.plots import comparison as plots
from menagerie.report.markdown import report


def main() -> None:
    params = load_params(paths.PARAMS)
    dataset, title = params.dataset.name, params.dataset.title
    folders = {name: paths.metrics(dataset, name) for name in params.models}
    metrics = {name: read_json(folder / "metrics.json") for name, folder in folders.items()}
    board, reported = leaderboard.leaderboard(metrics), published.reported_accuracies(params)
    tables = tables_of(folders)

    with whole(paths.summary(dataset)) as path:
        write_json(path, leaderboard.summary(board))
    with whole_folder(paths.comparison_plots(dataset)) as folder:
        for stem, table in ({"leaderboard": board} | tables).items():
            if len(table) or stem != "robustness":
                table.to_csv(folder / f"{stem}.csv", index=False, lineterminator="\n")
        figures = {
            "accuracy": plots.accuracy_dots(board, reported, title),
            "learning_curves": plots.learning_curves_together(tables["learning_curves"], title),
            "train_and_test": plots.train_and_test(board, title),
            "roc": plots.roc_together(tables["roc"], title),
        }
        for stem, figure in figures.items():
            figure.savefig(folder / f"{stem}.png", dpi=150)
    with whole(paths.report(dataset)) as path:
        source, data = read_json(paths.source(dataset)), read_json(paths.data_report(dataset))
        text = report(params, source, data, metrics, tables["pairs"], tables["robustness"])
        path.write_text(text, encoding="utf-8", newline="\n")

    best = leaderboard.selected(board)
    print(
        f"compare: wrote {paths.report(dataset)}: {best['model']} is best by val, "
        f"test accuracy {best['accuracy']:.4f}"
    )


def tables_of(folders: dict[str, Path]) -> dict[str, pd.DataFrame]:
    """The tables over all models, by the name of their file; `folders` are those that evaluate wrote."""
    histories = [pd.read_csv(folder / "history.csv").assign(model=name) for name, folder in folders.items()]
    curves = {name: pd.read_csv(f / "roc.csv", usecols=["kind", "fpr", "tpr"]) for name, f in folders.items()}
    # As text: of classes 7 and 007, or one called nan, equal names would not be told from unequal ones.
    predictions = {
        name: pd.read_csv(
            folder / "predictions.csv", usecols=["actual", "predicted"], dtype=str, keep_default_na=False
        )
        for name, folder in folders.items()
    }
    corrupted = {name: pd.read_csv(folder / "robustness.csv") for name, folder in folders.items()}
    return {
        "learning_curves": pd.concat(histories, ignore_index=True),
        "pairs": leaderboard.pairs(predictions),
        "roc": leaderboard.roc_macro(curves),
        "robustness": leaderboard.robustness(corrupted),
    }
