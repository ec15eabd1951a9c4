"""Weights of a base: of files, mirrors, Keras's cache, and a server that plays the network."""

import threading

import httpx
import numpy as np
import pytest

from helpers import bare, md5
from lying_server import PATIENCE, Gate, say, serve, silent
from menagerie.download.wire import fetching
from menagerie.errors import ModelError, ParamsError, WeightsError
from menagerie.files import file_sha256
from menagerie.models.parts import imagenet
from menagerie.models.parts.weights import imagenet_file

keras = pytest.importorskip("keras")

from menagerie.models.parts import freezing, weights  # noqa: E402
from menagerie.train import building  # noqa: E402

pytestmark = [pytest.mark.tensorflow, pytest.mark.usefixtures("repository")]

BODY = np.random.default_rng(0).bytes(12_000)
MINE = "mine.weights.h5"


@pytest.fixture(params=["folder", "http"])
def mirrored(request, tmp_path, monkeypatch, server):
    """`mirrored(file, content)` puts a file into the weights of a mirror that MENAGERIE_MIRROR names."""
    if request.param == "folder":
        folder = tmp_path / "mirror" / "weights"
        folder.mkdir(parents=True)
        monkeypatch.setenv("MENAGERIE_MIRROR", "../mirror")  # from the repository
        return lambda file, content: folder.joinpath(file).write_bytes(content)
    monkeypatch.setenv("MENAGERIE_MIRROR", server.url("/mirror/"))
    return lambda file, content: server.on(f"/mirror/weights/{file}", serve(content))


def alone(base, side, until=None, **settings):
    network = getattr(keras.applications, base)(
        include_top=False, weights=None, input_shape=(side, side, 3), **settings
    )
    return keras.Model(network.input, network.get_layer(until).output) if until else network


def saved(network, path):
    """As users save weights: Keras 3's own file, or the older one of a whole model."""
    network.save_weights(path) if path.name.endswith(".weights.h5") else network.save(path)
    return [weight.numpy() for weight in network.weights]


def build(params, base, side=32, **changed):
    return building.build_model(bare(params, base, **changed), (side, side, 3), 4)


def backbone_weights(model):
    return [weight.numpy() for layer in freezing.backbone(model) for weight in layer.weights]


def assert_equal(found, expected):
    assert found
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


# a file


@pytest.mark.parametrize(
    ("suffix", "base", "side", "until"),
    [
        (".weights.h5", "MobileNet", 32, None),  # the whole base
        (".h5", "MobileNet", 32, None),
        (".h5", "InceptionV3", 75, "mixed0"),  # a cut base with branches, read layer by layer
    ],
)
def test_a_file_gives_its_weights_whatever_comes_before_the_base(params, tmp_path, suffix, base, side, until):
    expected = saved(alone(base, side, until), tmp_path / f"mine{suffix}")
    augment = params("model=inception_v3_transfer").model("inception_v3_transfer").augment
    changed = {"image_size": (side, side), "augment": augment, "output_layer": until}
    model = build(params, base, weights=str(tmp_path / f"mine{suffix}"), **changed)
    assert_equal(backbone_weights(model), expected)


def test_a_file_of_the_whole_base_serves_one_cut_at_a_layer(params, repository):
    expected = saved(alone("MobileNet", 32), repository / MINE)
    found = backbone_weights(build(params, "MobileNet", weights=MINE, output_layer="conv_pw_3_relu"))
    assert_equal(found, expected[: len(found)])


def test_a_queued_experiment_finds_a_file_of_the_main_repository(params, repository, tmp_path, monkeypatch):
    expected = saved(alone("VGG16", 32, "block1_pool"), repository / MINE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(repository))
    found = backbone_weights(build(params, "VGG16", weights=MINE, output_layer="block1_pool"))
    assert_equal(found, expected)


def test_a_file_is_taken_from_the_mirror(params, mirrored, tmp_path):
    expected = saved(alone("VGG16", 32, "block1_pool"), tmp_path / MINE)
    mirrored(MINE, (tmp_path / MINE).read_bytes())
    found = backbone_weights(build(params, "VGG16", weights=f"sub/{MINE}", output_layer="block1_pool"))
    assert_equal(found, expected)


def test_a_missing_file_is_named_with_the_places_where_it_was_looked_for(params, mirrored, repository):
    with pytest.raises(WeightsError) as caught:
        build(params, "VGG16", weights=MINE)
    assert str(repository / MINE) in str(caught.value)
    assert "/weights; `weights` is random, imagenet, or a file in one of these" in str(caught.value)


def test_a_missing_file_without_a_mirror_says_that_none_is_set(params):
    with pytest.raises(WeightsError, match=r"mine\.weights\.h5 in a mirror \(MENAGERIE_MIRROR is not set\)"):
        build(params, "VGG16", weights=MINE)


def test_a_mirror_that_refuses_a_file_is_named_with_the_fix(params, server, monkeypatch):
    monkeypatch.setenv("MENAGERIE_MIRROR", server.url())
    address = server.on(f"/weights/{MINE}", say(403))
    with pytest.raises(WeightsError, match=rf"HTTP 403.*'weights/{MINE}' in a folder") as caught:
        build(params, "VGG16", weights=MINE)
    assert address in str(caught.value)


def test_weights_of_another_base_are_refused_even_where_its_first_layers_fit(params, repository):
    """VGG19's third block has one convolution more than VGG16's, after all of those that VGG16 has."""
    saved(alone("VGG19", 32, "block3_pool"), repository / MINE)
    message = r"mine\.weights\.h5 holds no weights of VGG16 .* up to block3_pool \(it holds 16 arrays"
    with pytest.raises(WeightsError, match=message):
        build(params, "VGG16", weights=MINE, output_layer="block3_pool")


def test_weights_of_another_width_are_refused(params, repository):
    saved(alone("MobileNet", 32, alpha=0.25), repository / MINE)
    with pytest.raises(WeightsError, match=r"mine\.weights\.h5 holds no weights of MobileNet"):
        build(params, "MobileNet", weights=MINE)


@pytest.mark.parametrize("content", [b"", b"no weights"])
def test_a_file_that_holds_no_weights_is_refused(params, repository, content):
    repository.joinpath(MINE).write_bytes(content)
    with pytest.raises(WeightsError, match=r"mine\.weights\.h5 holds no weights of VGG16"):
        build(params, "VGG16", weights=MINE)


def test_the_real_mobilenet_gives_the_features_that_keras_applications_gives(params, mirror, monkeypatch):
    monkeypatch.setenv("MENAGERIE_MIRROR", str(mirror))
    spec = params("model=mobilenet_imagenet").model("mobilenet_imagenet")
    network = alone("MobileNet", 128)
    network.load_weights(mirror / "weights" / spec.weights)
    cut = keras.Model(network.input, network.get_layer("conv_pw_12_relu").output)
    pictures = np.random.default_rng(0).integers(0, 256, (2, 100, 100, 3), np.uint8)
    enlarged = keras.layers.Resizing(128, 128)(pictures.astype(np.float32))
    scaled = keras.applications.mobilenet.preprocess_input(np.array(enlarged))

    def features(spec):
        model = building.build_model(spec, (100, 100, 3), 10)
        return keras.Model(model.input, model.get_layer(freezing.FEATURES).output)(pictures, training=False)

    expected = keras.ops.convert_to_numpy(cut(scaled, training=False))
    np.testing.assert_allclose(features(spec), expected, rtol=1e-4, atol=1e-4)
    random = features(spec.model_copy(update={"weights": "random"}))
    assert not np.allclose(random, expected, atol=0.1)


# ImageNet's, by the file names under which Keras publishes them

MOBILENET = "mobilenet_1_0_128_tf_no_top.h5"  # has no known hash
VGG16 = "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"  # has one
VGG16_PATH = f"/tensorflow/keras-applications/vgg16/{VGG16}"
VGG16_SHAPE = (32, 32, 3)


@pytest.fixture
def cache(tmp_path, monkeypatch, server):
    """The folder of weights in Keras's cache, not there yet; the network is the server, which has no file."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(imagenet, "HOST", server.url())
    return tmp_path / "keras" / "models"


@pytest.fixture
def published(monkeypatch):
    """`published(content)`: this is VGG16's file."""

    def published(content):
        row = imagenet.BASES["VGG16"]
        monkeypatch.setitem(imagenet.BASES, "VGG16", row._replace(hash=md5(content)))

    return published


def test_imagenet_weights_are_taken_from_the_mirror_and_then_from_the_cache(
    params, mirrored, cache, tmp_path, monkeypatch
):
    expected = saved(alone("MobileNet", 128), tmp_path / "saved.h5")
    mirrored(MOBILENET, (tmp_path / "saved.h5").read_bytes())
    assert_equal(backbone_weights(build(params, "MobileNet", 128, weights="imagenet")), expected)
    assert file_sha256(cache / MOBILENET) == file_sha256(tmp_path / "saved.h5")
    monkeypatch.delenv("MENAGERIE_MIRROR")
    assert_equal(backbone_weights(build(params, "MobileNet", 128, weights="imagenet")), expected)
    assert [path.name for path in cache.iterdir()] == [MOBILENET]


def test_keras_finds_in_its_cache_the_file_of_a_base_that_it_builds_by_the_word_imagenet(
    params, cache, server, tmp_path, monkeypatch
):
    expected = saved(alone("EfficientNetB0", 32), tmp_path / "saved.h5")
    content = (tmp_path / "saved.h5").read_bytes()
    row = imagenet.BASES["EfficientNetB0"]._replace(hash=md5(content))
    monkeypatch.setitem(imagenet.BASES, "EfficientNetB0", row)
    known = keras.src.applications.efficientnet.WEIGHTS_HASHES
    monkeypatch.setitem(known, "b0", (None, md5(content)))
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(cache.parent))  # is read at import
    server.on(f"/{row.path}", serve(content))
    model = build(params, "EfficientNetB0", weights="imagenet")
    assert_equal(backbone_weights(model), expected)
    assert len(server.seen) == 1


def test_imagenet_weights_come_from_the_network_and_go_on_where_it_was_cut(server, cache, published):
    published(BODY)
    url = server.on(VGG16_PATH, serve(BODY, {"ETag": '"v1"'}, cut=5_000))
    waits = []
    assert imagenet_file("VGG16", {}, VGG16_SHAPE, waits.append) == (cache / VGG16, url)
    assert (cache / VGG16).read_bytes() == BODY
    assert server.ranges() == [None, "bytes=5000-", "bytes=10000-"]
    assert len(waits) == 2
    assert imagenet_file("VGG16", {}, VGG16_SHAPE) == (cache / VGG16, None)
    assert len(server.seen) == 3


def test_a_silent_network_is_asked_again_and_given_up_by_the_name_of_the_file(
    server, cache, published, monkeypatch
):
    monkeypatch.setattr(fetching, "TIMEOUT", httpx.Timeout(0.2))
    published(BODY)
    gate = Gate()
    server.on(VGG16_PATH, silent(gate), serve(BODY))
    imagenet_file("VGG16", {}, VGG16_SHAPE, lambda seconds: None)
    assert (cache / VGG16).read_bytes() == BODY
    server.clear()
    (cache / VGG16).unlink()
    server.on(VGG16_PATH, silent(gate))
    gate.open.clear()
    with pytest.raises(WeightsError, match=rf"{VGG16} .*ReadTimeout.* 7 tries in a row gained nothing"):
        imagenet_file("VGG16", {}, VGG16_SHAPE, lambda seconds: None)
    gate.open.set()
    assert len(server.seen) == 7


def test_imagenet_weights_of_a_wrong_hash_are_refused_and_not_cached(server, cache):
    url = server.on(VGG16_PATH, serve(BODY))
    expected = imagenet.BASES["VGG16"].hash
    with pytest.raises(WeightsError, match=f"expected md5 {expected}, got {md5(BODY)}") as caught:
        imagenet_file("VGG16", {}, VGG16_SHAPE)
    assert url in str(caught.value)
    assert len(server.seen) == 1
    assert list(cache.iterdir()) == []


NARROW = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5"


def test_settings_of_a_base_are_passed_on_and_its_weights_are_those_of_its_width(params, mirrored, cache):
    network = alone("MobileNetV2", 32, alpha=0.35)
    expected = saved(network, cache.parent / "narrow.h5")
    mirrored(NARROW, cache.parent.joinpath("narrow.h5").read_bytes())
    model = build(params, "MobileNetV2", base_settings={"alpha": 0.35}, weights="imagenet")
    assert_equal(backbone_weights(model), expected)
    assert (cache / NARROW).is_file()


@pytest.mark.parametrize(
    ("base", "settings", "message"),
    [
        (
            "MobileNetV2",
            {"alpha": 0.4},
            r"MobileNetV2 are known for alpha 0\.35, 0\.5, .*\{'alpha': 0\.4\}: name",
        ),
        ("MobileNetV3Small", {"alpha": 0.75}, r"MobileNetV3Small are known without base_settings alone"),
        ("MobileNet", {"depth_multiplier": 2}, r"MobileNet are known for alpha .* 1\.0 alone"),
    ],
)
def test_settings_without_imagenet_weights_are_refused_with_those_that_have_some(
    params, base, settings, message
):
    with pytest.raises(ParamsError, match=message):
        build(params, base, base_settings=settings, weights="imagenet")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"alfa": 0.35}, "base_settings of MobileNetV2 'alfa'; did you mean 'alpha'"),
        ({"include_top": True}, "base_settings of MobileNetV2 'include_top'"),
    ],
)
def test_settings_that_a_base_does_not_have_are_refused(params, settings, message):
    with pytest.raises(ParamsError, match=message):
        build(params, "MobileNetV2", base_settings=settings)


def test_imagenet_weights_that_are_nowhere_are_named_with_the_places_and_the_fix(params, mirrored, cache):
    with pytest.raises(WeightsError) as caught:
        build(params, "VGG16", weights="imagenet")
    said = str(caught.value)
    assert f"ImageNet weights of VGG16: {VGG16} is looked for in Keras's cache {cache}, then in " in said
    assert "mirror/weights, then on the network; http://" in said
    assert f"{VGG16_PATH}: HTTP 404" in said
    assert f"put it as 'weights/{VGG16}' in a folder and set MENAGERIE_MIRROR to that folder" in said
    assert list(cache.iterdir()) == []


def test_imagenet_weights_that_are_nowhere_without_a_mirror_say_that_none_is_set(cache):
    with pytest.raises(
        WeightsError, match=r"in a mirror \(MENAGERIE_MIRROR is not set\), then on the network"
    ):
        imagenet_file("VGG16", {}, VGG16_SHAPE)


def test_a_wrong_file_in_the_mirror_is_named_and_not_cached(mirrored, cache):
    mirrored(VGG16, BODY)
    with pytest.raises(WeightsError, match=rf"/weights/{VGG16}: expected md5 .*; mend or remove it there"):
        imagenet_file("VGG16", {}, VGG16_SHAPE)
    assert list(cache.iterdir()) == []


def test_a_damaged_file_of_no_known_hash_is_named_by_its_place_and_not_cached(params, mirrored, cache):
    mirrored(MOBILENET, b"not what Keras published")
    message = rf"/weights/{MOBILENET} holds no ImageNet weights .*signature not found.*mend or remove it"
    with pytest.raises(WeightsError, match=message):
        build(params, "MobileNet", 128, weights="imagenet")
    assert list(cache.iterdir()) == []


def test_a_damaged_file_of_no_known_hash_in_the_cache_is_named_and_left_to_the_user(params, cache, server):
    cache.mkdir(parents=True)
    cache.joinpath(MOBILENET).write_bytes(b"cut")
    with pytest.raises(WeightsError, match=rf"{MOBILENET} holds no .*remove the damaged file") as caught:
        build(params, "MobileNet", 128, weights="imagenet")
    assert str(cache) in str(caught.value)
    assert cache.joinpath(MOBILENET).read_bytes() == b"cut"
    assert server.seen == []


def test_a_file_of_a_wrong_hash_in_the_cache_is_replaced(mirrored, cache, published):
    published(BODY)
    cache.mkdir(parents=True)
    cache.joinpath(VGG16).write_bytes(BODY[:-1])
    mirrored(VGG16, BODY)
    path, url = imagenet_file("VGG16", {}, VGG16_SHAPE)
    assert path.read_bytes() == BODY
    assert url.endswith(f"mirror/weights/{VGG16}")


def test_a_mirror_that_fails_is_named_and_the_network_is_not_asked(server, cache, monkeypatch):
    monkeypatch.setenv("MENAGERIE_MIRROR", server.url("/mirror"))
    address = server.on(f"/mirror/weights/{VGG16}", say(500))
    with pytest.raises(WeightsError, match=r"HTTP 500; 7 tries .*unset MENAGERIE_MIRROR") as caught:
        imagenet_file("VGG16", {}, VGG16_SHAPE, lambda seconds: None)
    assert address in str(caught.value)
    assert {request.path for request in server.seen} == {f"/mirror/weights/{VGG16}"}


def test_pictures_too_small_for_a_base_with_imagenet_weights_are_named_before_any_download(
    params, server, cache
):
    with pytest.raises(ModelError, match=r"VGG16 needs pictures of at least 32x32"):
        build(params, "VGG16", 16, weights="imagenet")
    assert server.seen == []


def test_two_runs_that_want_one_file_fetch_it_once(server, cache):
    gate, came = Gate(), []
    server.on(f"/tensorflow/keras-applications/mobilenet/{MOBILENET}", serve(BODY, cut=5_000, gate=gate))

    def run():
        weights.imagenet(
            "MobileNet", {}, (128, 128, 3), lambda file: came.append((cache / MOBILENET).read_bytes())
        )

    runs = [threading.Thread(target=run) for _ in range(2)]
    runs[0].start()
    assert gate.reached.wait(PATIENCE)
    runs[1].start()
    gate.open.set()
    for one in runs:
        one.join()
    assert came == [BODY, BODY]
    assert len(server.seen) == 1
