"""Pretrained bases with heads: what every model file counts, and each base from bytes to logits."""

import re

import numpy as np
import pytest

from helpers import ROOT, bare, without_values
from menagerie.errors import ModelError, ParamsError

keras = pytest.importorskip("keras")

from menagerie import model_files  # noqa: E402
from menagerie.models.parts import choosing, freezing, imagenet  # noqa: E402
from menagerie.models.parts.augmentation import augmentation  # noqa: E402
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
OURS = {  # beyond the notebooks: parameters and, where the file tells them, those trained in the first phase
    "fast": (((100, 100, 3), 10), 1_620_890, 1_509_098),
    "good": (((100, 100, 3), 10), 1_620_890, 1_390_346),
    "best": (((100, 100, 3), 10), 1_620_890, 1_390_346),  # each of its networks
    "mobilenet_random": (SIZE_003, 2_698_954, 533_002),
    "mobilenet_v2_finetune_fixed": (SIZE_001, 22_743_989, 20_486_005),
    "mobilenet_v2_last10": (SIZE_001, 22_743_989, None),
    "mobilenet_v2_transfer_native": (SIZE_001, 22_743_989, 20_486_005),
    "resnet50v2_finetune_fixed": (SIZE_001, 56_338_805, 32_774_005),
    "resnet50v2_last10": (SIZE_001, 56_338_805, None),
    "resnet50v2_transfer_native": (SIZE_001, 56_338_805, 32_774_005),
    "vgg16_native": (SIZE_003, 2_826_378, 1_090_762),
    "xception_finetune_fixed": (SIZE_001, 39_299_485, 18_438_005),
    "xception_last10": (SIZE_001, 39_299_485, None),
    "xception_transfer_native": (SIZE_001, 39_299_485, 18_438_005),
    "xception_two_stage": (SIZE_000, 20_881_970, None),
}
BASE_PARAMETERS = {  # without its top, as keras.applications' own summaries count them
    "InceptionV3": 21_802_784,
    "MobileNet": 3_228_864,
    "MobileNetV2": 2_257_984,
    "ResNet50V2": 23_564_800,
    "VGG16": 14_714_688,
    "VGG19": 20_024_384,
    "Xception": 20_861_480,
}
PREPROCESSING = {  # the module of keras.applications with the base's preprocess_input
    "InceptionV3": "inception_v3",
    "MobileNet": "mobilenet",
    "MobileNetV2": "mobilenet_v2",
    "ResNet50V2": "resnet_v2",
    "VGG16": "vgg16",  # BGR less the mean
    "VGG19": "vgg19",
    "Xception": "xception",
}


def pictures(side, count=2):
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8)


def chosen(params, name, **changed):
    return params(f"model={name}").model(name).model_copy(update={"weights": "random", **changed})


def inner(model, name):
    return keras.Model(model.input, model.get_layer(name).output)


def counted(params, name, shape, classes):
    """The parameters of a model file, and those trained in each phase."""
    spec, _ = choosing.chosen(chosen(params, name), shape[:2], classes, 1_650)
    with without_values():
        model = building.build_model(spec, shape, classes)
    trained = []
    for phase in spec.phases.values():
        freezing.freeze(model, phase)
        trained.append(sum(int(np.prod(weight.shape)) for weight in model.trainable_weights))
    return model.count_params(), trained


# model files


def test_no_model_file_is_missed_by_these_tests(compose):
    files = sorted(path.stem for path in ROOT.glob("conf/model/*.yaml"))
    models = compose(f"model=[{','.join(files)}]")["models"]
    pretrained = {name for name, model in models.items() if model["arch"] == "pretrained"}
    assert pretrained == PUBLISHED.keys() | OURS.keys()


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameter_counts_are_the_published_ones_in_every_phase(params, name):
    size, total, trained = PUBLISHED[name]
    assert counted(params, name, *size) == (total, trained)


@pytest.mark.parametrize("name", OURS)
def test_a_file_of_no_notebook_has_the_parameters_that_it_tells(params, name):
    size, total, trained_first = OURS[name]
    found, trained = counted(params, name, *size)
    assert found == total
    assert trained_first in (None, trained[0])
    told = ROOT.joinpath(f"conf/model/{name}.yaml").read_text("utf-8").replace("\n# ", " ")
    expected = {f"{total:,}"} | ({f"{trained_first:,}"} if trained_first else set())
    assert expected <= set(re.findall(r"[\d,]+\d", told))


@pytest.mark.parametrize("base", BASE_PARAMETERS)
def test_a_base_has_its_parameters_and_scaling_and_is_read_again_as_it_was_saved(params, tmp_path, base):
    side = imagenet.BASES[base].least
    model = building.build_model(bare(params, base), (side, side, 3), 4)
    logits = model.get_layer("logits")
    assert model.count_params() - logits.count_params() == BASE_PARAMETERS[base]
    assert model.output is logits.output
    batch = pictures(side)
    preprocess_input = getattr(keras.applications, PREPROCESSING[base]).preprocess_input
    scaled = inner(model, freezing.BACKBONE_INPUT)(batch, training=False)
    np.testing.assert_allclose(scaled, preprocess_input(batch.astype(np.float32)), rtol=1e-6, atol=1e-4)
    model_files.save_model(model, tmp_path / "model.keras")
    loaded = model_files.load_model(tmp_path / "model.keras")
    expected = keras.ops.convert_to_numpy(model(batch, training=False))
    assert (expected.shape, expected.dtype) == ((2, 4), np.float32)
    np.testing.assert_array_equal(loaded(batch, training=False), expected)
    names = [[layer.name for layer in freezing.backbone(one)] for one in (loaded, model)]
    assert names[0] == names[1]


# input and scaling


@pytest.mark.parametrize(
    ("base", "module"),
    [
        ("DenseNet121", "densenet"),  # mean and standard deviation of each channel
        ("EfficientNetB0", "efficientnet"),  # 0..255, scaled in the base
    ],
)
def test_native_scaling_is_that_of_keras_applications(params, base, module):
    with without_values():
        model = building.build_model(bare(params, base), (32, 32, 3), 4)
    expected = getattr(keras.applications, module).preprocess_input(pictures(32).astype(np.float32))
    scaled = inner(model, freezing.BACKBONE_INPUT)(pictures(32), training=False)
    np.testing.assert_allclose(scaled, expected, rtol=1e-6, atol=1e-6)


def test_unit_scaling_maps_bytes_to_0_and_1(params):
    with without_values():
        model = building.build_model(bare(params, "VGG16", preprocess="unit"), (32, 32, 3), 4)
    black_and_white = np.stack([np.zeros((32, 32, 3), np.uint8), np.full((32, 32, 3), 255, np.uint8)])
    scaled = inner(model, freezing.BACKBONE_INPUT)(black_and_white, training=False)
    np.testing.assert_allclose(scaled[0], 0)
    np.testing.assert_allclose(scaled[1], 1, rtol=1e-6)


def test_pictures_are_enlarged_then_augmented_then_scaled(params):
    augment = chosen(params, "inception_v3_transfer").augment
    spec = bare(params, "MobileNet", image_size=(80, 76), augment=augment)  # scales to -1..1
    model = building.build_model(spec, (32, 32, 3), 4)
    order = [layer.name.split("_")[0] for layer in model.layers]
    assert order[: order.index("backbone")] == [
        *("input", "rescaling", "resizing", "plain", "augmented", "rescaling")
    ]
    assert inner(model, freezing.BACKBONE_INPUT).output_shape == (None, 80, 76, 3)
    quiet = keras.ops.convert_to_numpy(inner(model, freezing.BACKBONE_INPUT)(pictures(32), training=False))
    random = keras.ops.convert_to_numpy(augmentation(model, augment)[0](pictures(32), training=True))
    enlarged = keras.layers.Resizing(80, 76)(pictures(32).astype(np.float32))
    np.testing.assert_allclose(quiet, np.array(enlarged) / 127.5 - 1, atol=1e-5)
    assert random.shape == enlarged.shape
    assert np.abs(random - enlarged).mean() > 1
    assert random.max() > 128  # they are 0..255


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
        ("{layer: Dense, settings: {unit: 8}}", r"head layer Dense: .*unit"),
        ("{layer: Dense, settings: {units: 8, name: mine}}", r"head layer Dense: .*name"),
        ("{layer: Dense, settings: {units: 8, activation: rely}}", r"head layer Dense: .*rely"),
    ],
)
def test_an_unknown_setting_of_a_layer_of_the_head_is_named(params, head, message):
    spec = params("model=vgg16_transfer", f"models.vgg16_transfer.head=[{head}]").model("vgg16_transfer")
    with pytest.raises(ParamsError, match=message):
        building.build_model(spec.model_copy(update={"weights": "random"}), (32, 32, 3), 10)


def test_every_layer_of_a_head_may_come_twice(params):
    head = "[{layer: BatchNormalization, settings: {}}, {layer: LeakyReLU, settings: {negative_slope: 0.1}},"
    head += "{layer: LayerNormalization, settings: {}}, {layer: Activation, settings: {activation: relu}}]"
    once = params("model=vgg16_transfer", f"models.vgg16_transfer.head={head}").model("vgg16_transfer").head
    with without_values():
        model = building.build_model(bare(params, "MobileNetV2", head=once * 2), (32, 32, 3), 4)
    assert [layer.name for layer in model.layers if layer.name.startswith("head_")][:3] == [
        *("head_1_batchnormalization", "head_2_leakyrelu", "head_3_layernormalization")
    ]


def test_a_saved_network_that_enlarges_pictures_does_not_train_when_it_is_just_called(params, tmp_path):
    """Keras counts Resizing as augmentation: by itself it has BatchNormalization behind it train."""
    spec = bare(params, "MobileNetV2").model_copy(update={"image_size": (32, 32)})
    model = building.build_model(spec, (16, 16, 3), 4)
    model_files.save_model(model, tmp_path / "model.keras")
    loaded = model_files.load_model(tmp_path / "model.keras")
    before = loaded.predict(pictures(16), verbose=0)
    np.testing.assert_allclose(loaded(pictures(16)), before, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(loaded.predict(pictures(16), verbose=0), before)
