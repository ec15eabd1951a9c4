"""Train one model.

reads: data/<ds>/{images.npy,split.csv}, params models.<model>, seed,
    compute.{max_epochs,precision,deterministic,cache_gb}, dataset.{title,resize,jpeg,truncated,max_pixels}
writes: models/<ds>/<model>/: model.keras, history.csv and, where it augments, augmentation.keras
use: python src train <model>
"""

import sys
from dataclasses import replace
from pathlib import Path

import keras

from menagerie import paths, tracking
from menagerie.confidence import fit_temperature
from menagerie.data import Data, load_data
from menagerie.errors import WeightsError
from menagerie.files import file_sha256, whole, whole_folder, write_json
from menagerie.model_facts import ModelFacts, Pixels, promise, versions
from menagerie.model_files import predict, save_model
from menagerie.models.parts.augmentation import augmentation
from menagerie.models.parts.choosing import chosen, runnable
from menagerie.params import Params, load_params
from menagerie.train import checkpoints, devices
from menagerie.train.building import asked, untrained
from menagerie.train.fitting import Session
from menagerie.train.members import fit
from menagerie.train.seeding import environment, recorded


def main(name: str) -> None:
    params = load_params(paths.PARAMS)
    dataset, compute = params.dataset.name, params.compute
    data = load_data(paths.images(dataset), paths.split(dataset))
    spec, why = chosen(params.model(name), *asked(data))
    if why:
        print(f"train@{name}: {why}", flush=True)
    try:
        model = untrained(spec, data, params.seed, compute)
    except WeightsError as error:
        others = [f"dvc exp run -S model={preset}" for preset in runnable(*asked(data)) if preset != name]
        others.append(f"from random weights: dvc exp run -S model={name} -S models.{name}.weights=random")
        raise WeightsError(f"{error}\nor {', or '.join(others)}") from error

    seen = environment()
    print(f"train@{name}: {model.count_params():,} parameters, on {devices.told(seen)}", flush=True)
    if why := devices.unused(devices.present(), seen):
        print(f"warning: {why}", file=sys.stderr)
    split_sha256 = file_sha256(paths.split(dataset))
    tags = {"split.sha256": split_sha256, **recorded(paths.PINNED)}
    settings = (params.seed, compute.max_epochs, compute.precision, compute.deterministic)
    depends_on = (spec, *settings, seen)
    code = sorted(Path(__file__).parents[1].rglob("*.py"))
    files = [paths.images(dataset), paths.split(dataset), *code]
    with (
        checkpoints.kept(paths.work() / "checkpoints", depends_on, files, model) as checkpoint,
        tracking.training_run(params, name, tags, checkpoint.with_suffix(".run")) as run,
    ):
        if checkpoint.exists():
            print(f"train@{name}: goes on where a run was stopped before", flush=True)
        run.watch()
        counts = {part: len(data.subsets[part].rows) for part in ("train", "val")}
        run.log_inputs(params.dataset, split_sha256, counts)
        session = Session.of(compute, params.seed, paths.work(), checkpoint, run.log_epoch)
        verbose = 1 if sys.stdout.isatty() else 2  # a bar to watch, or a line an epoch in a log
        network, trained = fit(model, spec, data, replace(session, verbose=verbose), compute)
        with whole_folder(paths.model(dataset, name)) as folder:
            save_model(network, folder / "model.keras", facts(params, name, network, data))
            if spec.augment:
                save_model(augmentation(model, spec.augment)[0], folder / "augmentation.keras")  # to be shown
            trained.history.to_csv(folder / "history.csv", index=False, lineterminator="\n")
        model_sha256 = file_sha256(paths.model(dataset, name) / "model.keras")
        cost = {"fit_seconds": trained.fit_seconds, "pictures_per_second": trained.pictures_per_second}
        with whole(paths.run_record(dataset, name)) as path:
            made_in = recorded(paths.PINNED)
            write_json(path, {"model_sha256": model_sha256, "seed": params.seed, **cost, **made_in})
        run.set_tags({"model.sha256": model_sha256})
        run.log_metrics({f"cost/{key}": value for key, value in cost.items()})
        run.log_model(paths.model(dataset, name) / "model.keras")

    kept = trained.history[trained.history["kept"]]
    each = ", ".join(f"{accuracy:.4f}" for accuracy in kept["val_accuracy"])
    print(
        f"train@{name}: wrote {paths.model(dataset, name)}: epoch {', '.join(map(str, kept['epoch']))} of "
        f"{len(trained.history)} kept, val accuracy {each}"
    )


def facts(params: Params, name: str, network: keras.Model, data: Data) -> ModelFacts:
    dataset, val = params.dataset, data.subsets["val"]
    logits = predict(network, data.images, val.rows)
    temperature = fit_temperature(val.labels, logits)
    return ModelFacts(
        model=name,
        dataset=dataset.name,
        title=dataset.title,
        classes=data.classes,
        pixels=Pixels(
            image_size=data.images.shape[1:3],
            resize=dataset.resize,
            jpeg=dataset.jpeg,
            truncated=dataset.truncated,
            max_pixels=dataset.max_pixels,
        ),
        temperature=temperature,
        val=promise(val.labels, logits, temperature),
        images_sha256=file_sha256(paths.images(dataset.name)),
        split_sha256=file_sha256(paths.split(dataset.name)),
        versions=versions(),
    )
