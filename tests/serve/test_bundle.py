"""`menagerie bundle`: what is in the zip, and its script in a process that knows nothing of this project."""

import json
import re
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from broken_pictures import encoded
from helpers import SIGN_DIGITS_ARCHIVE, entry, model_facts, of_mirror, read_member
from menagerie.cli.main import main
from menagerie.files import file_sha256, write_json
from menagerie.model_files import save_model
from menagerie.serve.predictor import Predictor, pixels_of

pytestmark = pytest.mark.tensorflow
# What a probability may differ by: two ways to stretch round a grey level otherwise here and there.
CLOSE = {"stretch": 1e-3, "crop": 1e-5, "pad": 1e-5}


def model_at(path, resize="stretch", size=(40, 48)):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((*size, 3), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(inputs)
    x = keras.layers.Conv2D(8, 3, strides=2, activation="relu")(x)
    logits = keras.layers.Dense(5, dtype="float32", name="logits")(keras.layers.Flatten()(x))
    facts = model_facts(list("abcdé"), size, temperature=0.5)
    facts = facts.model_copy(update={"pixels": facts.pixels.model_copy(update={"resize": resize})})
    save_model(keras.Model(inputs, logits, name="small"), path, facts)
    return path


def bundle(*arguments):
    done = CliRunner().invoke(main, ["bundle", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.output


def unpacked(model, folder):
    bundle("--file", model, "--output", folder / "bundle.zip")
    with zipfile.ZipFile(folder / "bundle.zip") as file:
        file.extractall(folder)
    return folder / "bundle"


def answers(folder, *names):
    """What predict.py says in a process of its own: class and probability by file."""
    done = subprocess.run(
        [sys.executable, "-I", "predict.py", *names], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    return {name: (found, float(probability)) for name, found, probability in lines}


def held_to(predictor, folder, pictures):
    """The script's answers to pictures, bytes by name, beside this project's own."""
    for name, content in pictures.items():
        (folder / name).write_bytes(content)
    found = answers(folder, *pictures)
    assert list(found) == list(pictures)
    pixels = [pixels_of(content, predictor.facts.pixels) for content in pictures.values()]
    expected = predictor.probabilities(np.stack(pixels))
    for (answer, probability), row in zip(found.values(), expected, strict=True):
        assert answer == predictor.facts.classes[row.argmax()]
        assert probability == pytest.approx(row.max(), abs=CLOSE[predictor.facts.pixels.resize])


@pytest.mark.parametrize("resize", ["stretch", "crop", "pad"])
def test_the_script_answers_real_photographs_as_this_project_does(mirror, tmp_path, resize):
    members = of_mirror(mirror, SIGN_DIGITS_ARCHIVE, "Dataset/{class}")[::100]
    pictures = {
        f"{place:02d}.jpg": read_member(member.archive, member.member) for place, member in enumerate(members)
    }
    assert len(pictures) > 20
    model = model_at(tmp_path / "model.keras", resize)
    held_to(Predictor(model), unpacked(model, tmp_path), pictures)


def test_the_script_takes_transparent_turned_grey_and_16_bit_pictures(tmp_path):
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:60, :90]
    smooth = np.stack([x * 2.8, y * 4.2, (x + y) * 1.7], axis=-1).astype(np.uint8)
    alpha = np.dstack([smooth, rng.integers(0, 256, (60, 90), np.uint8)])
    turned = Image.Exif()
    turned[0x0112] = 6
    pictures = {
        "plain.png": encoded(Image.fromarray(smooth), "PNG"),
        "clear.png": encoded(Image.fromarray(alpha), "PNG"),
        "grey.jpg": encoded(Image.fromarray(smooth).convert("L"), "JPEG"),
        "palette.gif": encoded(Image.fromarray(smooth).quantize(64), "GIF"),
        "deep.png": encoded(Image.fromarray((x * 700).astype(np.uint16)), "PNG"),
        "turned.jpg": encoded(Image.fromarray(smooth), "JPEG", exif=turned),
        "cmyk.jpg": encoded(Image.fromarray(smooth).convert("CMYK"), "JPEG"),
    }
    model = model_at(tmp_path / "model.keras")
    held_to(Predictor(model), unpacked(model, tmp_path), pictures)


def test_the_script_answers_the_pictures_after_one_that_cannot_be_read(tmp_path):
    folder = unpacked(model_at(tmp_path / "model.keras"), tmp_path)
    (tmp_path / "broken.png").write_bytes(b"words")
    avif = encoded(Image.new("RGB", (48, 40)), "AVIF")
    (tmp_path / "short.avif").write_bytes(avif[: len(avif) // 2])
    Image.new("RGB", (48, 40)).save(tmp_path / "whole.png")
    names = [str(tmp_path / name) for name in ("broken.png", "short.avif", "whole.png")]
    done = subprocess.run(
        [sys.executable, "predict.py", *names], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == names[2:]
    assert f"{names[0]}: UnidentifiedImageError: cannot identify image file" in done.stderr
    assert f"{names[1]}: " in done.stderr


def test_the_script_does_not_answer_by_a_damaged_model(tmp_path):
    folder = unpacked(model_at(tmp_path / "model.keras"), tmp_path)
    model = folder / "model.keras"
    with zipfile.ZipFile(model) as file:
        weights = file.getinfo("model.weights.h5")
    content = bytearray(model.read_bytes())
    content[weights.header_offset + weights.compress_size // 2] ^= 1
    model.write_bytes(content)
    Image.new("RGB", (48, 40)).save(tmp_path / "whole.png")
    command = [sys.executable, "predict.py", str(tmp_path / "whole.png")]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith(
        "model.keras: its member model.weights.h5 is damaged; copy the folder again\n"
    )


def test_a_bundle_is_one_folder_of_equal_bytes_each_time(tmp_path):
    model = model_at(tmp_path / "model.keras")
    one, two = tmp_path / "one/pets.zip", tmp_path / "two/pets.zip"
    for target in (one, two):
        bundle("--file", model, "--output", target)
    assert one.read_bytes() == two.read_bytes()
    with zipfile.ZipFile(one) as file:
        parts = {name.removeprefix("pets/"): file.read(name) for name in file.namelist()}
    assert sorted(parts) == ["README.md", "classes.json", "model.keras", "predict.py", "requirements.txt"]
    assert parts["model.keras"] == model.read_bytes()
    about = json.loads(parts["classes.json"])
    assert about["classes"] == list("abcdé")
    assert about["temperature"] == 0.5
    lines = parts["requirements.txt"].decode().splitlines()
    assert [line.split("==")[0] for line in lines] == ["keras", "tensorflow", "numpy", "pillow"]
    assert "menagerie" not in parts["predict.py"].decode()


def test_a_card_tells_the_test_of_this_very_file_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = model_at(tmp_path / "model.keras")
    metrics = tmp_path / "metrics/pets/models/cnn/metrics.json"
    metrics.parent.mkdir(parents=True)
    for sha256, told in (("0" * 64, False), (file_sha256(model), True)):
        write_json(metrics, entry(381) | {"model_sha256": sha256})
        said = bundle("--file", model, "--output", tmp_path / "b.zip")
        assert ("no test result" in said) == (not told)
        with zipfile.ZipFile(tmp_path / "b.zip") as file:
            page = file.read("b/README.md").decode()
        assert bool(re.search(r"It gets 92\.48 % of the test pictures right", page)) == told
        assert ("not known here" in page) == (not told)


def test_a_file_that_says_nothing_of_its_classes_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "plain.keras", "w") as file:
        file.writestr("config.json", "{}")
    done = CliRunner().invoke(
        main, ["bundle", "--file", str(tmp_path / "plain.keras"), "--output", str(tmp_path / "x.zip")]
    )
    assert done.exit_code == 1
    assert "does not say what its classes are" in done.output
    assert not (tmp_path / "x.zip").exists()


@pytest.mark.parametrize("command", [["bundle"], ["export", "--format", "litert"]])
def test_a_file_whose_names_lead_elsewhere_is_asked_for_a_place(tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as file:
        file.writestr("menagerie.json", model_facts(model="../../elsewhere").model_dump_json())
    done = CliRunner().invoke(main, [*command, "--file", "m.keras"])
    assert done.exit_code == 1
    assert "calls itself '../../elsewhere', which is no name for a file; set --output" in done.output
    assert [path.name for path in tmp_path.iterdir()] == ["m.keras"]


def test_a_damaged_model_is_not_handed_over(tmp_path):
    """Its zip would have a right checksum of the wrong weights."""
    model = model_at(tmp_path / "model.keras")
    with zipfile.ZipFile(model) as file:
        place = model.read_bytes().index(file.read("model.weights.h5")) + 2000
    content = bytearray(model.read_bytes())
    content[place] ^= 1
    model.write_bytes(content)
    done = CliRunner().invoke(
        main, ["bundle", "--file", str(model), "--output", str(tmp_path / "bundle.zip")]
    )
    assert done.exit_code == 1
    assert (
        "its member model.weights.h5 is damaged; train it again: menagerie mend && dvc repro" in done.output
    )
    assert not (tmp_path / "bundle.zip").exists()
