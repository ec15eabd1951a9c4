"""What is asked about a model before it runs: where its weights are, and how long its training may take."""

from concurrent.futures import Future

import pytest

from menagerie import paths
from menagerie.files import write_json
from menagerie.notebooks import asking
from menagerie.processes import processes

MOBILENET = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"


def answering(result):
    """Somebody to ask, who always says this; and what was asked."""
    asked = []

    def ask(question):
        asked.append(question)
        future = Future()
        future.set_exception(result) if isinstance(result, Exception) else future.set_result(result)
        return future

    return ask, asked


def nobody(url):
    return "no network here"


def test_a_model_from_random_weights_needs_none_and_nobody_is_asked(repository, params):
    ask, asked = answering(False)
    assert asking.weights(params("study=animals5"), "resnet", ask, None, nobody) == (True, "")
    random = params("study=animals5", "models.xception_partial.weights=random")
    assert asking.weights(random, "xception_partial", ask, None, nobody) == (True, "")
    assert asked == []


@pytest.mark.parametrize(("there", "place"), [(True, (True, "at hand")), (False, (False, "no network here"))])
def test_weights_that_are_not_at_hand_are_looked_for_elsewhere(repository, params, there, place):
    ask, asked = answering(there)
    assert asking.weights(params("study=animals5"), "mobilenet_v2_transfer", ask, None, nobody) == place
    assert [question[0] for question in asked] == ["at_hand"]


def test_the_speed_of_the_last_training_here_is_not_measured_again(repository, params):
    sign = params("study=sign_digits")
    record = paths.run_record("sign_digits", "sign_cnn")
    record.parent.mkdir(parents=True)
    write_json(record, {"pictures_per_second": 500.0})
    ask, asked = answering((1.0, 0.0))
    found = asking.estimate(sign, "sign_cnn", ask, None)
    assert found.seconds == pytest.approx(5 * 20 * 1650 / 500)
    assert "at the speed of its last training here" in found.how
    assert asked == []
    assert asking.estimate(sign, "sign_cnn_decay_low", ask, None).seconds == pytest.approx(5 * 8 * 1650)


def test_a_record_of_a_model_that_was_only_tested_here_tells_no_speed(repository, params):
    record = paths.run_record("sign_digits", "sign_cnn")
    record.parent.mkdir(parents=True)
    write_json(record, {"milliseconds_per_picture": 0.5})
    ask, asked = answering((1.0, 0.0))
    found = asking.estimate(params("study=sign_digits"), "sign_cnn", ask, None)
    assert found.seconds == pytest.approx(5 * 20 * 1650)
    assert len(asked) == 1


def test_what_cannot_be_measured_is_unknown_and_says_why(repository, params):
    ask, _ = answering(MemoryError("no room"))
    found = asking.estimate(params("study=sign_digits"), "sign_cnn", ask, None)
    assert found.seconds is None
    assert found.how.endswith("a few steps ended in MemoryError: no room")


def test_a_study_whose_pictures_nobody_counted_has_no_time(repository, params):
    ask, asked = answering((1.0, 0.0))
    assert asking.estimate(params(), "ann", ask, None).seconds is None
    assert asked == []


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_process_of_its_own_measures_steps_and_finds_weights(
    repository, params, tmp_path, monkeypatch, capfd
):
    monkeypatch.setenv("KERAS_HOME", str(repository))
    animals = params("study=animals5")
    spec = animals.models["mobilenet_v2_transfer"]
    with processes(1, asking.answer) as ask:
        epoch, once = ask(("seconds", params().models["ann"], (16, 16, 3))).result()
        assert epoch > 0
        assert once == 0
        epoch, once = ask(("seconds", spec, (32, 32, 3))).result()
        assert min(epoch, once) > 0
        assert asking.weights(animals, "mobilenet_v2_transfer", ask, None, nobody).there is False
        (repository / "models").mkdir()
        (repository / "models" / MOBILENET).write_bytes(b"h5")
        assert asking.weights(animals, "mobilenet_v2_transfer", ask, None, nobody) == (True, "at hand")
    told = capfd.readouterr()
    assert told.out == ""
    assert "tensorflow" not in told.err.lower()
