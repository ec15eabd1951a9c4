"""Model files: the same weights give the same bytes, and what is none, or would run code, is refused."""

import json
import zipfile

import numpy as np
import pytest

from helpers import model_facts, small_model
from menagerie.errors import ModelError
from menagerie.model_facts import read_facts

keras = pytest.importorskip("keras")

from menagerie import model_files  # noqa: E402
from menagerie.train import building  # noqa: E402

pytestmark = pytest.mark.tensorflow


def build(params):
    return building.build_model(params("model=cnn").model("cnn"), (32, 32, 3), 10)


def test_equal_weights_give_equal_bytes(params, tmp_path):
    built = []
    for name in ("one.keras", "two.keras"):
        keras.utils.clear_session()  # as in another process, names of layers start again
        keras.utils.set_random_seed(0)
        model = build(params)
        model.compile("adam", "mse")
        model.optimizer.build(model.trainable_variables)  # an optimizer's state is no part of the file
        model_files.save_model(model, tmp_path / name)
        built.append(model)  # kept, so that the second one lies elsewhere in memory
    assert (tmp_path / "one.keras").read_bytes() == (tmp_path / "two.keras").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.keras") as archive:
        assert {info.date_time[0] for info in archive.infolist()} == {1980}
        assert b"date" not in archive.read("metadata.json")
    model_files.save_model(model, tmp_path / "known.keras", model_facts())
    plain = keras.saving.load_model(tmp_path / "known.keras", safe_mode=True)  # which passes over the facts
    pictures = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
    np.testing.assert_array_equal(plain.predict_on_batch(pictures), model.predict_on_batch(pictures))
    assert read_facts(tmp_path / "known.keras") == model_facts()
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
    model_files.save_model(build(params), path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ModelError, match=r"model\.keras is no model"):
        model_files.load_model(path)


def test_code_in_a_model_file_is_not_run(tmp_path):
    trace = tmp_path / "it ran"
    hostile = keras.layers.Lambda(
        lambda x, at: (__import__("pathlib").Path(at).touch(), x)[1], arguments={"at": str(trace)}
    )
    inputs = keras.Input((2,))
    keras.Model(inputs, hostile(inputs)).save(tmp_path / "model.keras")
    trace.unlink()  # Keras ran it to learn the shape that it gives
    with pytest.raises(ModelError, match=r"model\.keras is no model .*arbitrary code execution"):
        model_files.load_model(tmp_path / "model.keras")
    assert not trace.exists()


def test_what_is_unsafe_in_a_part_is_said_and_no_way_round_it_is_advised(params, tmp_path):
    """Keras says it after the whole configuration, and how to let it happen."""
    model_files.save_model(build(params), tmp_path / "good.keras")
    with zipfile.ZipFile(tmp_path / "good.keras") as file:
        config = json.loads(file.read("config.json"))
    (layer, *_) = [one for one in config["config"]["layers"] if one["class_name"] == "Dropout"]
    layer["class_name"] = "StringLookup"
    layer["config"] = {"name": layer["name"], "vocabulary": "/etc/hostname"}
    rewritten(tmp_path / "good.keras", tmp_path / "model.keras", config=json.dumps(config))
    with pytest.raises(ModelError, match=r"vocabulary file outside .* disallowed") as caught:
        model_files.load_model(tmp_path / "model.keras")
    assert "safe_mode=False" not in str(caught.value)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(params, tmp_path, value):
    model = build(params)
    model.get_layer("logits").bias.assign(np.full(model.output_shape[1], value))
    model_files.save_model(model, tmp_path / "model.keras")
    with pytest.raises(ModelError, match=r"weights that are no numbers, in logits/bias; train it again"):
        model_files.load_model(tmp_path / "model.keras")


def rewritten(source, target, **members):
    """A copy of a .keras file with other members."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, members.get(name.partition(".")[0], old.read(name)))


@pytest.fixture
def unreadable(params, tmp_path):
    """Makes a file that says it is of some version, whose configuration has a key that this one lacks."""
    model_files.save_model(build(params), tmp_path / "good.keras")
    with zipfile.ZipFile(tmp_path / "good.keras") as file:
        config = file.read("config.json").replace(
            b'{"seed": null', b'{"seed": null, "input_axes": null, "x": 1'
        )

    def make(version):
        path = tmp_path / "model.keras"
        rewritten(
            tmp_path / "good.keras", path, metadata=json.dumps({"keras_version": version}), config=config
        )
        return path

    return make


@pytest.mark.parametrize("version", ["99.0.0", "3.1000.1"])
def test_a_file_of_a_newer_keras_is_told_by_both_versions_and_what_to_install(unreadable, version):
    with pytest.raises(ModelError) as caught:
        model_files.load_model(unreadable(version))
    assert str(caught.value).splitlines() == [
        f"{unreadable(version)} was written by Keras {version}, and Keras {keras.version()}, which is "
        f'installed, cannot read it; pip install "keras>={version}", or train it again here: dvc repro'
    ]


@pytest.mark.parametrize("version", ["3.0.0", keras.version()])
def test_a_file_of_an_older_keras_that_cannot_be_read_is_told_in_a_line(unreadable, version):
    with pytest.raises(
        ModelError, match=r"model\.keras is no model that Keras can read .*train it again"
    ) as caught:
        model_files.load_model(unreadable(version))
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 500


def test_a_file_of_a_newer_keras_that_can_be_read_is_read(params, tmp_path):
    model_files.save_model(build(params), tmp_path / "good.keras")
    rewritten(tmp_path / "good.keras", tmp_path / "new.keras", metadata='{"keras_version": "99.0.0"}')
    assert model_files.load_model(tmp_path / "new.keras").output_shape == (None, 10)


def test_a_model_of_another_major_version_is_used_with_a_warning_once(tmp_path, caplog):
    from menagerie.serve.predictor import Predictor

    facts = model_facts().model_copy(update={"versions": model_facts().versions | {"keras": "2.15.0"}})
    for name in ("one.keras", "one.keras", "two.keras"):
        assert Predictor(small_model(tmp_path / name, facts)).facts == facts
    (record,) = caplog.records
    assert f"trained with keras 2.15.0, here {keras.version()}" in record.message
    caplog.clear()
    Predictor(small_model(tmp_path / "new.keras", model_facts()))
    assert caplog.records == []
