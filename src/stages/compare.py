"""Put the models side by side, and beside what was reported.

reads: data/<ds>/{source,report}.json, metrics/<ds>/{models,replicates}/, all params, conf/
writes: metrics/<ds>/summary.json, plots/<ds>/comparison/, reports/<ds>.md
use: python src compare
"""

import pandas as pd

from menagerie import paths, tracking
from menagerie.compare import leaderboard, published
from menagerie.compare.champion import Contender, decide
from menagerie.files import whole, whole_folder, write_json
from menagerie.params import load_params
from menagerie.plots import comparison as plots
from menagerie.report.markdown import markdown
from menagerie.report.results import Results, evaluated


def main() -> None:
    params = load_params(paths.PARAMS)
    dataset, title = params.dataset.name, params.dataset.title
    results = evaluated(params)
    tables = {
        "leaderboard": results.board,
        "learning_curves": leaderboard.learning_curves(results.tables["history"]),
        "pairs": results.pairs,
        "roc": leaderboard.roc_macro(results.tables["roc"]),
        "robustness": leaderboard.robustness(results.tables["robustness"]),
    }
    figures = {"accuracy": plots.accuracy_dots(results.board, published.reported_accuracies(params), title)}
    if len(results.board) > 1:  # one is not compared with itself
        figures |= {
            "learning_curves": plots.learning_curves_together(tables["learning_curves"], title),
            "train_and_test": plots.train_and_test(results.board, title),
            "roc": plots.roc_together(tables["roc"], title),
        }

    with whole(paths.summary(dataset)) as path:
        write_json(path, leaderboard.summary(results.board))
    with whole_folder(paths.comparison_plots(dataset)) as folder:
        for stem, table in tables.items():
            if len(table) or stem != "robustness":
                table.to_csv(folder / f"{stem}.csv", index=False, lineterminator="\n")
        for stem, figure in figures.items():
            figure.savefig(folder / f"{stem}.png", dpi=150)
    with whole(paths.report(dataset)) as path:
        path.write_text(markdown(params, results), encoding="utf-8", newline="\n")

    print(
        f"compare: wrote {paths.report(dataset)}: {results.best['model']} is best by val, "
        f"test accuracy {results.best['accuracy']:.4f} ({results.best['accuracy_low']:.4f} to "
        f"{results.best['accuracy_high']:.4f})"
    )
    if away := paths.put_away():
        print(
            f"compare: the outputs of {', '.join(away)} are put away in DVC's cache: `dvc exp list` names "
            "the runs, `dvc exp apply NAME` brings one back"
        )
    crown(dataset, results)


def crown(dataset: str, results: Results) -> None:
    """Choose the champion among the models in MLflow's registry, and say why; no output depends on it."""
    names = {metrics["model_sha256"]: name for name, metrics in results.metrics.items()}
    found = tracking.registered(dataset, names)
    if found is None:
        return

    def contender(version: tracking.Version) -> Contender:
        val = found.champion_val
        if name := names.get(version.model_sha256):
            predictions = paths.metrics(dataset, name) / "val_predictions.csv"
            val = pd.read_csv(predictions, dtype=str, keep_default_na=False)
        known = version.split_sha256, version.val_accuracy, version.val_n
        return Contender(version.name, version.number, *known, val)

    name = results.best["model"]
    best = found.version_of(name, results.metrics[name]["model_sha256"])
    if best is None:
        print(
            f"compare: no champion is chosen, {name} is not registered; dvc repro -f evaluate@{name} does it"
        )
        return
    winner, reason = decide(contender(best), found.champion and contender(found.champion))
    if tracking.crown(dataset, winner.number, reason):
        print(f"compare: champion of {dataset}: {reason}")
