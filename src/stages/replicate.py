"""Train one model again from further seeds: how much of its accuracy is the seed's luck.

Nothing is selected by these numbers, so that test may be read here as `evaluate` does.

reads: data/<ds>/{images.npy,split.csv}, params models.<model>, seed, replicates, compute
writes: metrics/<ds>/replicates/<model>.csv, whose test_right has a 1 for each test picture that is right, in
    the order of the split, and else a 0
use: python src replicate <model>
"""

from pathlib import Path

import numpy as np
import pandas as pd

from menagerie import paths, tracking
from menagerie.backend import loading
from menagerie.data import load_data
from menagerie.files import file_sha256, whole
from menagerie.params import Params, load_params


def main(name: str) -> None:
    params = load_params(paths.PARAMS)
    rows = replicates(params, name) if params.replicates else []
    columns = ["seed", "epochs", "val_accuracy", "test_accuracy", "test_right"]
    target = paths.replicates(params.dataset.name, name)
    with whole(target) as path:
        pd.DataFrame(rows, columns=columns).to_csv(path, index=False, lineterminator="\n")
    print(f"replicate@{name}: wrote {target}: {len(rows)} further seeds")


def replicates(params: Params, name: str) -> list[dict[str, float | str]]:
    with loading():  # not above: without further seeds, the default, Keras would cost seconds
        from menagerie.replicate.scores import scores
        from menagerie.train import checkpoints
        from menagerie.train.building import untrained
        from menagerie.train.fitting import Session
        from menagerie.train.members import fit
        from menagerie.train.seeding import environment, recorded

    spec, dataset, compute = params.model(name), params.dataset.name, params.compute
    data = load_data(paths.images(dataset), paths.split(dataset))
    code = sorted(Path(__file__).parents[1].rglob("*.py"))
    files = [paths.images(dataset), paths.split(dataset), *code]
    tags = {"split.sha256": file_sha256(paths.split(dataset)), **recorded(paths.PINNED)}
    rows = []
    for seed in range(params.seed + 1, params.seed + 1 + params.replicates):
        model, of_seed = untrained(spec, data, seed, compute), params.model_copy(update={"seed": seed})
        settings = (seed, compute.max_epochs, compute.precision, compute.deterministic)
        depends_on = (spec, *settings, environment())
        with (
            checkpoints.kept(paths.work() / "checkpoints", depends_on, files, model) as checkpoint,
            tracking.training_run(of_seed, name, tags, checkpoint.with_suffix(".run")) as run,
        ):
            session = Session.of(compute, seed, paths.work(), checkpoint, run.log_epoch)
            network, trained = fit(model, spec, data, session, compute)
            found, right = scores(network, data)
            run.log_metrics(found | {"test_n": len(data.subsets["test"].rows)})
        rows.append({"seed": seed, "epochs": len(trained.history)} | found | {"test_right": digits(right)})
        print(f"replicate@{name}: seed {seed}: test accuracy {found['test_accuracy']:.4f}", flush=True)
    return rows


def digits(right: np.ndarray) -> str:
    return "".join("01"[one] for one in right.tolist())
