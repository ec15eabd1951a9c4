"""Test one model: the only stage that opens the test split.

reads: data/<ds>/{images.npy,split.csv}, models/<ds>/<model>/
writes: metrics/<ds>/models/<model>/, plots/<ds>/models/<model>/
use: python src evaluate <model>
"""

import numpy as np
import pandas as pd

from menagerie import evaluation, paths, plots, previews, tracking
from menagerie.data import gather, load_data
from menagerie.files import file_sha256, whole_folder, write_json
from menagerie.model_files import load_model, predict
from menagerie.params import load_params
from menagerie.seeding import seed_everything


def main(name: str) -> None:
    params = load_params(paths.PARAMS)
    dataset, folder = params.dataset.name, paths.model(params.dataset.name, name)
    data = load_data(paths.images(dataset), paths.split(dataset))
    seed_everything(params.seed)
    model, history = load_model(folder / "model.keras"), pd.read_csv(folder / "history.csv")
    logits = {part: predict(model, data.images, data.subsets[part].rows) for part in ("val", "test")}
    measured = {part: evaluation.scores(data.subsets[part].labels, logits[part]) for part in logits}
    test, predicted = data.subsets["test"], logits["test"].argmax(axis=1)

    with whole_folder(paths.metrics(dataset, name)) as target:
        write_json(
            target / "metrics.json", measured | {"epochs": len(history), "params": model.count_params()}
        )
        tables = {
            "per_class": evaluation.per_class(test.labels, predicted, data.classes),
            "predictions": evaluation.predictions(test.paths, test.labels, logits["test"], data.classes),
            "history": history,
        }
        for stem, table in tables.items():
            table.to_csv(target / f"{stem}.csv", index=False, lineterminator="\n")
    with whole_folder(paths.model_plots(dataset, name)) as target:
        counts = evaluation.confusion(test.labels, predicted, len(data.classes))
        title = f"{name} on {params.dataset.title}: {len(test.labels)} test pictures"
        plots.confusion_matrix(counts, data.classes, title).savefig(target / "confusion.png", dpi=150)
        plots.learning_curves(history, name).savefig(target / "learning_curves.png", dpi=150)
        originals = gather(
            data.images, data.subsets["train"].rows[:: len(data.subsets["train"].rows) // 8][:8]
        )
        if augmented := previews.augmentations(model, originals):
            rows = np.stack([originals, *augmented.values()])
            figure = plots.picture_grid(
                rows, ["original", *augmented], f"{name}: augmentation, layer by layer"
            )
            figure.savefig(target / "augmentation.png", dpi=150)

    with tracking.evaluation_run(params, name, file_sha256(folder / "model.keras")) as run:
        run.log_metrics({f"test_{key}": value for key, value in measured["test"].items()})
        run.log_files(paths.metrics(dataset, name), "metrics")
        run.log_files(paths.model_plots(dataset, name), "plots")
    accuracy, n = measured["test"]["accuracy"], measured["test"]["n"]
    print(f"evaluate@{name}: wrote {paths.metrics(dataset, name)}: test accuracy {accuracy:.4f} of {n}")
