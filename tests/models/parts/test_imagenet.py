"""The table of bases against the Keras that is installed: what keras.applications really asks for."""

import re

import pytest

from helpers import without_values
from menagerie.models.parts.imagenet import ALPHAS, BASES, DEFAULT_SIDE, weights_argument, weights_file

keras = pytest.importorskip("keras")

from keras.src.utils import file_utils  # noqa: E402

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.filterwarnings("ignore:`input_shape` is undefined or non-square"),
]

# Those of conf/model, and one of the bases that have another graph for a file.
QUICK = ["EfficientNetB0", "InceptionV3", "MobileNet", "MobileNetV2", "ResNet50V2", "VGG16", "VGG19"]
QUICK += ["Xception"]


@pytest.fixture
def build(monkeypatch, tmp_path):
    """`build(base, height, width, weights)`: the base, and what it asked of `get_file`."""
    asked = []
    (tmp_path / "file.h5").write_bytes(b"")
    monkeypatch.setattr(file_utils, "get_file", lambda *args, **more: asked.append((*args, more)))
    monkeypatch.setattr(keras.Model, "load_weights", lambda *_: None)

    def build(base, height, width, weights, **settings):
        asked.clear()
        return without_top(base, height, width, weights, **settings), asked.copy()

    return build


def without_top(base, height, width, weights, **settings):
    with without_values():
        return getattr(keras.applications, base)(
            **settings,
            include_top=False,
            weights=weights,
            input_tensor=keras.Input((height, width, 3)),
            input_shape=(height, width, 3),
        )


def asked_for(remote):
    hashes = {"file_hash": remote.md5 or remote.sha256} if remote.pinned else {}
    return [(remote.file, remote.url, {"cache_subdir": "models"} | hashes)]


def layers(model):
    """Kinds and names, without the numbers that Keras counts on from network to network."""
    return [(type(layer).__name__, re.sub(r"_?\d+$", "", layer.name)) for layer in model.layers]


def test_the_table_has_every_base_of_keras_and_no_other():
    assert sorted(BASES) == sorted(name for name in dir(keras.applications) if name[0].isupper())


@pytest.mark.parametrize(
    "base", [pytest.param(base, marks=() if base in QUICK else pytest.mark.slow, id=base) for base in BASES]
)
def test_keras_asks_for_the_file_of_the_table_and_builds_the_same_network_of_it(build, tmp_path, base):
    """For EfficientNetB0 to B7 it would not: they have a layer less when they are given a file."""
    whole, asked = build(base, 299, 299, "imagenet")
    assert asked == asked_for(weights_file(base, 299, 299, {}))
    file = str(tmp_path / "file.h5")
    of_a_file, asked = build(base, 299, 299, file)
    assert asked == []
    assert weights_argument(base, file) == (file if layers(of_a_file) == layers(whole) else "imagenet")


@pytest.mark.parametrize("base", ["MobileNet", "MobileNetV2"])
@pytest.mark.parametrize(
    "size", [(96, 96), (128, 128), (160, 160), (192, 192), (224, 224), (100, 100), (128, 160)]
)
def test_a_base_with_weights_of_several_sides_has_those_that_keras_chooses(build, base, size):
    _, asked = build(base, *size, "imagenet")
    assert asked == asked_for(weights_file(base, *size, {}))
    side = size[0] if size[0] == size[1] and size[0] in BASES[base].sides else DEFAULT_SIDE
    assert f"_{side}_" in asked[0][0]


@pytest.mark.parametrize(("base", "alpha"), [(base, alpha) for base in ALPHAS for alpha in ALPHAS[base]])
def test_a_base_of_another_width_has_the_weights_that_keras_chooses(build, base, alpha):
    _, asked = build(base, 128, 128, "imagenet", alpha=alpha)
    assert asked == asked_for(weights_file(base, 128, 128, {"alpha": alpha}))


@pytest.mark.parametrize("base", BASES)
def test_the_least_size_of_a_base_is_the_one_that_keras_takes(base):
    least = BASES[base].least
    with pytest.raises(ValueError, match=rf"at least {least}x{least}"):
        without_top(base, least - 1, least, None)
