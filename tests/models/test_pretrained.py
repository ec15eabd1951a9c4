"""Pretrained bases: every model file of the configuration, and weights from files, mirrors and caches."""

import functools
import http.server
import socket
import threading
import urllib.request

import numpy as np
import pytest

from helpers import ROOT
from menagerie.errors import ModelError, ParamsError, WeightsError

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


# weights of a file


def saved(network, path):
    """As users save weights: Keras 3's own file, or the older one of a whole model."""
    network.save_weights(path) if path.name.endswith(".weights.h5") else network.save(path)
    return [weight.numpy() for weight in network.weights]


def alone(base, side, until=None, **settings):
    network = getattr(keras.applications, base)(
        include_top=False, weights=None, input_shape=(side, side, 3), **settings
    )
    return keras.Model(network.input, network.get_layer(until).output) if until else network


def backbone_weights(model):
    return [weight.numpy() for layer in freezing.backbone(model) for weight in layer.weights]


def assert_equal(found, expected):
    assert found
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("suffix", [".weights.h5", ".h5"])
@pytest.mark.parametrize(
    ("base", "side", "file_until", "output_layer"),
    [
        ("MobileNetV2", 32, None, None),  # the whole base
        ("InceptionV3", 75, "mixed2", "mixed2"),  # a cut base with branches
    ],
)
def test_a_file_gives_its_weights_whatever_comes_before_the_base(
    params, tmp_path, suffix, base, side, file_until, output_layer
):
    expected = saved(alone(base, side, file_until), tmp_path / f"mine{suffix}")
    augment = chosen(params, "inception_v3_transfer").augment
    changed = {"image_size": (side, side), "augment": augment, "output_layer": output_layer}
    spec = bare(params, base, weights=str(tmp_path / f"mine{suffix}"), **changed)
    assert_equal(backbone_weights(building.build_model(spec, (32, 32, 3), 4)), expected)


def test_a_file_of_the_whole_base_serves_one_cut_at_a_layer(params, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    expected = saved(alone("MobileNetV2", 32), tmp_path / "mine.weights.h5")
    spec = bare(params, "MobileNetV2", weights="mine.weights.h5", output_layer="block_6_expand_relu")
    found = backbone_weights(building.build_model(spec, (32, 32, 3), 4))
    assert_equal(found, expected[: len(found)])


def test_a_queued_experiment_finds_a_file_of_the_main_repository(params, tmp_path, monkeypatch):
    tmp_path.joinpath("main").mkdir()
    expected = saved(alone("VGG16", 32, "block1_pool"), tmp_path / "main" / "mine.weights.h5")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "main"))
    spec = bare(params, "VGG16", weights="mine.weights.h5", output_layer="block1_pool")
    assert_equal(backbone_weights(building.build_model(spec, (32, 32, 3), 4)), expected)


@pytest.fixture(params=["folder", "http"])
def own_mirror(request, tmp_path, monkeypatch):
    """A mirror with an empty folder of weights, named by MENAGERIE_MIRROR; gives that folder."""
    folder = tmp_path / "mirror" / "weights"
    folder.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    if request.param == "folder":
        monkeypatch.setenv("MENAGERIE_MIRROR", "mirror")
        yield folder
        return

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=folder.parent)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("MENAGERIE_MIRROR", f"http://127.0.0.1:{server.server_port}/")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield folder
        server.shutdown()


def test_a_file_is_taken_from_the_mirror(params, own_mirror):
    expected = saved(alone("VGG16", 32, "block1_pool"), own_mirror / "mine.weights.h5")
    spec = bare(params, "VGG16", weights="mine.weights.h5", output_layer="block1_pool")
    assert_equal(backbone_weights(building.build_model(spec, (32, 32, 3), 4)), expected)


def test_a_missing_file_is_named_with_the_places_where_it_was_looked_for(params, own_mirror, tmp_path):
    spec = bare(params, "MobileNetV2", weights="mine.weights.h5")
    with pytest.raises(WeightsError) as caught:
        building.build_model(spec, (32, 32, 3), 4)
    assert str(tmp_path / "mine.weights.h5") in str(caught.value)
    assert "/weights; `weights` is random, imagenet, or a file in one of these" in str(caught.value)


def test_a_missing_file_without_a_mirror_says_that_none_is_set(params, tmp_path, monkeypatch):
    monkeypatch.delenv("MENAGERIE_MIRROR", raising=False)
    spec = bare(params, "MobileNetV2", weights=str(tmp_path / "mine.weights.h5"))
    with pytest.raises(WeightsError, match=r"mine\.weights\.h5 in a mirror \(MENAGERIE_MIRROR is not set\)"):
        building.build_model(spec, (32, 32, 3), 4)


def test_weights_of_another_base_are_refused_even_where_its_first_layers_fit(params, tmp_path):
    """VGG19's third block has one convolution more than VGG16's, after all of those that VGG16 has."""
    saved(alone("VGG19", 32, "block3_pool"), tmp_path / "mine.weights.h5")
    spec = bare(params, "VGG16", weights=str(tmp_path / "mine.weights.h5"), output_layer="block3_pool")
    message = r"mine\.weights\.h5 holds no weights of VGG16 .* up to block3_pool \(it holds 16 arrays"
    with pytest.raises(WeightsError, match=message):
        building.build_model(spec, (32, 32, 3), 4)


def test_weights_of_another_width_are_refused(params, tmp_path):
    saved(alone("MobileNetV2", 32, alpha=0.35), tmp_path / "mine.weights.h5")
    spec = bare(params, "MobileNetV2", weights=str(tmp_path / "mine.weights.h5"))
    with pytest.raises(WeightsError, match=r"mine\.weights\.h5 holds no weights of MobileNetV2"):
        building.build_model(spec, (32, 32, 3), 4)


@pytest.mark.parametrize("content", [b"", b"no weights"])
def test_a_file_that_holds_no_weights_is_refused(params, tmp_path, content):
    tmp_path.joinpath("mine.weights.h5").write_bytes(content)
    spec = bare(params, "VGG16", weights=str(tmp_path / "mine.weights.h5"))
    with pytest.raises(WeightsError, match=r"mine\.weights\.h5 holds no weights of VGG16"):
        building.build_model(spec, (32, 32, 3), 4)


def test_the_real_mobilenet_gives_the_features_that_keras_applications_gives(params, mirror):
    spec = params("model=mobilenet_imagenet").model("mobilenet_imagenet")
    network = alone("MobileNet", 128)
    network.load_weights(mirror / "weights" / spec.weights)
    cut = keras.Model(network.input, network.get_layer("conv_pw_12_relu").output)
    enlarged = keras.layers.Resizing(128, 128)(pictures(100).astype(np.float32))
    scaled = keras.applications.mobilenet.preprocess_input(np.array(enlarged))
    expected = keras.ops.convert_to_numpy(cut(scaled, training=False))
    found = inner(building.build_model(spec, (100, 100, 3), 10), freezing.FEATURES)(
        pictures(100), training=False
    )
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    random = building.build_model(spec.model_copy(update={"weights": "random"}), (100, 100, 3), 10)
    assert not np.allclose(
        inner(random, freezing.FEATURES)(pictures(100), training=False), expected, atol=0.1
    )


# ImageNet weights, by the file names under which Keras publishes them

MOBILENET_V2 = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_96_no_top.h5"  # has no known hash
VGG16 = "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"  # has one


@pytest.fixture
def keras_cache(tmp_path, monkeypatch):
    """Keras's cache, empty; and a network that is away at once, wherever the tests run."""
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("home").mkdir()
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path / "home"))  # read at import
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{free.getsockname()[1]}")
        monkeypatch.delenv("https_proxy", raising=False)
        before = urllib.request._opener
        yield tmp_path / "home" / "models"
    assert urllib.request._opener is before


def imagenet(params, base, side):
    return building.build_model(bare(params, base, weights="imagenet"), (side, side, 3), 4)


def test_imagenet_weights_are_taken_from_the_mirror_and_then_from_the_cache(
    params, own_mirror, keras_cache, monkeypatch
):
    expected = saved(alone("MobileNetV2", 96), own_mirror / MOBILENET_V2)
    assert_equal(backbone_weights(imagenet(params, "MobileNetV2", 96)), expected)
    assert [path.name for path in keras_cache.iterdir()] == [MOBILENET_V2]
    monkeypatch.delenv("MENAGERIE_MIRROR")
    assert_equal(backbone_weights(imagenet(params, "MobileNetV2", 96)), expected)


def test_imagenet_weights_that_cannot_be_had_are_named_with_the_places(params, own_mirror, keras_cache):
    with pytest.raises(WeightsError) as caught:
        imagenet(params, "VGG16", 32)
    for part in (VGG16, str(keras_cache), "/weights, and the network failed", "$MENAGERIE_MIRROR/weights"):
        assert part in str(caught.value)
    assert list(keras_cache.iterdir()) == []


def test_imagenet_weights_that_cannot_be_had_without_a_mirror(params, keras_cache, monkeypatch):
    monkeypatch.delenv("MENAGERIE_MIRROR", raising=False)
    with pytest.raises(
        WeightsError, match=rf"{VGG16} is neither .* nor in a mirror \(MENAGERIE_MIRROR is not set\)"
    ):
        imagenet(params, "VGG16", 32)


@pytest.mark.parametrize(
    ("base", "side", "file", "why"),
    [("VGG16", 32, VGG16, "hash does not match"), ("MobileNetV2", 96, MOBILENET_V2, "signature not found")],
)
def test_damaged_imagenet_weights_in_the_mirror_are_named_and_not_cached(
    params, own_mirror, keras_cache, base, side, file, why
):
    own_mirror.joinpath(file).write_bytes(b"not what Keras published")
    with pytest.raises(WeightsError, match=rf"/weights/{file}: .*{why}.*; mend or remove it"):
        imagenet(params, base, side)
    assert list(keras_cache.iterdir()) == []


def test_damaged_imagenet_weights_in_the_cache_are_named(params, own_mirror, keras_cache):
    keras_cache.mkdir()
    keras_cache.joinpath(MOBILENET_V2).write_bytes(b"cut")
    with pytest.raises(
        WeightsError, match=r"MobileNetV2 in Keras's cache .*home.models: .*remove the damaged"
    ):
        imagenet(params, "MobileNetV2", 96)


def test_a_mirror_that_is_away_is_named(params, keras_cache, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MENAGERIE_MIRROR", f"http://127.0.0.1:{free.getsockname()[1]}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with pytest.raises(WeightsError, match=rf"http://127.*/weights/{VGG16}: .*; mend the mirror"):
            imagenet(params, "VGG16", 32)


def test_pictures_too_small_for_a_base_with_imagenet_weights_are_named_before_any_download(
    params, own_mirror, keras_cache
):
    with pytest.raises(ModelError, match=r"VGG16 needs pictures of at least 32x32"):
        imagenet(params, "VGG16", 16)
