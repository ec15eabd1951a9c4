"""Pretrained bases: every model file of the configuration, and weights from files, mirrors and caches."""

import numpy as np
import pytest

from helpers import ROOT
from menagerie.errors import ModelError, ParamsError

keras = pytest.importorskip("keras")

from menagerie import model_files  # noqa: E402
from menagerie.models.parts import freezing  # noqa: E402
from menagerie.train import building  # noqa: E402

pytestmark = pytest.mark.tensorflow

# facts of the notebooks: size and classes, parameters, and those trained in each phase
SIZE_000, SIZE_001, SIZE_003 = ((299, 299, 3), 10), ((100, 100, 3), 5), ((32, 32, 3), 10)
PUBLISHED = {
    "inception_v3_transfer": (SIZE_000, 23_911_210, [2_108_426]),
    "inception_v3_finetune": (SIZE_000, 23_911_210, [23_876_778]),
    "inception_v3_two_stage": (SIZE_000, 23_911_210, [2_108_426, 23_859_562]),
    "resnet50v2_transfer": (SIZE_001, 56_338_805, [32_774_005]),
    "resnet50v2_finetune": (SIZE_001, 56_338_805, [32_774_005, 56_293_365]),
    "resnet50v2_partial": (SIZE_001, 56_338_805, [52_877_301]),
    "mobilenet_v2_transfer": (SIZE_001, 22_743_989, [20_486_005]),
    "mobilenet_v2_finetune": (SIZE_001, 22_743_989, [20_486_005, 22_709_877]),
    "mobilenet_v2_partial": (SIZE_001, 22_743_989, [21_977_397]),
    "xception_transfer": (SIZE_001, 39_299_485, [18_438_005]),
    "xception_finetune": (SIZE_001, 39_299_485, [18_438_005, 39_244_957]),
    "xception_partial": (SIZE_001, 39_299_485, [33_748_637]),
    "vgg16_transfer": (SIZE_003, 2_826_378, [1_090_762]),
    "vgg19_transfer": (SIZE_003, 20_197_770, [173_258]),
    "vgg19_block3": (SIZE_003, 3_416_458, [1_090_762]),
    "inception_v3_cifar": (SIZE_003, 22_369_386, [566_474]),
    "resnet50v2_cifar": (SIZE_003, 24_131_402, [566_474]),
    "mobilenet_imagenet": (SIZE_003, 2_698_954, [533_002]),
}
FILES = sorted(
    path.stem for path in ROOT.glob("conf/model/*.yaml") if "\narch: pretrained\n" in path.read_text()
)
LEAST = {"InceptionV3": 75, "Xception": 71}  # pixels; 32 for the others
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def pictures(side, count=2):
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8)


def chosen(params, name, **changed):
    return params(f"model={name}").model(name).model_copy(update={"weights": "random", **changed})


def bare(params, base, **changed):
    """A base with nothing but a logits layer on its features."""
    plain = {"base": base, "output_layer": None, "image_size": None, "pooling": "average", "head": ()}
    return chosen(params, "xception_transfer_native", **{**plain, **changed})


def inner(model, name):
    return keras.Model(model.input, model.get_layer(name).output)


# model files


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameter_counts_are_the_published_ones_in_every_phase(params, name):
    (shape, classes), total, trained = PUBLISHED[name]
    spec = chosen(params, name)
    model = building.build_model(spec, shape, classes)
    counts = []
    for phase in spec.phases.values():
        freezing.freeze(model, phase)
        counts.append(sum(int(np.prod(weight.shape)) for weight in model.trainable_weights))
    assert model.count_params() == total
    assert counts == trained


@pytest.mark.parametrize("name", FILES)
def test_a_model_file_builds_trains_saves_and_predicts_the_same(params, tmp_path, name):
    spec = chosen(params, name)
    side = 32 if spec.image_size else LEAST.get(spec.base, 32)
    model = building.build_model(spec, (side, side, 3), 4)
    batch = pictures(side)
    for phase in spec.phases.values():
        freezing.freeze(model, phase)
        frozen = [weight.numpy() for weight in model.non_trainable_weights if "moving" not in weight.path]
        model.compile(keras.optimizers.SGD(1e-6), LOSS, run_eagerly=True)  # no graph for a single step
        assert np.isfinite(model.train_on_batch(batch, np.array([0, 1])))
        after = [weight.numpy() for weight in model.non_trainable_weights if "moving" not in weight.path]
        assert all(np.array_equal(one, other) for one, other in zip(frozen, after, strict=True))
    model_files.save_model(model, tmp_path / "model.keras")
    loaded = model_files.load_model(tmp_path / "model.keras")
    logits = keras.ops.convert_to_numpy(model(batch, training=False))
    assert (logits.shape, logits.dtype) == ((2, 4), np.float32)
    np.testing.assert_array_equal(loaded(batch, training=False), logits)
    assert [layer.name for layer in freezing.backbone(loaded)] == [
        layer.name for layer in freezing.backbone(model)
    ]
    assert model.get_layer("logits").output is model.output


# input and scaling


@pytest.mark.parametrize(
    ("base", "module"),
    [
        ("MobileNetV2", "mobilenet_v2"),  # -1..1
        ("VGG16", "vgg16"),  # BGR less the mean
        ("DenseNet121", "densenet"),  # mean and standard deviation of each channel
        ("EfficientNetB0", "efficientnet"),  # 0..255, scaled in the base
    ],
)
def test_native_scaling_is_that_of_keras_applications(params, base, module):
    model = building.build_model(bare(params, base, preprocess="native"), (32, 32, 3), 4)
    expected = getattr(keras.applications, module).preprocess_input(pictures(32).astype(np.float32))
    scaled = inner(model, freezing.BACKBONE_INPUT)(pictures(32), training=False)
    np.testing.assert_allclose(scaled, expected, rtol=1e-6, atol=1e-4 if base == "VGG16" else 1e-6)


def test_unit_scaling_maps_bytes_to_0_and_1(params):
    model = building.build_model(bare(params, "VGG16", preprocess="unit"), (32, 32, 3), 4)
    black_and_white = np.stack([np.zeros((32, 32, 3), np.uint8), np.full((32, 32, 3), 255, np.uint8)])
    scaled = inner(model, freezing.BACKBONE_INPUT)(black_and_white, training=False)
    np.testing.assert_allclose(scaled[0], 0)
    np.testing.assert_allclose(scaled[1], 1, rtol=1e-6)


def test_pictures_are_enlarged_then_augmented_then_scaled(params):
    spec = chosen(params, "inception_v3_transfer", image_size=(80, 76))
    model = building.build_model(spec, (32, 32, 3), 4)
    order = [layer.name.split("_")[0] for layer in model.layers]
    assert order[: order.index("backbone")] == [
        *("input", "rescaling", "resizing", "random", "random", "random", "random", "rescaling")
    ]
    assert inner(model, freezing.BACKBONE_INPUT).output_shape == (None, 80, 76, 3)
    quiet = keras.ops.convert_to_numpy(inner(model, freezing.BACKBONE_INPUT)(pictures(32), training=False))
    random = keras.ops.convert_to_numpy(inner(model, freezing.BACKBONE_INPUT)(pictures(32), training=True))
    enlarged = keras.layers.Resizing(80, 76)(pictures(32).astype(np.float32))
    np.testing.assert_allclose(quiet, np.array(enlarged) / 127.5 - 1, atol=1e-5)
    assert np.abs(random - quiet).mean() > 0.01


def test_pictures_too_small_for_the_base_are_named_with_the_fix(params):
    spec = chosen(params, "inception_v3_cifar", image_size=None)
    with pytest.raises(
        ModelError, match=r"InceptionV3 needs .* 75x75 pixels, they have 32x32: .*image_size: \[75, 75\]"
    ):
        building.build_model(spec, (32, 32, 3), 10)


# names


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"base": "Xeption"}, r"unknown base 'Xeption'; did you mean 'Xception'\?"),
        ({"output_layer": "block3_pol"}, r"output_layer of VGG16 'block3_pol'; did you mean 'block3_pool'\?"),
        ({"output_layer": "input_layer"}, r"unknown output_layer of VGG16 'input_layer'"),
    ],
)
def test_an_unknown_base_or_layer_is_named_with_the_nearest(params, changed, message):
    with pytest.raises(ParamsError, match=message):
        building.build_model(chosen(params, "vgg16_transfer", **changed), (32, 32, 3), 10)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("{layer: Dens, settings: {units: 8}}", r"unknown head layer 'Dens'; did you mean 'Dense'\?"),
        ("{layer: Conv2D, settings: {}}", r"unknown head layer 'Conv2D'"),
        ("{layer: Dense, settings: {unit: 8}}", r"head layer Dense: .*unit"),
        ("{layer: Dense, settings: {units: 8, name: mine}}", r"head layer Dense: .*name"),
        ("{layer: Dense, settings: {units: 8, activation: rely}}", r"head layer Dense: .*rely"),
    ],
)
def test_an_unknown_layer_or_setting_of_the_head_is_named(params, head, message):
    spec = params("model=vgg16_transfer", f"models.vgg16_transfer.head=[{head}]").model("vgg16_transfer")
    with pytest.raises(ParamsError, match=message):
        building.build_model(spec.model_copy(update={"weights": "random"}), (32, 32, 3), 10)


def test_every_layer_of_a_head_may_come_twice(params):
    head = "[{layer: BatchNormalization, settings: {}}, {layer: LeakyReLU, settings: {negative_slope: 0.1}},"
    head += "{layer: LayerNormalization, settings: {}}, {layer: Activation, settings: {activation: relu}}]"
    once = params("model=vgg16_transfer", f"models.vgg16_transfer.head={head}").model("vgg16_transfer").head
    model = building.build_model(bare(params, "MobileNetV2", head=once * 2), (32, 32, 3), 4)
    assert [layer.name for layer in model.layers if layer.name.startswith("head_")][:3] == [
        *("head_1_batchnormalization", "head_2_leakyrelu", "head_3_layernormalization")
    ]
