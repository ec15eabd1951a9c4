"""A model file that is cut short or has another bit somewhere: the same answers, or an error with the fix."""

import io
import random
import zipfile

import numpy as np
import pytest

from helpers import model_facts, small_model
from menagerie.errors import ModelError
from menagerie.model_facts import MEMBER, read_facts

keras = pytest.importorskip("keras")
h5py = pytest.importorskip("h5py")

from menagerie.model_files import load_model  # noqa: E402
from menagerie.serve.predictor import Predictor  # noqa: E402

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

PICTURES = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), np.uint8)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The bytes of a model file, and what it says of some pictures."""
    path = small_model(tmp_path_factory.mktemp("models") / "model.keras", model_facts())
    return path.read_bytes(), Predictor(path).probabilities(PICTURES)


def refusals(path):
    """What those who read a model file say of this one: evaluate, then what predict and serve ask first."""
    said = []
    for read in (load_model, read_facts):
        try:
            read(path)
        except ModelError as error:
            said.append(str(error))
    return said


def test_a_file_with_any_bit_flipped_is_refused_or_gives_the_same_answers(written, tmp_path):
    data, expected = written
    rng, refused, path = random.Random(0), 0, tmp_path / "model.keras"
    for _ in range(300):
        bit = rng.randrange(8 * len(data))
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        said = refusals(path)
        for message in said:
            assert message.startswith(str(path))
            assert "train it again: " in message
        if not said:
            np.testing.assert_array_equal(Predictor(path).probabilities(PICTURES), expected)
        refused += bool(said)
        keras.utils.clear_session()
    assert refused > 200


def test_weights_with_a_bit_flipped_are_refused(written, tmp_path):
    """Keras alone takes them, where a zip can be read from its middle (Python 3.13)."""
    data, _ = written
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        opened = h5py.File(io.BytesIO(file.read("model.weights.h5")))
    weights = []
    opened.visititems(lambda name, item: weights.append(item) if isinstance(item, h5py.Dataset) else None)
    place = data.index(max(weights, key=lambda item: item.size)[()].tobytes())
    path = tmp_path / "model.keras"
    for byte in range(place, place + 4):
        changed = bytearray(data)
        changed[byte] ^= 1
        path.write_bytes(changed)
        with pytest.raises(ModelError, match=r"model\.weights\.h5 is damaged.*menagerie mend && dvc repro"):
            load_model(path)


@pytest.mark.parametrize(
    "said", [{"classes": [f"class {number}" for number in range(11)]}, {"image_size": (8, 9)}], ids=str
)
def test_a_file_that_says_what_is_not_true_of_its_network_is_refused(written, tmp_path, said):
    facts, path = model_facts(), tmp_path / "model.keras"
    pixels = facts.pixels.model_copy(update={"image_size": said.get("image_size", facts.pixels.image_size)})
    changed = facts.model_copy(update={"classes": said.get("classes", facts.classes), "pixels": pixels})
    with zipfile.ZipFile(io.BytesIO(written[0])) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            target.writestr(name, changed.model_dump_json() if name == MEMBER else source.read(name))
    with pytest.raises(ModelError, match=r"network takes and gives .* says .*menagerie mend && dvc repro"):
        Predictor(path)


@pytest.mark.parametrize("share", [0, 0.01, 0.3, 0.9, 0.999])
def test_a_file_that_is_cut_short_is_refused(written, tmp_path, share):
    path = tmp_path / "model.keras"
    path.write_bytes(written[0][: int(share * len(written[0]))])
    said = refusals(path)
    assert len(said) == 2
    assert all("menagerie mend && dvc repro" in message for message in said)
