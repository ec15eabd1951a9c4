"""Networks layer by layer: numbers that Keras's documentation prints."""

import pytest

keras = pytest.importorskip("keras")

from menagerie.evaluate.layers import layers, trainable_parameters  # noqa: E402
from menagerie.model_files import load_model, save_model  # noqa: E402

pytestmark = pytest.mark.tensorflow


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A frozen MobileNet of random weights below a head, saved and read again as evaluate has it."""
    base = keras.applications.MobileNet(weights=None, include_top=False, input_shape=(32, 32, 3))
    base.trainable = False
    inputs = keras.Input((32, 32, 3), name="pictures")
    pooled = keras.layers.GlobalAveragePooling2D(name="pool")(base(inputs, training=False))
    model = keras.Model(inputs, keras.layers.Dense(10, name="logits")(pooled))
    path = tmp_path_factory.mktemp("model") / "model.keras"
    save_model(model, path)
    return load_model(path)


def test_what_was_frozen_is_not_counted_as_trainable_of_the_saved_model(network):
    assert network.count_params() == 3_228_864 + 10_250
    assert trainable_parameters(network) == 10_250


def test_each_layer_has_its_line(network):
    table = layers(network).set_index("layer")
    assert table.loc["pool", ["kind", "output", "parameters"]].tolist() == [
        "GlobalAveragePooling2D",
        "n x 1024",
        0,
    ]
    assert table.loc["logits", ["output", "parameters", "trainable"]].tolist() == ["n x 10", 10_250, 10_250]
    assert table["parameters"].sum() == network.count_params()
    assert table["kind"].iloc[0] == "InputLayer"
