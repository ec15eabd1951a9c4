"""Put the models side by side, and beside what was reported.

reads: data/<ds>/{source,report}.json, metrics/<ds>/models/, params models, reported
writes: metrics/<ds>/summary.json, plots/<ds>/comparison/, reports/<ds>.md
use: python src compare
"""

import pandas as pd

from menagerie import comparison, paths, plots
from menagerie.files import read_json, whole, whole_folder, write_json
from menagerie.params import load_params


def main() -> None:
    params = load_params(paths.PARAMS)
    dataset = params.dataset.name
    folders = {name: paths.metrics(dataset, name) for name in params.models}
    metrics = {name: read_json(folder / "metrics.json") for name, folder in folders.items()}
    histories = [pd.read_csv(folder / "history.csv").assign(model=name) for name, folder in folders.items()]
    board, history = comparison.leaderboard(metrics), pd.concat(histories, ignore_index=True)
    reported = comparison.reported_accuracies(params)
    pairs = comparison.pairs({name: pd.read_csv(f / "predictions.csv") for name, f in folders.items()})

    with whole(paths.summary(dataset)) as path:
        write_json(path, comparison.summary(board))
    with whole_folder(paths.comparison_plots(dataset)) as folder:
        board.to_csv(folder / "leaderboard.csv", index=False, lineterminator="\n")
        history.to_csv(folder / "learning_curves.csv", index=False, lineterminator="\n")
        pairs.to_csv(folder / "pairs.csv", index=False, lineterminator="\n")
        title = params.dataset.title
        plots.accuracy_dots(board, reported, title).savefig(folder / "accuracy.png", dpi=150)
        plots.learning_curves_together(history, title).savefig(folder / "learning_curves.png", dpi=150)
    with whole(paths.report(dataset)) as path:
        source, data = read_json(paths.source(dataset)), read_json(paths.data_report(dataset))
        path.write_text(
            comparison.report(params, source, data, metrics, pairs), encoding="utf-8", newline="\n"
        )

    best = comparison.selected(board)
    print(
        f"compare: wrote {paths.report(dataset)}: {best['model']} is best by val, "
        f"test accuracy {best['accuracy']:.4f}"
    )
