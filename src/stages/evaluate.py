"""Test one model: the only stage that opens the test split.

reads: data/<ds>/{images.npy,split.csv}, models/<ds>/<model>/, params seed, evaluation
writes: metrics/<ds>/models/<model>/, plots/<ds>/models/<model>/
use: python src evaluate <model>
"""

import time
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from menagerie import paths, tracking
from menagerie.card import card
from menagerie.data import load_data
from menagerie.evaluate import corruptions, outputs
from menagerie.evaluate.layers import layers, trainable_parameters
from menagerie.evaluate.measures import predictions
from menagerie.files import file_sha256, read_json, whole, whole_folder, write_json
from menagerie.model_facts import read_facts, warn_of_other_versions
from menagerie.model_files import load_model, predict
from menagerie.params import load_params
from menagerie.train.seeding import recorded, seed_everything

PREDICT = f"menagerie predict PICTURE --uri {tracking.VERSION_URI}"


def main(name: str) -> None:
    params = load_params(paths.PARAMS)
    dataset, folder = params.dataset.name, paths.model(params.dataset.name, name)
    data = load_data(paths.images(dataset), paths.split(dataset))
    test = data.subsets["test"]
    seed_everything(params.seed)
    model, history = load_model(folder / "model.keras"), pd.read_csv(folder / "history.csv")
    facts = read_facts(folder / "model.keras")
    warn_of_other_versions(facts)
    logits = {part: predict(model, data.images, data.subsets[part].rows) for part in ("train", "val")}
    started = time.perf_counter()  # what is traced once is traced by now
    logits["test"] = predict(model, data.images, test.rows)
    milliseconds = 1000 * (time.perf_counter() - started) / len(test.rows)

    metrics = outputs.metrics(data.subsets, logits) | {
        "epochs": len(history),
        "kept_epochs": history.loc[history["kept"], "epoch"].tolist(),
        "params": model.count_params(),
        "trainable_params": trainable_parameters(model),
        "model_sha256": file_sha256(folder / "model.keras"),
        "model_bytes": (folder / "model.keras").stat().st_size,
    }
    tables = outputs.tables(test, logits["test"], data.classes) | {
        "history": history,
        "layers": layers(model),
    }
    val = data.subsets["val"]
    tables["val_predictions"] = predictions(val.paths, val.labels, logits["val"], data.classes, val.groups)
    tables["robustness"] = corruptions.EMPTY
    if params.evaluation.robustness:
        tables["robustness"] = corruptions.robustness(model, data.images, test.rows, test.labels, params.seed)
    title = f"{name} on {params.dataset.title}"
    figures = outputs.figures(model, data, logits["test"], tables, title)
    if (folder / "augmentation.keras").exists():
        augmentation = load_model(folder / "augmentation.keras")
        figures["augmentation"] = outputs.augmented(augmentation, data, title)

    with whole_folder(paths.metrics(dataset, name)) as target:
        write_json(target / "metrics.json", metrics)
        for stem, table in tables.items():
            table.to_csv(target / f"{stem}.csv", index=False, lineterminator="\n")
    with whole_folder(paths.model_plots(dataset, name)) as target:
        for stem, figure in tqdm(figures.items(), desc="figures", disable=None, delay=1):
            figure.savefig(target / f"{stem}.png", dpi=150)
    record_cost(paths.run_record(dataset, name), metrics["model_sha256"], params.seed, milliseconds)

    with tracking.evaluation_run(params, name, metrics["model_sha256"]) as run:
        run.log_model(folder / "model.keras")  # unless training did
        run.log_inputs(params.dataset, facts.split_sha256, {"test": len(test.rows)})
        for part in ("train", "val", "test"):
            run.log_metrics({f"{part}/{key}": value for key, value in metrics[part].items()})
        run.log_metrics({"train/gap": metrics["gap"]})
        run.log_files(paths.metrics(dataset, name), "metrics")
        run.log_files(paths.model_plots(dataset, name), "plots")
        tags = tracking.version_tags(params, facts, metrics)
        run.register(dataset, tags, card(facts, params.dataset, metrics, PREDICT))
    measured = metrics["test"]
    print(
        f"evaluate@{name}: wrote {paths.metrics(dataset, name)}: test accuracy {measured['accuracy']:.4f} "
        f"({measured['accuracy_low']:.4f} to {measured['accuracy_high']:.4f}) of {measured['n']}"
    )


def record_cost(path: Path, model_sha256: str, seed: int, milliseconds: float) -> None:
    """Add to what training noted; a record of another model tells nothing of this one."""
    known = read_json(path) if path.exists() else {}
    if known.get("model_sha256") != model_sha256:
        known = {"model_sha256": model_sha256, "seed": seed, **recorded(paths.PINNED)}
    with whole(path) as part:
        write_json(part, known | {"milliseconds_per_picture": milliseconds})
