"""What trains and what does not: on real bases with random weights."""

import re

import numpy as np
import pytest

from menagerie.errors import ParamsError

keras = pytest.importorskip("keras")

from menagerie.models.parts import freezing  # noqa: E402
from menagerie.params.model import PretrainedPhase  # noqa: E402
from menagerie.train import building  # noqa: E402

pytestmark = pytest.mark.tensorflow

PICTURES = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)


def build(params, base, side):
    """A network with layers before and after the base, so that it must be told from them."""
    spec = params("model=mobilenet_imagenet").model("mobilenet_imagenet")
    augment = params("model=cnn_augmented").model("cnn_augmented").augment
    changed = {"base": base, "weights": "random", "output_layer": None, "image_size": (side, side)}
    return building.build_model(spec.model_copy(update={**changed, "augment": augment}), (32, 32, 3), 4)


@pytest.fixture(scope="module")
def model(params):
    return build(params, "MobileNetV2", 32)


@pytest.fixture(scope="module")
def phase(params):
    """`phase(freeze={"kind": "all"})`: the phase of a model file, with a key changed."""
    whole = params("model=xception_partial").model("xception_partial").phases["main"]
    return lambda **changed: PretrainedPhase.model_validate({**whole.model_dump(), **changed})


def names(layers):
    """Names without the numbers that Keras counts on from network to network."""
    return [re.sub(r"_\d+$", "", layer.name) for layer in layers]


@pytest.mark.parametrize(
    ("base", "side"), [("MobileNetV2", 32), ("ResNet50V2", 32), ("Xception", 71), ("InceptionV3", 75)]
)
def test_the_backbone_has_the_layers_of_the_base_in_its_own_order(params, base, side):
    model = build(params, base, side)
    alone = getattr(keras.applications, base)(include_top=False, weights=None, input_shape=(side, side, 3))
    found, expected = freezing.backbone(model), alone.layers[1:]  # without its input
    assert names(found) == names(expected)
    assert names(found[-10:]) == names(alone.layers[-10:])
    for layer, copy in zip(found, expected, strict=True):
        copy.set_weights(layer.get_weights())  # layers in another order would not fit, or not give the same
    scaled = keras.Model(model.input, model.get_layer(freezing.BACKBONE_INPUT).output)(
        PICTURES, training=False
    )
    features = keras.Model(model.input, model.get_layer(freezing.FEATURES).output)(PICTURES, training=False)
    np.testing.assert_allclose(alone(scaled, training=False), features, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("freeze", "frozen"),
    [
        ({"kind": "none"}, slice(0, 0)),
        ({"kind": "all"}, slice(None)),
        ({"kind": "last", "layers": 10}, slice(-10, None)),
        ({"kind": "all_but_last", "layers": 10}, slice(0, -10)),
        ({"kind": "until", "layer": "block_4_add"}, None),
    ],
)
def test_a_policy_freezes_just_the_layers_it_names_and_undoes_another(model, phase, freeze, frozen):
    layers = freezing.backbone(model)
    if frozen is None:
        frozen = slice([layer.name for layer in layers].index("block_4_add") + 1)
    for before in ("all", "none"):
        freezing.freeze(model, phase(freeze={"kind": before}, batch_norm="inference"))
        freezing.freeze(model, phase(freeze=freeze, batch_norm="train"))
        assert [layer for layer in layers if not layer.trainable] == layers[frozen]
        assert all(layer.trainable for layer in model.layers if layer not in layers)


def running_statistics(layers):
    normalizations = [layer for layer in layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert normalizations
    return np.concatenate([np.ravel(value) for layer in normalizations for value in layer.get_weights()])


@pytest.mark.parametrize(("batch_norm", "kept"), [("inference", True), ("train", False)])
def test_batch_normalization_of_a_trained_part_learns_only_when_it_is_to(model, phase, batch_norm, kept):
    freezing.freeze(model, phase(freeze={"kind": "all_but_last", "layers": 20}, batch_norm=batch_norm))
    layers = freezing.backbone(model)
    front, tail, head = map(running_statistics, (layers[:-20], layers[-20:], model.layers[-6:]))
    kernels = [layer.get_weights()[0] for layer in layers[-20:] if isinstance(layer, keras.layers.Conv2D)]
    model.compile(keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.train_on_batch(PICTURES, np.arange(4))
    trained = [layer.get_weights()[0] for layer in layers[-20:] if isinstance(layer, keras.layers.Conv2D)]
    assert any((after != before).any() for after, before in zip(trained, kernels, strict=True))
    assert (running_statistics(layers[:-20]) == front).all()
    assert (running_statistics(layers[-20:]) == tail).all() == kept
    assert (running_statistics(model.layers[-6:]) != head).any()


def test_a_layer_that_the_base_lacks_is_named_with_the_nearest(model, phase):
    with pytest.raises(
        ParamsError, match=r"freeze\.layer: unknown layer .*'block_4_ad'; did you mean 'block_4_add'\?"
    ):
        freezing.freeze(model, phase(freeze={"kind": "until", "layer": "block_4_ad"}))


@pytest.mark.parametrize("kind", ["last", "all_but_last"])
def test_more_layers_than_the_base_has_are_refused(model, phase, kind):
    count = len(freezing.backbone(model))
    freezing.freeze(model, phase(freeze={"kind": kind, "layers": count}))
    with pytest.raises(
        ParamsError, match=rf"freeze\.layers: the base has {count} layers, fewer than {count + 1}"
    ):
        freezing.freeze(model, phase(freeze={"kind": kind, "layers": count + 1}))
