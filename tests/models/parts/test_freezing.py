"""What trains and what does not: on real bases with random weights."""

import re

import numpy as np
import pytest

from helpers import without_values
from menagerie.errors import ParamsError

keras = pytest.importorskip("keras")

from menagerie.models.parts import freezing  # noqa: E402
from menagerie.params.model import PretrainedPhase  # noqa: E402
from menagerie.train import building  # noqa: E402

pytestmark = pytest.mark.tensorflow

PICTURES = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
POLICIES = [
    {"kind": "none"},
    {"kind": "all"},
    {"kind": "last", "layers": 10},
    {"kind": "all_but_last", "layers": 10},
    {"kind": "until", "layer": "block_4_add"},
]


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


def alone(base, side):
    """The layers of keras.applications' own model without its input."""
    network = getattr(keras.applications, base)(include_top=False, weights=None, input_shape=(side, side, 3))
    return network, network.layers[1:]


@pytest.mark.parametrize(
    "base", ["InceptionV3", "MobileNet", "MobileNetV2", "ResNet50V2", "VGG16", "VGG19", "Xception"]
)
def test_the_backbone_has_the_layers_of_the_base_in_its_own_order(params, base):
    with without_values():
        model, (_, expected) = build(params, base, 96), alone(base, 96)
    found = freezing.backbone(model)
    assert names(found) == names(expected)
    assert [[weight.shape for weight in layer.weights] for layer in found] == [
        [weight.shape for weight in layer.weights] for layer in expected
    ]


@pytest.mark.parametrize(("base", "side"), [("MobileNetV2", 32), ("InceptionV3", 75)])  # blocks, branches
def test_the_backbone_gives_what_the_base_gives_with_its_weights(params, base, side):
    model, (network, layers) = build(params, base, side), alone(base, side)
    for layer, copy in zip(freezing.backbone(model), layers, strict=True):
        copy.set_weights(layer.get_weights())  # layers in another order would not give the same
    scaled, features = (
        keras.Model(model.input, model.get_layer(name).output)(PICTURES, training=False)
        for name in (freezing.BACKBONE_INPUT, freezing.FEATURES)
    )
    np.testing.assert_allclose(network(scaled, training=False), features, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("freeze", "frozen"),
    zip(POLICIES, [slice(0, 0), slice(None), slice(-10, None), slice(0, -10), None], strict=True),
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


def changed_by_a_step(layers, model):
    """The layers whose weights one step of training changed, and those whose running statistics it did."""
    before = [[keras.ops.convert_to_numpy(weight) for weight in layer.weights] for layer in layers]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    # Lion moves a weight by the sign of its gradient, however small that is: in fresh networks with fresh
    # running statistics it fades from layer to layer.
    model.compile(keras.optimizers.Lion(1e-3), loss, run_eagerly=True)
    model.train_on_batch(PICTURES, np.arange(4))
    learned, counted = [], []
    for layer, values in zip(layers, before, strict=True):
        for weight, value in zip(layer.weights, values, strict=True):
            if (keras.ops.convert_to_numpy(weight) != value).any():
                (counted if weight.name.startswith("moving_") else learned).append(layer)
    return unique(learned), unique(counted)


def unique(layers):
    return list(dict.fromkeys(layers))


@pytest.mark.parametrize("batch_norm", ["train", "inference"])
@pytest.mark.parametrize("freeze", POLICIES)
def test_a_step_changes_the_layers_that_are_trained_and_no_others(model, phase, freeze, batch_norm):
    freezing.freeze(model, phase(freeze=freeze, batch_norm=batch_norm))
    layers = freezing.backbone(model)
    head = model.layers[model.layers.index(layers[-1]) + 1 :]
    frozen = [layer for layer in layers if not layer.trainable]
    expected = [layer for layer in [*layers, *head] if layer.weights and layer not in frozen]
    normalizations = [layer for layer in expected if isinstance(layer, keras.layers.BatchNormalization)]
    assert any(layer in head for layer in normalizations)
    in_the_base = any(layer in layers for layer in normalizations)
    assert in_the_base == (freeze["kind"] != "all" and batch_norm == "train")
    assert changed_by_a_step([*layers, *head], model) == (expected, normalizations)


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
