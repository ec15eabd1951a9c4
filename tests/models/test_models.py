"""Networks, model files and their errors: built from the real configuration, with random weights."""

import re

import numpy as np
import pytest

from helpers import MODELS, ROOT, recipe, without_values
from menagerie.errors import ModelError, ParamsError

keras = pytest.importorskip("keras")

from menagerie import model_files  # noqa: E402
from menagerie.models.parts.augmentation import augmentation  # noqa: E402
from menagerie.train import building, optimizing  # noqa: E402

pytestmark = pytest.mark.tensorflow

# facts of the notebooks: size and classes that they used, parameters and the trainable ones of these
SIZE_000, SIZE_001, CIFAR10, SIGNS = (299, 10), (100, 5), (32, 10), (100, 10)
PUBLISHED = {
    "ann": (SIZE_000, 8_401_930, 8_401_930),
    "cnn": (SIZE_000, 5_631_722, 5_631_722),
    "cnn_augmented": (SIZE_000, 5_631_722, 5_631_722),
    "cnn_deep": (SIZE_000, 5_407_274, 5_407_274),
    "simple_cnn": (SIZE_001, 726_277, 726_277),
    "mid_cnn": (SIZE_001, 1_614_885, 1_614_885),
    "resnet": (SIZE_001, 11_705_333, 11_697_525),
    "inception": (SIZE_001, 14_633_877, 14_632_725),
    "resnet_augmented": (SIZE_001, 11_705_333, 11_697_525),
    "model_s": (CIFAR10, 1_886_282, 1_885_578),
    "leaky_cnn": (CIFAR10, 2_105_066, 2_105_066),
    "leaky_cnn_dropout": (CIFAR10, 2_105_066, 2_105_066),
    "leaky_cnn_deep": (CIFAR10, 1_084_234, 1_084_234),
    "sign_cnn": (SIGNS, 1_204_650, 1_204_650),
    "sign_cnn_decay_high": (SIGNS, 1_204_650, 1_204_650),
    "sign_cnn_decay_low": (SIGNS, 1_204_650, 1_204_650),
}
OURS = {  # networks as meant, and those of no notebook: the counts that their files tell
    "cnn_deep_fixed": (SIZE_000, 5_407_274, 5_407_274),
    "simple_cnn_fixed": (SIZE_001, 188_677, 188_677),
    "mid_cnn_best": (SIZE_001, 1_614_885, 1_614_885),
    "resnet_fixed": (SIZE_001, 11_705_333, 11_697_525),
    "resnet_augmented_fixed": (SIZE_001, 11_705_333, 11_697_525),
    "inception_fixed": (SIZE_001, 14_633_877, 14_632_725),
    "resnet9": (CIFAR10, 6_577_610, 6_573_130),
    "sign_resnet9": (SIGNS, 469_626, 468_378),
    "resnet9_narrow": (CIFAR10, 488_314, 486_938),
    "animals_resnet9": (SIZE_001, 11_594_181, 11_586_885),
}
FILES = [name for name in MODELS if recipe(name)["arch"] != "pretrained"]
ONE_OF_EACH = [
    "ann",
    "cnn",
    "simple_cnn",
    "mid_cnn",
    "resnet",
    "inception",
    "model_s",
    "leaky_cnn",
    "resnet9",
]
SAVED = [*ONE_OF_EACH, "cnn_deep", "resnet_augmented"]  # these two have every layer of augmentation


def build(params, name, shape, classes=10):
    return building.build_model(params(f"model={name}").model(name), shape, classes)


def least(params, name):
    """The size that the error of a network asks for when its pictures are too small; 1 when none are."""
    try:
        build(params, name, (1, 1, 3))
    except ModelError as error:
        return int(re.search(r"needs (\d+)x\1 pixels", str(error))[1])
    return 1


def pictures(size, count=2):
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), np.uint8)


# every file


def test_no_model_file_is_missed_by_these_tests():
    assert set(FILES) == PUBLISHED.keys() | OURS.keys()


@pytest.mark.parametrize("name", FILES)
def test_every_network_has_the_parameters_that_are_told_of_it(params, name):
    (size, classes), total, trainable = (PUBLISHED | OURS)[name]
    with without_values():
        model = build(params, name, (size, size, 3), classes)
    assert model.count_params() == total
    assert sum(np.prod(weight.shape) for weight in model.trainable_weights) == trainable


@pytest.mark.parametrize("name", OURS)
def test_a_file_of_no_notebook_tells_its_parameters(name):
    _, total, trainable = OURS[name]
    told = ROOT.joinpath(f"conf/model/{name}.yaml").read_text("utf-8").replace("\n# ", " ")
    assert {f"{total:,}", f"{trainable:,}"} <= set(re.findall(r"[\d,]+\d", told))


def layer_kinds(model):
    return {(type(layer).__name__, getattr(layer, "activation", None)) for layer in model.layers}


def test_of_every_kind_of_layer_one_is_trained_and_saved_below(params):
    kinds = {}
    with without_values():
        for name in FILES:
            kinds[name] = layer_kinds(build(params, name, (64, 64, 3)))
    assert set.union(*kinds.values()) == set.union(*(kinds[name] for name in SAVED))


@pytest.mark.parametrize("name", SAVED)
def test_a_step_moves_every_weight_that_is_not_dead_and_the_network_is_read_again_as_saved(
    params, tmp_path, name
):
    size = max(16, least(params, name))
    model = build(params, name, (size, size, 3), 4)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    # Lion moves a weight by the sign of its gradient, however small that is. One step needs no graph.
    model.compile(keras.optimizers.Lion(1e-3), loss, run_eagerly=True)
    before = [keras.ops.convert_to_numpy(weight) for weight in model.trainable_weights]
    assert np.isfinite(model.train_on_batch(pictures(size, 4), np.arange(4)))
    still = [
        weight.path
        for weight, value in zip(model.trainable_weights, before, strict=True)
        if (keras.ops.convert_to_numpy(weight) == value).all()
    ]
    dead = dead_weights(model) if name in ("resnet", "resnet_augmented") else []
    assert still == [weight.path for weight in dead]
    model_files.save_model(model, tmp_path / "model.keras")
    loaded = model_files.load_model(tmp_path / "model.keras")
    assert loaded.input_shape == (None, size, size, 3)
    logits = loaded.predict_on_batch(pictures(size))
    assert logits.shape == (2, 4)
    assert logits.dtype == np.float32
    as_graph = keras.Model(model.input, model.output)  # as the loaded one predicts
    np.testing.assert_array_equal(logits, as_graph.predict_on_batch(pictures(size)))


@pytest.mark.parametrize("name", FILES)
def test_the_optimizer_of_every_phase_is_one_that_keras_takes(params, name):
    for phase in params(f"model={name}").model(name).phases.values():
        made = optimizing.optimizer(phase, steps=100, steps_per_epoch=10)
        assert type(made).__name__.lower() == phase.optimizer
        assert phase.optimizer_settings.items() <= made.get_config().items()


@pytest.mark.parametrize("name", ["cnn", "simple_cnn", "simple_cnn_fixed", "mid_cnn", "inception", "model_s"])
def test_the_size_that_an_error_asks_for_is_the_least_that_will_do(params, name):
    size = least(params, name)
    assert size > 1
    with pytest.raises(ModelError, match=f"needs {size}x{size} pixels; the pictures have {size}x{size - 1}"):
        build(params, name, (size, size - 1, 3))
    assert build(params, name, (size, size, 3)).output_shape == (None, 10)


# scaling and augmentation


@pytest.mark.parametrize("name", ONE_OF_EACH)
@pytest.mark.parametrize(("pixel", "scaled"), [(0, 0.0), (255, 1.0)])
def test_pictures_are_scaled_to_the_unit_range(params, name, pixel, scaled):
    with without_values():
        model = build(params, name, (46, 46, 3))
    rescaling = [layer for layer in model.layers if isinstance(layer, keras.layers.Rescaling)]
    first = next(layer for layer in rescaling if layer.scale != 1)  # 1 makes floats of bytes
    inside = keras.Model(model.input, first.output)
    pictures = np.full((1, 46, 46, 3), pixel, np.uint8)
    np.testing.assert_allclose(inside.predict_on_batch(pictures), scaled, atol=1e-6)


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_a_network_called_eagerly_gives_what_it_predicts(params, name):
    """Bytes go in: a layer that keeps their type, as Resizing does, would round in the one alone."""
    keras.utils.set_random_seed(0)
    model = build(params, name, (48, 48, 3))
    eager = keras.ops.convert_to_numpy(model(pictures(48), training=False))
    np.testing.assert_allclose(eager, model.predict(pictures(48), verbose=0), rtol=1e-5, atol=1e-5)


def augmentation_of(params, name):
    return augmentation(build(params, name, (32, 32, 3)), params(f"model={name}").model(name).augment)[0]


def test_augmentation_is_random_in_training_and_silent_in_inference(params):
    inside = augmentation_of(params, "cnn_augmented")
    picture = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), np.uint8)
    quiet = keras.ops.convert_to_numpy(inside(picture, training=False))
    np.testing.assert_allclose(quiet, picture / 255, atol=1e-6)
    assert not np.allclose(keras.ops.convert_to_numpy(inside(picture, training=True)), quiet)


@pytest.mark.parametrize(("name", "cut"), [("cnn_deep", False), ("cnn_deep_fixed", True)])
def test_contrast_as_published_lets_through_what_is_brighter_than_white(params, name, cut):
    layers = augmentation_of(params, name).layers
    contrast = next(layer for layer in layers if isinstance(layer, keras.layers.RandomContrast))
    half_white = np.concatenate([np.zeros((64, 4, 8, 3)), np.ones((64, 4, 8, 3))], axis=1)
    keras.utils.set_random_seed(0)
    result = keras.ops.convert_to_numpy(contrast(half_white, training=True))
    assert result.min() == 0
    assert (result.max() <= 1) == cut


def test_noise_as_published_is_that_of_pictures_not_yet_scaled(params):
    published, meant = (
        params(f"model={name}").model(name).augment[-1].settings["stddev"]
        for name in ("resnet_augmented", "resnet_augmented_fixed")
    )
    assert published * 255 == pytest.approx(meant, rel=1e-3)


# single architectures


def identity_convolutions(model):
    """The first convolution of each identity block."""
    names = ["stage1_block1", "stage1_block2", "stage2_block2", "stage3_block2", "stage4_block2"]
    return [model.get_layer(f"{name}_conv1") for name in names]


@pytest.mark.parametrize(("name", "alive"), [("resnet", False), ("resnet_fixed", True)])
def test_first_convolutions_of_identity_blocks_are_dead_as_published(params, name, alive):
    model = build(params, name, (16, 16, 3))
    firsts = identity_convolutions(model)
    before = [keras.ops.convert_to_numpy(layer.kernel) for layer in firsts]
    logits = model.predict_on_batch(pictures(16))
    for layer in firsts:
        layer.kernel.assign(2 * layer.kernel + 1)
    assert (model.predict_on_batch(pictures(16)) != logits).any() == alive
    for layer, kernel in zip(firsts, before, strict=True):
        layer.kernel.assign(kernel)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss, run_eagerly=True)
    model.train_on_batch(pictures(16), np.arange(2))  # plain SGD moves a weight by its gradient
    for layer, kernel in zip(firsts, before, strict=True):
        assert (keras.ops.convert_to_numpy(layer.kernel) != kernel).any() == alive


def dead_weights(model):
    """Those of these convolutions and of their normalizations."""
    pairs = [(layer, model.get_layer(f"{layer.name}_bn")) for layer in identity_convolutions(model)]
    return [weight for pair in pairs for layer in pair for weight in layer.trainable_weights]


def test_the_dead_weights_are_27_percent_of_the_published_network(params):
    with without_values():
        model = build(params, "resnet", (100, 100, 3), classes=5)
    dead = sum(np.prod(weight.shape) for weight in dead_weights(model))
    assert dead == 3_173_376
    assert round(100 * dead / model.count_params()) == 27


def test_penalties_lie_on_the_kernels_that_they_are_named_for(params):
    model = build(params, "model_s", (16, 16, 3))
    expected = 0
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense):
            kernel = keras.ops.convert_to_numpy(layer.kernel)
            l1, l2 = (1e-5, 1e-4) if kernel.ndim == 4 else (1e-3, 1e-2)
            expected += l1 * np.abs(kernel).sum() + l2 * np.square(kernel).sum()
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)


def test_a_stage_without_its_number_of_residual_blocks_is_named(params):
    spec = params("model=resnet9", "models.resnet9.knobs.widths=[16,32]").model("resnet9")
    with pytest.raises(ParamsError, match=r"resnet9: 2 widths and 3 residual_blocks"):
        building.build_model(spec, (32, 32, 3), 10)


@pytest.mark.parametrize("name", [name for name in ONE_OF_EACH if name != "ann"])
def test_logits_stay_float32_in_mixed_precision(params, name):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build(params, name, (46, 46, 3))
    finally:
        keras.config.set_dtype_policy(before)
    assert model.output.dtype == "float32"
    assert model.layers[-2].compute_dtype == "bfloat16"


# errors


def test_pictures_too_small_for_the_network_are_named(params):
    with pytest.raises(ModelError, match=r"needs 8x8 pixels; the pictures have 4x4"):
        build(params, "cnn", (4, 4, 3))


def test_an_unknown_architecture_is_named_with_the_nearest(params):
    spec = params("model=cnn").model("cnn").model_copy(update={"arch": "cnnn"})
    with pytest.raises(ParamsError, match=r"unknown arch 'cnnn'; did you mean 'cnn'\? known: ann, cnn"):
        building.build_model(spec, (32, 32, 3), 10)


def test_an_unknown_knob_is_named_with_the_nearest(params):
    spec = params("model=cnn", "+models.cnn.knobs.filter=[1]").model("cnn")
    with pytest.raises(ParamsError, match=r"unknown key 'filter'; did you mean 'filters'\?"):
        building.build_model(spec, (32, 32, 3), 10)


def test_an_unknown_setting_of_an_augmentation_layer_is_named(params):
    spec = params("model=cnn", "models.cnn.augment=[{layer: RandomFlip, settings: {way: up}}]").model("cnn")
    with pytest.raises(ParamsError, match=r"RandomFlip.*way"):
        building.build_model(spec, (32, 32, 3), 10)
