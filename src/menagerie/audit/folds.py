"""What a model says of pictures that it did not train on: one training a fold."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd

from menagerie.confidence import probabilities
from menagerie.data import SPLITS, Data, Subset
from menagerie.model_files import predict
from menagerie.params import Compute
from menagerie.params.dataset import KFoldSplit
from menagerie.params.model import PretrainedModel, ScratchModel
from menagerie.split.chance import kfold
from menagerie.train import checkpoints
from menagerie.train.building import untrained
from menagerie.train.fitting import Session, train
from menagerie.train.seeding import environment


def pictures_in_use(split: Path) -> pd.DataFrame:
    """Each picture of a split table once: index, label, class and path, in the order of the array's rows."""
    table = pd.read_csv(split, dtype={"class": str, "path": str}, keep_default_na=False)
    return table.drop_duplicates("index").sort_values("index").reset_index(drop=True)


def fold_of(pictures: pd.DataFrame, images: np.ndarray, policy: KFoldSplit) -> Data:
    """The data that fold `policy.fold` is the test set of.

    Raises:
        DataError: a class has fewer pictures than there are folds.
    """
    parts, labels = kfold(pictures, policy), pictures["label"].to_numpy(np.int32)
    rows, paths = pictures["index"].to_numpy(np.int64), pictures["path"].to_numpy(object)
    classes = pictures[["label", "class"]].drop_duplicates().sort_values("label")["class"].tolist()
    subsets = {name: Subset(rows[parts[name]], labels[parts[name]], paths[parts[name]]) for name in SPLITS}
    return Data(images, classes, subsets)


def tested(
    spec: ScratchModel | PretrainedModel, data: Data, seed: int, compute: Compute, work: Path
) -> np.ndarray:
    """Train on a fold, and give the probabilities of its test pictures, float64 (n, classes).

    One that was killed goes on from where it stood, which is kept in the folder `work`.

    Raises:
        ModelError: the network cannot be built, or the loss is no longer a number.
    """
    model = untrained(spec, data, seed, compute)
    dealt = hashlib.sha256(
        b"".join(part.rows.tobytes() + part.labels.tobytes() for part in data.subsets.values())
    )
    settings = (seed, compute.max_epochs, compute.precision, compute.deterministic)
    facts = ("audit", spec, *settings, dealt.hexdigest(), environment())
    files = [Path(data.images.filename), *sorted(Path(__file__).parents[2].rglob("*.py"))]
    with checkpoints.kept(work / "checkpoints", facts, files, model) as checkpoint:
        session = Session.of(compute, seed, work, checkpoint, lambda measured, epoch: None)
        train(model, spec, data, session)
        return probabilities(predict(model, data.images, data.subsets["test"].rows))
