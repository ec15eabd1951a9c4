"""What a model file says of itself, and what is said where it says nothing."""

import json
import zipfile

import numpy as np
import pytest

from helpers import model_facts
from menagerie.errors import ModelError
from menagerie.model_facts import other_versions, promise, read_facts, versions

LOGITS = np.log([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.505, 0.495]])


def test_val_promises_how_many_are_answered_and_how_many_of_these_are_right():
    found = promise(np.array([0, 1, 1, 0]), LOGITS, 1.0)
    counts = [(found.answered[step], found.right[step]) for step in (0, 505, 506, 600, 601, 899, 901)]
    assert (found.n, counts) == (4, [(4, 3), (4, 3), (3, 2), (3, 2), (2, 2), (1, 1), (0, 0)])


def test_a_temperature_makes_answers_less_sure():
    assert promise(np.array([0, 1, 1, 0]), LOGITS, 2.0).answered[760] == 0  # 0.9 : 0.1 becomes 3 : 1
    assert promise(np.array([0, 1, 1, 0]), LOGITS, 2.0).answered[740] == 1


def write(path, member, text):
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(member, text)


def test_what_was_written_is_read(tmp_path):
    facts = model_facts()
    write(tmp_path / "model.keras", "menagerie.json", facts.model_dump_json())
    assert read_facts(tmp_path / "model.keras") == facts


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"temperature": 0}, "temperature: Input should be greater than 0"),
        ({"temperature": float("inf")}, "temperature: Input should be a finite number"),
        ({"classes": ["only"]}, "classes: List should have at least 2 items"),
        ({"made_by": "a newer version"}, "made_by: Extra inputs are not permitted"),
    ],
)
def test_facts_that_cannot_be_are_named(tmp_path, change, message):
    write(tmp_path / "m.keras", "menagerie.json", json.dumps(model_facts().model_dump() | change))
    with pytest.raises(ModelError, match=rf"m\.keras: its member menagerie\.json .*{message}.*dvc repro"):
        read_facts(tmp_path / "m.keras")


def test_a_file_that_says_nothing_is_missing_or_is_no_zip_is_told_apart(tmp_path):
    write(tmp_path / "plain.keras", "config.json", "{}")
    with pytest.raises(ModelError, match=r"plain\.keras does not say what its classes are"):
        read_facts(tmp_path / "plain.keras")
    with pytest.raises(ModelError, match=r"there is no model file .*gone\.keras"):
        read_facts(tmp_path / "gone.keras")
    (tmp_path / "text.keras").write_text("text")
    with pytest.raises(ModelError, match=r"text\.keras is no \.keras file"):
        read_facts(tmp_path / "text.keras")


@pytest.mark.parametrize(
    ("trained", "told"),
    [
        ({}, []),
        ({"keras": "3.0.0"}, []),
        ({"keras": "2.15.0"}, ["keras 2.15.0, here {keras}"]),
        ({"tensorflow": "1.15.5"}, ["tensorflow 1.15.5, here {tensorflow}"]),
        ({"keras": "4.0.0", "tensorflow": "3.1.0"}, ["keras 4.0.0, here {keras} and tensorflow 3.1.0"]),
        ({"numpy": "1.0.0", "pillow": "1.0.0"}, []),
    ],
)
def test_another_major_version_of_keras_or_tensorflow_is_told_with_both(trained, told):
    here = versions()
    warning = other_versions(model_facts().model_copy(update={"versions": here | trained}))
    assert (warning is None) == (not told)
    for words in told:
        assert words.format(**here) in warning
