"""Networks, model files and their errors: built from the real configuration, with random weights."""

import zipfile

import numpy as np
import pytest

from menagerie.errors import ModelError, ParamsError

keras = pytest.importorskip("keras")

from menagerie import model_files, models, previews  # noqa: E402

pytestmark = pytest.mark.tensorflow

PUBLISHED = {  # facts of the notebooks: parameters at the picture size that they used
    "ann": ((299, 299, 3), 8_401_930),
    "cnn": ((299, 299, 3), 5_631_722),
    "cnn_augmented": ((299, 299, 3), 5_631_722),
    "sign_cnn": ((100, 100, 3), 1_204_650),
    "sign_cnn_decay_high": ((100, 100, 3), 1_204_650),
    "sign_cnn_decay_low": ((100, 100, 3), 1_204_650),
}


def build(params, name, shape, classes=10):
    return models.build_model(params(f"model={name}").model(name), shape, classes)


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameter_counts_are_the_published_ones(params, name):
    shape, count = PUBLISHED[name]
    model = build(params, name, shape)
    assert model.count_params() == count
    assert sum(np.prod(weight.shape) for weight in model.trainable_weights) == count


@pytest.mark.parametrize("name", PUBLISHED)
def test_pictures_go_in_as_bytes_and_logits_come_out(params, name):
    model = build(params, name, (16, 16, 3), classes=4)
    logits = model.predict_on_batch(np.full((2, 16, 16, 3), 255, np.uint8))
    assert logits.shape == (2, 4)
    assert logits.dtype == np.float32
    assert model.input_shape == (None, 16, 16, 3)


@pytest.mark.parametrize("name", ["ann", "cnn"])
@pytest.mark.parametrize(("pixel", "scaled"), [(0, 0.0), (255, 1.0)])
def test_pictures_are_scaled_to_the_unit_range(params, name, pixel, scaled):
    model = build(params, name, (32, 32, 3))
    rescaling = next(layer for layer in model.layers if isinstance(layer, keras.layers.Rescaling))
    inside = keras.Model(model.input, rescaling.output)
    pictures = np.full((1, 32, 32, 3), pixel, np.uint8)
    np.testing.assert_allclose(inside.predict_on_batch(pictures), scaled, atol=1e-6)


def test_augmentation_is_random_in_training_and_silent_in_inference(params):
    model = build(params, "cnn_augmented", (32, 32, 3))
    picture = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), np.uint8)
    last = [layer for layer in model.layers if "random" in layer.name][-1]
    inside = keras.Model(model.input, last.output)
    quiet = keras.ops.convert_to_numpy(inside(picture, training=False))
    np.testing.assert_allclose(quiet, picture / 255, atol=1e-6)
    assert not np.allclose(keras.ops.convert_to_numpy(inside(picture, training=True)), quiet)


def test_pictures_too_small_for_the_network_are_named(params):
    with pytest.raises(ModelError, match=r"needs 8x8 pixels; the pictures have 4x4"):
        build(params, "cnn", (4, 4, 3))


def test_an_unknown_architecture_is_named_with_the_nearest(params):
    spec = params("model=cnn").model("cnn").model_copy(update={"arch": "cnnn"})
    with pytest.raises(ParamsError, match=r"unknown arch 'cnnn'; did you mean 'cnn'\? known: ann, cnn"):
        models.build_model(spec, (32, 32, 3), 10)


def test_an_unknown_knob_is_named_with_the_nearest(params):
    spec = params("model=cnn", "+models.cnn.knobs.filter=[1]").model("cnn")
    with pytest.raises(ParamsError, match=r"unknown key 'filter'; did you mean 'filters'\?"):
        models.build_model(spec, (32, 32, 3), 10)


def test_an_unknown_augmentation_layer_or_setting_is_named(params):
    spec = params("model=cnn", "models.cnn.augment=[{layer: RandomFlop, settings: {}}]").model("cnn")
    with pytest.raises(ParamsError, match=r"'RandomFlop'; did you mean 'RandomFlip'\?"):
        models.build_model(spec, (32, 32, 3), 10)
    spec = params("model=cnn", "models.cnn.augment=[{layer: RandomFlip, settings: {way: up}}]").model("cnn")
    with pytest.raises(ParamsError, match=r"RandomFlip.*way"):
        models.build_model(spec, (32, 32, 3), 10)


def test_a_saved_model_predicts_the_same_in_safe_mode(params, tmp_path):
    model = build(params, "cnn_augmented", (32, 32, 3))
    model_files.save_model(model, tmp_path / "model.keras")
    loaded = model_files.load_model(tmp_path / "model.keras")
    pictures = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
    np.testing.assert_array_equal(loaded.predict_on_batch(pictures), model.predict_on_batch(pictures))
    assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]


def test_equal_weights_give_equal_bytes(params, tmp_path):
    built = []
    for name in ("one.keras", "two.keras"):
        keras.utils.clear_session()  # as in another process, names of layers start again
        keras.utils.set_random_seed(0)
        model = build(params, "cnn", (32, 32, 3))
        model.compile("adam", "mse")
        model.optimizer.build(model.trainable_variables)  # an optimizer's state is no part of the file
        model_files.save_model(model, tmp_path / name)
        built.append(model)  # kept, so that the second one lies elsewhere in memory
    assert (tmp_path / "one.keras").read_bytes() == (tmp_path / "two.keras").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.keras") as archive:
        assert {info.date_time[0] for info in archive.infolist()} == {1980}
        assert b"date" not in archive.read("metadata.json")
    model.weights[0].assign(model.weights[0] + 1)
    model_files.save_model(model, tmp_path / "three.keras")
    assert (tmp_path / "three.keras").read_bytes() != (tmp_path / "one.keras").read_bytes()


@pytest.mark.parametrize("content", [b"", b"not a model", b"PK\x03\x04 cut"])
def test_a_model_file_that_is_none_is_named(tmp_path, content):
    path = tmp_path / "model.keras"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.keras is no model.*train it again"):
        model_files.load_model(path)


def test_a_model_file_that_is_missing_or_cut_is_named(params, tmp_path):
    path = tmp_path / "model.keras"
    with pytest.raises(ModelError, match=r"model\.keras is no model"):
        model_files.load_model(path)
    model_files.save_model(build(params, "cnn", (32, 32, 3)), path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ModelError, match=r"model\.keras is no model"):
        model_files.load_model(path)


def test_each_augmentation_is_shown_alone_on_the_pictures(params):
    model = build(params, "cnn_augmented", (32, 32, 3))
    pictures = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)
    keras.utils.set_random_seed(1)
    shown = previews.augmentations(model, pictures)
    flip, rotation = shown
    assert ("flip" in flip, "rotation" in rotation) == (True, True)
    for picture, flipped in zip(pictures, shown[flip], strict=True):
        assert (flipped == picture).all() or (flipped == picture[:, ::-1]).all()
    assert (shown[flip] != pictures).any()
    assert shown[rotation].dtype == np.uint8
    assert (shown[rotation] != pictures).any()
    assert previews.augmentations(build(params, "cnn", (32, 32, 3)), pictures) == {}
