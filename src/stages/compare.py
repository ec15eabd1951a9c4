"""Put the models side by side, and beside what was reported.

reads: data/<ds>/{source,report}.json, metrics/<ds>/{models,replicates}/, all params, conf/
writes: metrics/<ds>/summary.json, plots/<ds>/comparison/, reports/<ds>.md
use: python src compare
"""

from tqdm import tqdm

from menagerie import paths
from menagerie.compare import leaderboard, published
from menagerie.compare.crowning import crown
from menagerie.files import whole, whole_folder, write_json
from menagerie.params import load_params
from menagerie.plots import comparison as plots
from menagerie.report.markdown import markdown
from menagerie.report.results import evaluated


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
        for stem, figure in tqdm(figures.items(), desc="figures", disable=None, delay=1):
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
            "the runs of `dvc exp run`, `dvc exp apply NAME` brings one back; what is committed comes "
            "back with `git checkout params.yaml dvc.lock metrics reports && dvc checkout`"
        )
    if told := crown(dataset, results.best["model"], results.model_files):  # no output depends on it
        print(f"compare: {told}")
