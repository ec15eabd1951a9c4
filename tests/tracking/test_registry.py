"""The registry, in the embedded store and on MLflow's own server."""

import uuid

import pandas as pd
import pytest

from helpers import model_facts, small_model

mlflow = pytest.importorskip("mlflow")
pytest.importorskip("keras")

from menagerie import tracking  # noqa: E402

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.filterwarnings("ignore:.*type hint:UserWarning"),  # MLflow's, of a function of its own
]

VAL = pd.DataFrame({"path": ["007/a.png", "1/b.png"], "actual": ["007", "1"], "predicted": ["007", "007"]})


@pytest.fixture
def pets(params):
    """Settings of a data set that no other test has registered models of."""
    name = f"pets_{uuid.uuid4().hex[:8]}"
    return params("model=cnn", f"dataset.name={name}")


def make_tested(params, name, digest, folder, accuracy=0.75, seed=0):
    """What train and evaluate do with a model: the id of its run."""
    path = folder / "model.keras"
    small_model(path, model_facts(model=name), seed)
    (folder / "metrics").mkdir(exist_ok=True)
    VAL.to_csv(folder / "metrics" / "val_predictions.csv", index=False)
    tags = {"model": name, "model.sha256": digest, "split.sha256": "1" * 64}
    tags |= {"val_accuracy": str(accuracy), "val_n": "4"}
    with tracking.evaluation_run(params, name, digest) as run:
        run.log_model(path)
        run.log_files(folder / "metrics", "metrics")
        run.register(params.dataset.name, tags, f"{name}, {accuracy}: {tracking.VERSION_URI}")
    return run.run_id


def test_each_tested_model_is_a_version_and_the_same_file_again_renews_its_own(either, pets, tmp_path):
    dataset = pets.dataset.name
    make_tested(pets, "cnn", "aaa", tmp_path)
    make_tested(pets, "ann", "bbb", tmp_path, 0.5, seed=1)
    make_tested(pets, "cnn", "aaa", tmp_path, 1.0)
    versions = {one.version: one for one in either.search_model_versions(f"name = '{dataset}'")}
    told = {str(number): one.description for number, one in versions.items()}
    assert told == {"1": f"cnn, 1.0: models:/{dataset}/1", "2": f"ann, 0.5: models:/{dataset}/2"}
    found = tracking.registered(dataset)
    assert [(one.name, one.val_accuracy, one.val_n) for one in found.versions] == [
        ("version 2 (ann)", 0.5, 4),
        ("version 1 (cnn)", 1.0, 4),
    ]
    assert found.version_of("cnn", "aaa").number == "1"
    assert found.version_of("cnn", "bbb") is None
    assert found.champion is None


def test_the_card_describes_the_run_as_well(either, pets, tmp_path):
    run_id = make_tested(pets, "cnn", "aaa", tmp_path)
    note = either.get_run(run_id).data.tags["mlflow.note.content"]
    assert note == f"cnn, 0.75: models:/{pets.dataset.name}/1"


def test_a_crowned_version_is_found_by_its_alias_with_the_reason(either, pets, tmp_path):
    dataset = pets.dataset.name
    make_tested(pets, "cnn", "aaa", tmp_path)
    make_tested(pets, "ann", "bbb", tmp_path, seed=1)
    for number in ("2", "1"):
        assert tracking.crown(dataset, number, f"because of {number}")
        version = either.get_model_version_by_alias(dataset, "champion")
        assert (str(version.version), version.tags["champion.reason"]) == (number, f"because of {number}")
        assert either.get_registered_model(dataset).tags["champion.reason"] == f"because of {number}"
    loaded = mlflow.pyfunc.load_model(f"models:/{dataset}@champion")
    assert loaded.metadata.signature.outputs.input_names() == ["class", "probability", "top"]


def test_predictions_of_a_champion_that_is_not_at_hand_come_from_its_run(either, pets, tmp_path):
    dataset = pets.dataset.name
    make_tested(pets, "cnn", "aaa", tmp_path)
    tracking.crown(dataset, "1", "the first")
    found = tracking.registered(dataset, at_hand={"bbb"})
    assert found.champion.name == "version 1 (cnn)"
    pd.testing.assert_frame_equal(found.champion_val, VAL)  # classes are text: 007 is not 7
    assert tracking.registered(dataset, at_hand={"aaa"}).champion_val is None


def test_a_data_set_that_nothing_is_registered_of_has_no_versions(either):
    assert tracking.registered("nothing") == tracking.Registered([], None, None)


def test_without_a_server_the_registry_is_passed_over_and_the_user_told_once(root, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")  # nobody listens on discard
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    assert tracking.registered("digits") is None
    assert capsys.readouterr().err.count("no champion is chosen") == 1
