"""Test one model: the only stage that opens the test split.

reads: data/<ds>/{images.npy,split.csv}, models/<ds>/<model>/
writes: metrics/<ds>/models/<model>/, plots/<ds>/models/<model>/
use: python src evaluate <model>
"""

import keras
import numpy as np
import pandas as pd

from menagerie import calibration, curves, evaluation, paths, plots, previews, tracking
from menagerie.data import Data, Subset, gather, load_data
from menagerie.files import file_sha256, whole_folder, write_json
from menagerie.model_files import load_model, predict
from menagerie.params import load_params
from menagerie.seeding import seed_everything

EXAMPLES, MISTAKES = 8, 12  # pictures in a figure


def main(name: str) -> None:
    params = load_params(paths.PARAMS)
    dataset, folder = params.dataset.name, paths.model(params.dataset.name, name)
    data = load_data(paths.images(dataset), paths.split(dataset))
    seed_everything(params.seed)
    model, history = load_model(folder / "model.keras"), pd.read_csv(folder / "history.csv")
    logits = {part: predict(model, data.images, data.subsets[part].rows) for part in ("val", "test")}
    measured = {part: evaluation.scores(data.subsets[part].labels, logits[part]) for part in logits}
    tables = tables_of(data.subsets["test"], logits["test"], data.classes) | {"history": history}
    val, test = data.subsets["val"], data.subsets["test"]
    scaled = calibration.temperature_scaling(val.labels, logits["val"], test.labels, logits["test"])

    with whole_folder(paths.metrics(dataset, name)) as target:
        about = {"calibration": scaled, "epochs": len(history), "params": model.count_params()}
        write_json(target / "metrics.json", measured | about)
        for stem, table in tables.items():
            table.to_csv(target / f"{stem}.csv", index=False, lineterminator="\n")
    with whole_folder(paths.model_plots(dataset, name)) as target:
        title = f"{name} on {params.dataset.title}: {len(test.labels)} test pictures"
        for stem, figure in figures_of(tables, data, logits["test"], title).items():
            figure.savefig(target / f"{stem}.png", dpi=150)
        if figure := augmentation(model, data, name):
            figure.savefig(target / "augmentation.png", dpi=150)

    with tracking.evaluation_run(params, name, file_sha256(folder / "model.keras")) as run:
        run.log_metrics({f"test_{key}": value for key, value in measured["test"].items()})
        run.log_files(paths.metrics(dataset, name), "metrics")
        run.log_files(paths.model_plots(dataset, name), "plots")
    accuracy, n = measured["test"]["accuracy"], measured["test"]["n"]
    print(f"evaluate@{name}: wrote {paths.metrics(dataset, name)}: test accuracy {accuracy:.4f} of {n}")


def tables_of(test: Subset, logits: np.ndarray, classes: list[str]) -> dict[str, pd.DataFrame]:
    """The tables of the test split, by the name of their file."""
    values = calibration.probabilities(logits)
    return {
        "per_class": evaluation.per_class(test.labels, logits.argmax(axis=1), classes),
        "predictions": evaluation.predictions(test.paths, test.labels, logits, classes),
        "areas": curves.areas(test.labels, values, classes),
        "roc": curves.roc_table(test.labels, values, classes),
        "precision_recall": curves.precision_recall_table(test.labels, values, classes),
        "reliability": calibration.reliability(test.labels, values),
    }


def figures_of(
    tables: dict[str, pd.DataFrame], data: Data, logits: np.ndarray, title: str
) -> dict[str, plots.Figure]:
    """The figures of the test split, by the name of their file."""
    test = data.subsets["test"]
    counts = evaluation.confusion(test.labels, logits.argmax(axis=1), len(data.classes))
    wrong = evaluation.most_confident_mistakes(tables["predictions"], MISTAKES)
    captions = [
        f"{row.actual}, taken for {row.predicted} ({100 * row.probability:.0f} %)"
        for row in wrong.itertuples()
    ]
    found = {
        "confusion": plots.confusion_matrix(counts, data.classes, title),
        "learning_curves": plots.learning_curves(tables["history"], title),
        "roc_and_precision_recall": plots.threshold_curves(tables["roc"], tables["precision_recall"], title),
        "reliability": plots.reliability(tables["reliability"], title),
    }
    if len(wrong):
        pictures = gather(data.images, test.rows[wrong.index])
        found["mistakes"] = plots.captioned_pictures(pictures, captions, f"{title}; the surest mistakes")
    return found


def augmentation(model: keras.Model, data: Data, name: str) -> plots.Figure | None:
    """Originals above, below them what each layer of augmentation makes of them; None without such layers."""
    rows = data.subsets["train"].rows
    originals = gather(data.images, rows[:: len(rows) // EXAMPLES][:EXAMPLES])
    augmented = previews.augmentations(model, originals)
    if not augmented:
        return None
    stacked = np.stack([originals, *augmented.values()])
    return plots.picture_grid(stacked, ["original", *augmented], f"{name}: augmentation, layer by layer")
