"""A model of one or several networks, its members, which are trained alike, each from a seed of its own.

Several answer with the mean of their probabilities (Lakshminarayanan et al., Simple and Scalable Predictive
Uncertainty Estimation using Deep Ensembles, NIPS 2017).
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import keras
import numpy as np
import pandas as pd

from menagerie.data import Data
from menagerie.models.parts.views import with_views
from menagerie.params import Compute
from menagerie.params.model import PretrainedModel, ScratchModel
from menagerie.train.building import untrained
from menagerie.train.fitting import Session, Trained, train


def fit(
    first: keras.Model,
    spec: ScratchModel | PretrainedModel,
    data: Data,
    session: Session,
    compute: Compute,
) -> tuple[keras.Model, Trained]:
    """Train `first` and the further members after it; the network of all that answers, views included.

    The epochs of the members are counted through, and the phases of the later ones are called `head 2` and so
    on; the history is true at `kept` once a member. Of a training that was stopped, a member that was done is
    taken up where it was last kept, at most a minute before its end.

    Raises:
        ModelError, ParamsError: see train.
    """
    networks, parts, before = [first], [train(first, spec, data, session)], 0
    for number in range(2, spec.members + 1):
        before += len(parts[-1].history)
        seed = further_seed(session.seed, number)
        networks.append(untrained(spec, data, seed, compute))
        parts.append(train(networks[-1], spec, data, _of_member(session, number, seed, before)))
    network = mean_of([with_views(one, spec.tta) for one in networks])
    return network, parts[0] if len(parts) == 1 else _together(parts)


def further_seed(seed: int, number: int) -> int:
    """The seed of member `number`, from 2: no other seed's, as seed + 1 would be that of a replicate."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def mean_of(networks: Sequence[keras.Model]) -> keras.Model:
    """The network whose probabilities are the mean of these, which it holds as they are.

    All take the same uint8 pictures and give logits (n, classes), and so does it: the logarithms of the mean.
    """
    if len(networks) == 1:
        return networks[0]
    inputs = keras.Input(networks[0].input_shape[1:], dtype="uint8")
    members = [
        keras.Model(network.input, network.output, name=f"member_{number}")
        for number, network in enumerate(networks, 1)
    ]
    each = keras.ops.stack([keras.ops.log_softmax(member(inputs)) for member in members])
    return keras.Model(inputs, keras.ops.logsumexp(each, axis=0) - math.log(len(members)), name="members")


def _of_member(session: Session, number: int, seed: int, before: int) -> Session:
    path = session.checkpoint
    return replace(
        session,
        seed=seed,
        checkpoint=path.with_name(f"{path.stem}.{number}{path.suffix}"),
        on_epoch=lambda metrics, epoch: session.on_epoch(metrics, before + epoch),
    )


def _together(parts: Sequence[Trained]) -> Trained:
    histories, before = [], 0
    for number, part in enumerate(parts, 1):
        of_phase = part.history["phase"] + (f" {number}" if number > 1 else "")
        histories.append(part.history.assign(epoch=before + part.history["epoch"], phase=of_phase))
        before += len(part.history)
    seconds = sum(part.fit_seconds for part in parts)
    pictures = sum(part.fit_seconds * part.pictures_per_second for part in parts)
    return Trained(pd.concat(histories, ignore_index=True), seconds, pictures / seconds)
