"""Files that would run code of theirs: each command refuses them in a line, and nothing runs."""

import io
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from helpers import hostile_model, model_facts, packed, picture, small_model
from menagerie.cli.main import main
from menagerie.data import open_images
from menagerie.errors import DataError

pytest.importorskip("keras")

pytestmark = pytest.mark.tensorflow


class Runs:
    """What a pickle makes of this is a file at `path`, at the moment it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.fixture
def trace(tmp_path, monkeypatch):
    """A file that is there once code of a file ran."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path / "it ran"
    assert not (tmp_path / "it ran").exists()


@pytest.fixture
def hostile(trace):
    return str(hostile_model(Path("hostile.keras"), model_facts(), trace))


EXPORT = "export --format saved_model --pictures ."


@pytest.mark.parametrize("command", ["predict photo.png", "serve --port 0", EXPORT])
def test_a_model_file_with_code_is_refused_in_a_line(hostile, command):
    Path("photo.png").write_bytes(picture())
    done = CliRunner().invoke(main, [*command.split(), "--file", hostile])
    assert done.exit_code == (2 if command.startswith("predict") else 1), done.output
    *before, line = done.stderr.splitlines()
    assert all(one.startswith("export: writes ") for one in before)
    assert line.startswith("Error: hostile.keras is no model that Keras can read (")
    assert "arbitrary code execution" in line


def pickled(trace):
    file = io.BytesIO()
    np.save(file, np.array([Runs(trace)], object), allow_pickle=True)
    return file.getvalue()


def test_an_array_with_a_pickle_is_refused(trace):
    path = Path("images.npy")
    path.write_bytes(pickled(trace))
    with pytest.raises(DataError, match=r"^images\.npy is no array of pictures \(.*run `dvc repro`$"):
        open_images(path)
    np.load(path, allow_pickle=True)  # it would have
    trace.unlink()


def test_an_array_with_a_pickle_is_no_picture_to_predict(trace):
    """Neither by itself nor in an archive, under a picture's name."""
    Path("photo.png").write_bytes(pickled(trace))
    packed(Path("photos.zip"), {"photo.png": pickled(trace)})
    small_model(Path("good.keras"), model_facts())
    done = CliRunner().invoke(main, ["predict", "photo.png", "photos.zip", "--file", "good.keras"])
    assert done.exit_code == 2
    assert done.stderr.count("none of AVIF, BMP") == 2
