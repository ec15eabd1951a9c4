"""Networks that look at several views of a picture: from the file as from memory, and as told by hand."""

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from menagerie.evaluate.grad_cam import grad_cam  # noqa: E402
from menagerie.model_files import load_model, save_model  # noqa: E402
from menagerie.models.parts.views import with_views  # noqa: E402
from menagerie.train.building import build_model  # noqa: E402

pytestmark = pytest.mark.tensorflow

SIDE = 40


@pytest.fixture(scope="module")
def model(params):
    keras.utils.set_random_seed(4)
    spec = params(
        "model=cnn", "models.cnn.knobs={filters: [4, 6], conv_dropout: 0, dense_units: 8, dense_dropout: 0}"
    )
    model = build_model(spec.model("cnn"), (SIDE, SIDE, 3), 3)
    for weight in model.trainable_variables:  # or the views of noise would all get nearly the same answer
        weight.assign(1.5 * weight)
    return model


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(1).integers(0, 256, (5, SIDE, SIDE, 3), np.uint8)


def softmax(logits):
    values = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return values / values.sum(axis=-1, keepdims=True)


def answers(model, pictures):
    return softmax(np.asarray(model.predict(pictures, verbose=0), np.float64))


def by_hand(model, pictures):
    """The answers for pictures of floats, which the network's input would make bytes of."""
    x = keras.ops.convert_to_tensor(pictures, "float32")
    for layer in model.layers[1:]:
        x = layer(x)
    return softmax(np.asarray(x, np.float64))


def corners(pictures):
    """The four corners of nine tenths of a side, enlarged."""
    most = SIDE - SIDE // 10
    parts = [pictures[:, y : y + most, x : x + most] for y in (0, SIDE - most) for x in (0, SIDE - most)]
    return [np.asarray(keras.ops.image.resize(part.astype(np.float32), (SIDE, SIDE))) for part in parts]


@pytest.mark.parametrize("views", [["flip"], ["crops"], ["flip", "crops"]])
def test_the_answer_is_the_mean_over_the_views_and_the_file_gives_the_same(model, pictures, views, tmp_path):
    seen = [pictures, *(corners(pictures) if "crops" in views else [])]
    seen += [view[:, :, ::-1] for view in seen] if "flip" in views else []
    expected = np.mean([by_hand(model, view) for view in seen], axis=0)
    several = with_views(model, views)
    np.testing.assert_allclose(answers(several, pictures), expected, rtol=1e-3, atol=1e-5)
    assert np.abs(expected - answers(model, pictures)).max() > 1e-3
    save_model(several, tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(answers(loaded, pictures), expected, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(answers(loaded, pictures[:1]), expected[:1], rtol=1e-3, atol=1e-5)
    assert loaded.input.dtype == "uint8"
    assert loaded.count_params() == model.count_params()


def test_without_views_the_network_is_itself(model):
    assert with_views(model, []) is model


def test_the_evidence_shown_is_that_in_the_whole_picture(model, pictures, tmp_path):
    save_model(with_views(model, ["flip"]), tmp_path / "model.keras")
    chosen = np.zeros(len(pictures), int)
    heat = grad_cam(load_model(tmp_path / "model.keras"), pictures, chosen)
    assert heat.shape == pictures.shape[:3]
    mirrored = grad_cam(load_model(tmp_path / "model.keras"), pictures[:, :, ::-1], chosen)
    assert np.abs(heat - mirrored).max() > 0.1  # the views of both are the same; the first is not
