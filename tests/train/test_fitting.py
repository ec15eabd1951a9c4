"""Training on small real arrays on disk: order, phases, history, repeatability."""

import os
import random
from pathlib import Path

import numpy as np
import pytest

from menagerie.data import Data, Subset, gather
from menagerie.errors import DataError, ModelError, ParamsError

keras = pytest.importorskip("keras")

from menagerie.model_files import predict  # noqa: E402
from menagerie.train import fitting  # noqa: E402
from menagerie.train.building import build_model  # noqa: E402
from menagerie.train.optimizing import optimizer  # noqa: E402
from menagerie.train.seeding import seed_everything  # noqa: E402

pytestmark = pytest.mark.tensorflow

CLASSES = 3
NOWHERE = Path("unused")
MAIN = "models.cnn.phases.main"
SMALL = "models.cnn.knobs={filters: [8], conv_dropout: 0.2, dense_units: 16, dense_dropout: 0.5}"
SECOND = (
    "{optimizer: rmsprop, learning_rate: 1e-3, optimizer_settings: {}, schedule: null, epochs: 2,"
    " early_stopping: null, reduce_on_plateau: null}"
)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """60 pictures of 16x16 in three colours, with noise: easy to tell apart."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 60, (60, 16, 16, 3), np.uint8)
    for row in range(60):
        pictures[row, :, :, row % CLASSES] += 150
    path = tmp_path_factory.mktemp("data") / "images.npy"
    np.save(path, pictures)
    return np.load(path, mmap_mode="r")


def subset(rows):
    rows = np.asarray(rows)
    return Subset(rows, (rows % CLASSES).astype(np.int32), rows.astype(object))


def fit(images, params, *overrides, epochs=3, seed=1, **options):
    spec = params("model=cnn", SMALL, "models.cnn.batch_size=8", *overrides).model("cnn")
    seed_everything(seed)
    model = build_model(spec, images.shape[1:], CLASSES)
    data = Data(images, ["r", "g", "b"], {"train": subset(range(45)), "val": subset(range(45, 60))})
    seen = []
    on_epoch = options.get("on_epoch", lambda metrics, epoch: seen.append((epoch, metrics)))
    session = fitting.Session(seed, epochs, NOWHERE, 0, NOWHERE, on_epoch, verbose=0)
    return model, fitting.train(model, spec, data, session), seen


def test_every_picture_comes_once_an_epoch_with_its_own_label(images):
    batches = fitting.Batches(images, subset(range(45)), 8, seed=3)
    assert batches.num_batches == 6
    for epoch in range(2):
        batches.begin(epoch)
        assert sorted(batches.order) == list(range(45))
        for number in range(batches.num_batches):
            pictures, labels = batches[number]
            assert pictures.dtype == np.uint8
            assert len(pictures) == len(labels) == (5 if number == 5 else 8)
            np.testing.assert_array_equal(pictures.mean((1, 2)).argmax(1), labels)  # its colour is its class


def by_hand(images, params, epochs, *overrides, seed=1):
    """The weights after Keras's train_on_batch; `epochs` has the numbers that the orders are drawn with."""
    spec = params("model=cnn", SMALL, "models.cnn.batch_size=8", *overrides).model("cnn")
    seed_everything(seed)
    model = build_model(spec, images.shape[1:], CLASSES)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    for phase in spec.phases.values():
        model.compile(optimizer(phase, phase.epochs * 6, 6), loss, run_eagerly=True)
        for _ in range(phase.epochs):
            rows = np.random.default_rng([seed, epochs.pop(0)]).permutation(45)
            for start in range(0, len(rows), 8):
                batch = rows[start : start + 8]
                model.train_on_batch(images[batch], batch % CLASSES)
    return model.get_weights()


def test_fit_takes_the_pictures_in_an_order_that_seed_and_epoch_alone_decide(images, params):
    """Epochs are counted through all phases: the second does not begin with the orders of the first."""
    # No layer may be random: only the order is left to tell two trainings apart.
    fixed = ("models.cnn.knobs.conv_dropout=0", "models.cnn.knobs.dense_dropout=0")
    phases = (f"{MAIN}.learning_rate=0.001", f"{MAIN}.epochs=1", f"+models.cnn.phases.second={SECOND}")
    random.seed(5)  # Python's generator, with which Keras shuffles when it is let to, has no part in it
    model, *_ = fit(images, params, *fixed, *phases, epochs=None)
    expected = by_hand(images, params, [0, 1, 2], *fixed, *phases)
    for got, wanted in zip(model.get_weights(), expected, strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-5)
    # ... and another order would have been seen.
    other = by_hand(images, params, [0, 0, 1], *fixed, *phases)
    assert max(np.abs(got - wanted).max() for got, wanted in zip(expected, other, strict=True)) > 1e-3


@pytest.mark.parametrize("stops", [False, True])
def test_val_sees_the_moving_average_of_the_weights_and_training_ends_with_it(images, params, stops):
    """Against an average taken by hand, step by step; also where an early stop restores nothing."""
    fixed = ["models.cnn.knobs.conv_dropout=0", "models.cnn.knobs.dense_dropout=0"]
    fixed += [f"{MAIN}.learning_rate=0.003", f"{MAIN}.epochs=3", f"{MAIN}.reduce_on_plateau=null"]
    stop = "{monitor: val_loss, patience: 9, restore_best: false}"
    if stops:  # in the second epoch: the rate is far too high
        stop, fixed[2] = (
            "{monitor: val_accuracy, patience: 1, restore_best: false}",
            f"{MAIN}.learning_rate=0.3",
        )
    fixed.append(f"{MAIN}.early_stopping={stop}")
    ema = f"+{MAIN}.optimizer_settings={{use_ema: true, ema_momentum: 0.8}}"
    model, trained, _ = fit(images, params, *fixed, ema, epochs=None)
    assert (len(trained.history) < 3) == stops

    spec = params("model=cnn", SMALL, "models.cnn.batch_size=8", *fixed).model("cnn")
    seed_everything(1)
    plain = build_model(spec, images.shape[1:], CLASSES)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    plain.compile(optimizer(spec.phases["main"], 18, 6), loss, run_eagerly=True)
    average = None
    for epoch in range(len(trained.history)):
        rows = np.random.default_rng([1, epoch]).permutation(45)
        for start in range(0, 45, 8):
            batch = rows[start : start + 8]
            plain.train_on_batch(images[batch], batch % CLASSES)
            new = plain.get_weights()
            average = (
                new if average is None else [0.8 * a + 0.2 * w for a, w in zip(average, new, strict=True)]
            )
    for got, wanted in zip(model.get_weights(), average, strict=True):
        np.testing.assert_allclose(got, wanted, atol=2e-5, rtol=1e-3 if stops else 1e-7)
    plain.set_weights(average)
    val = float(loss(np.arange(45, 60) % CLASSES, plain.predict(images[45:60], verbose=0)))
    assert trained.history["val_loss"].iloc[-1] == pytest.approx(val, rel=1e-3)


def test_without_a_seed_the_order_stays(images):
    batches = fitting.Batches(images, subset(range(45, 60)), 8, seed=None)
    batches.begin(1)
    np.testing.assert_array_equal(batches[0][0], images[45:53])


def test_gathering_copies_the_rows_asked_for(images):
    rows = np.array([5, 2, 59, 2])
    batch = gather(images, rows)
    np.testing.assert_array_equal(batch, images[rows])
    assert batch.flags.owndata
    assert not isinstance(batch, np.memmap)


@pytest.fixture
def own(images, tmp_path):
    """A copy of the pictures, to break."""
    np.save(tmp_path / "own.npy", images)
    return np.load(tmp_path / "own.npy", mmap_mode="r")


def test_a_file_that_is_cut_off_is_named(own):
    os.truncate(own.filename, Path(own.filename).stat().st_size - 1)
    gather(own, np.array([58]))
    with pytest.raises(DataError, match=r"own\.npy is cut off in row 59; .*dvc repro"):
        gather(own, np.array([59]))


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps a file that is mapped")
def test_rows_of_a_file_that_was_swept_meanwhile_come_from_the_map(own, images):
    Path(own.filename).unlink()
    np.testing.assert_array_equal(gather(own, np.array([7, 3])), images[[7, 3]])


def test_training_learns_and_records_every_epoch(images, params):
    model, trained, seen = fit(images, params, "models.cnn.phases.main.learning_rate=0.005", epochs=12)
    history = trained.history
    assert list(history["epoch"]) == list(range(1, 13))
    assert list(history.columns) == [
        "epoch", "phase", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "kept",
    ]  # fmt: skip
    assert history["kept"].tolist() == (history.index == history["val_loss"].idxmin()).tolist()
    assert history["val_accuracy"].iloc[-1] == 1.0
    assert [epoch for epoch, _ in seen] == list(history["epoch"])
    assert seen[0][1]["epoch_seconds"] > 0
    assert predict(model, images, np.arange(45, 60)).argmax(1).tolist() == [
        row % CLASSES for row in range(45, 60)
    ]
    assert trained.pictures_per_second == pytest.approx(12 * 45 / trained.fit_seconds)


@pytest.fixture(scope="module")
def of_seed_1(images, params):
    """The weights of a training with the seed 1."""
    return fit(images, params, seed=1)[0].get_weights()


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(images, params, of_seed_1):
    again, other = (fit(images, params, seed=seed)[0].get_weights() for seed in (1, 2))
    for one, two in zip(of_seed_1, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(of_seed_1[0], other[0])


def test_whoever_is_told_of_an_epoch_cannot_change_the_result(images, params, of_seed_1):
    loud, *_ = fit(images, params, on_epoch=lambda *_: random.seed(7), seed=1)
    assert all(map(np.array_equal, of_seed_1, loud.get_weights()))


def test_predictions_do_not_depend_on_how_they_are_batched(images, params):
    seed_everything(1)
    model = build_model(params("model=cnn", SMALL).model("cnn"), images.shape[1:], CLASSES)
    rows = np.arange(60)
    np.testing.assert_allclose(
        predict(model, images, rows, 7), predict(model, images, rows, 60), rtol=1e-5, atol=1e-5
    )


def test_phases_follow_each_other_and_epochs_are_counted_through(images, params):
    overrides = (f"+models.cnn.phases.second={SECOND}", f"{MAIN}.epochs=3")
    _, trained, _ = fit(images, params, *overrides, epochs=None)
    assert list(trained.history["phase"]) == ["main"] * 3 + ["second"] * 2
    assert list(trained.history["epoch"]) == [1, 2, 3, 4, 5]
    assert trained.history["learning_rate"].iloc[-1] == pytest.approx(1e-3)


def test_an_exponential_schedule_lowers_the_rate_by_its_rule(images, params):
    schedule = "schedule={kind: exponential, steps: 6, rate: 0.5}"
    _, trained, _ = fit(images, params, f"{MAIN}.{schedule}", f"{MAIN}.reduce_on_plateau=null")
    # six steps an epoch: the rate at the start of each is half that of the one before
    np.testing.assert_allclose(trained.history["learning_rate"], 1e-4 * 0.5 ** np.arange(3), rtol=1e-5)


COSINE = [(1 + np.cos(np.pi * part)) / 2 for part in (0, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4)]
WARMED_UP = {  # the rates at the beginning of four epochs, by the epochs of a linear warm-up
    0: [1, COSINE[1], COSINE[3], COSINE[5]],
    1: [0, 1, COSINE[2], COSINE[4]],
    2: [0, 0.5, 1, 0.5],
}


def cosine(warmup):
    schedule = f"{MAIN}.schedule={{kind: cosine, warmup_epochs: {warmup}}}"
    return schedule, f"{MAIN}.reduce_on_plateau=null", f"{MAIN}.learning_rate=1e-3"


@pytest.mark.parametrize("warmup", WARMED_UP)
def test_a_cosine_schedule_warms_up_and_falls_to_zero(params, warmup):
    """The formula of Loshchilov and Hutter (2017), eq. 5, one cycle, after a linear warm-up."""
    phase = params("model=cnn", *cosine(warmup)).model("cnn").phases["main"]
    made, rates = optimizer(phase, 4 * 6, 6), []
    for step in (0, 6, 12, 18, 24):
        made.iterations.assign(step)
        rates.append(float(made.learning_rate))
    np.testing.assert_allclose(rates, 1e-3 * np.array([*WARMED_UP[warmup], 0]), atol=1e-8)


def test_a_cosine_schedule_is_stretched_over_the_phase(images, params):
    _, trained, _ = fit(images, params, *cosine(1), epochs=4)
    np.testing.assert_allclose(trained.history["learning_rate"], 1e-3 * np.array(WARMED_UP[1]), atol=1e-8)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("sgd", {"momentum": 0.9, "nesterov": True, "weight_decay": 5e-4}),
        ("adamw", {"weight_decay": 0.01, "global_clipnorm": 1.0}),
        ("adamax", {"clipvalue": 0.5}),
    ],
)
def test_optimizers_take_keras_s_own_settings(params, name, settings):
    written = ", ".join(f"{key}: {str(value).lower()}" for key, value in settings.items())
    chosen = (f"{MAIN}.optimizer={name}", f"+{MAIN}.optimizer_settings={{{written}}}")
    made = optimizer(params("model=cnn", *chosen).model("cnn").phases["main"], 6, 6)
    assert type(made).__name__.lower() == name
    assert {key: made.get_config()[key] for key in settings} == settings


def test_a_setting_that_an_optimizer_does_not_take_is_named(params):
    phase = params("model=cnn", f"+{MAIN}.optimizer_settings={{momentum: 0.9}}").model("cnn").phases["main"]
    with pytest.raises(ParamsError, match=r"optimizer_settings of adam: .*momentum"):
        optimizer(phase, 6, 6)


def test_training_takes_the_settings_of_the_optimizer(images, params):
    """SGD moves weights by rate x gradient: with its norm clipped to c, n steps move them by n x rate x c."""
    clipped = (
        f"{MAIN}.optimizer=sgd",
        f"{MAIN}.learning_rate=1.0",
        f"+{MAIN}.optimizer_settings={{global_clipnorm: 1e-3}}",
    )
    seed_everything(1)
    before = build_model(params("model=cnn", SMALL).model("cnn"), images.shape[1:], CLASSES).get_weights()
    model, _, _ = fit(images, params, *clipped, epochs=1)
    pairs = zip(before, model.get_weights(), strict=True)
    moved = np.sqrt(sum(np.sum((a - b) ** 2) for a, b in pairs))
    assert 1e-3 < moved <= 6 * 1e-3 * 1.001


def test_label_smoothing_gives_the_loss_of_the_formula(images, params):
    """One step of rate ~0: the loss is that of the fresh network, by hand from its logits."""
    rows = np.arange(45)
    rate = f"{MAIN}.learning_rate=1e-12"
    quiet = ("models.cnn.knobs.conv_dropout=0.0", "models.cnn.knobs.dense_dropout=0.0")
    model, trained, _ = fit(
        images, params, rate, "models.cnn.batch_size=45", "models.cnn.label_smoothing=0.2", *quiet, epochs=1
    )
    logits = predict(model, images, rows).astype(np.float64)
    log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    target = 0.8 * np.eye(CLASSES)[rows % CLASSES] + 0.2 / CLASSES
    assert trained.history["loss"][0] == pytest.approx(-(target * log_p).sum(1).mean(), rel=1e-5)


def test_balanced_class_weights_give_each_class_the_same_pull(images, params):
    """Class r three times as often as the others: weights n / (classes x count), as scikit-learn has them."""
    rows = np.array([row for row in range(45) if row % CLASSES == 0 or row < 15])
    counts = np.bincount(rows % CLASSES)
    weights = len(rows) / (CLASSES * counts)
    quiet = ("models.cnn.knobs.conv_dropout=0.0", "models.cnn.knobs.dense_dropout=0.0")
    once = ("models.cnn.batch_size=45", f"{MAIN}.learning_rate=1e-12", *quiet)
    spec = params("model=cnn", SMALL, "models.cnn.class_weights=balanced", *once).model("cnn")
    seed_everything(1)
    model = build_model(spec, images.shape[1:], CLASSES)
    data = Data(images, ["r", "g", "b"], {"train": subset(rows), "val": subset(range(45, 60))})
    session = fitting.Session(1, 1, NOWHERE, 0, NOWHERE, lambda *_: None, verbose=0)
    trained = fitting.train(model, spec, data, session)
    logits = predict(model, images, rows).astype(np.float64)
    log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    labels = rows % CLASSES
    losses = -log_p[np.arange(len(rows)), labels] * weights[labels]
    assert trained.history["loss"][0] == pytest.approx(losses.mean(), rel=1e-5)


def test_early_stopping_ends_training_and_restores_the_best_epoch(images, params):
    stop = "models.cnn.phases.main.early_stopping={monitor: val_loss, patience: 2, restore_best: true}"
    rate = "models.cnn.phases.main.learning_rate=0.05"
    model, trained, _ = fit(images, params, stop, rate, epochs=60)
    history = trained.history
    assert len(history) < 60
    best = history["val_loss"].idxmin()
    assert best == len(history) - 3
    assert history["kept"].tolist() == (history.index == best).tolist()
    logits = predict(model, images, np.arange(45, 60)).astype(np.float64)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(np.arange(45, 60) % CLASSES, logits)
    assert float(loss) == pytest.approx(history["val_loss"][best], rel=1e-3, abs=1e-5)


def test_a_loss_that_is_no_number_stops_with_the_fix(images, params):
    with pytest.raises(ModelError, match=r"the loss is (nan|inf) in epoch \d.*lower its learning_rate"):
        fit(images, params, "models.cnn.phases.main.learning_rate=1e30", epochs=5)
