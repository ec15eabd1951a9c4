"""The model that MLflow keeps, stored and loaded by MLflow itself, and behind its own server."""

import base64
import io
import os
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from helpers import model_facts, small_model
from serving import free_port, started

mlflow = pytest.importorskip("mlflow")
pytest.importorskip("keras")

from menagerie.serve.predictor import Predictor, pixels_of  # noqa: E402
from menagerie.tracking.model import log_model  # noqa: E402

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.filterwarnings("ignore:.*type hint:UserWarning"),  # MLflow's, of a function of its own
]

CLASSES = ("cat", "dog", "owl")


def encoded(pixels, form="PNG"):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form)
    return file.getvalue()


PIXELS = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), np.uint8)  # of the size of the network
LARGE = np.random.default_rng(1).integers(0, 256, (40, 30, 3), np.uint8)
FILES = [encoded(LARGE, "JPEG"), encoded(LARGE), *(encoded(one) for one in PIXELS)]
TEXTS = [base64.b64encode(data).decode("ascii") for data in FILES]


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    return small_model(folder / "model.keras", model_facts(CLASSES, temperature=2.0))


@pytest.fixture(scope="module")
def stored(model_file, tmp_path_factory, empty_store):
    """The folder in MLflow's store where a model lies."""
    folder = tmp_path_factory.mktemp("stored")
    (folder / "mlflow.db").write_bytes(empty_store.read_bytes())
    mlflow.set_tracking_uri(f"sqlite:///{(folder / 'mlflow.db').as_posix()}")
    client = mlflow.MlflowClient()
    run = client.create_run(client.create_experiment("pets", (folder / "artifacts").as_uri()))
    model_id = log_model(run.info.run_id, model_file)
    yield Path(client.get_logged_model(model_id).artifact_location.removeprefix("file://"))
    mlflow.set_tracking_uri(None)


@pytest.fixture(scope="module")
def loaded(stored):
    return mlflow.pyfunc.load_model(str(stored))


@pytest.fixture(scope="module")
def expected(model_file):
    """Probabilities of FILES (n, classes)."""
    predictor = Predictor(model_file)
    return predictor.probabilities(np.stack([pixels_of(data, predictor.facts.pixels) for data in FILES]))


def holds(answers, probabilities):
    assert list(answers["class"]) == [CLASSES[one] for one in probabilities.argmax(axis=1)]
    np.testing.assert_allclose(answers["probability"], probabilities.max(axis=1), atol=1e-6)


def table(pictures):
    return pd.DataFrame({"picture": pictures})


@pytest.mark.parametrize(
    "pictures",
    [
        table(FILES),
        FILES,
        table(TEXTS),
        TEXTS,
        {"picture": TEXTS},
        table([f"data:image/png;base64,{text}" for text in TEXTS]),
    ],
    ids=["bytes", "list of bytes", "base64", "list of base64", "a mapping", "data URLs"],
)
def test_pictures_as_files_have_the_answers_of_the_predictor(loaded, expected, pictures):
    holds(loaded.predict(pictures), expected)


@pytest.mark.parametrize(
    "pictures",
    [table(list(PIXELS)), {"picture": PIXELS}, table([PIXELS]), table([PIXELS.tolist()])],
    ids=["a column of arrays", "one array", "an array in a cell", "numbers of JSON"],
)
def test_pixels_have_the_answers_of_their_files(loaded, expected, pictures):
    holds(loaded.predict(pictures), expected[2:])


def test_pixels_of_another_size_are_brought_to_the_networks_as_a_file_is(loaded, expected):
    holds(loaded.predict(table([LARGE])), expected[1:2])


def test_a_path_is_read_where_the_model_is_loaded(loaded, expected, tmp_path):
    (tmp_path / "a.jpg").write_bytes(FILES[0])
    holds(loaded.predict(table([tmp_path / "a.jpg"])), expected[:1])


def test_a_path_in_text_is_never_read(loaded, tmp_path):
    (tmp_path / "a.jpg").write_bytes(FILES[0])
    for text in (str(tmp_path / "a.jpg"), (tmp_path / "a.jpg").as_uri()):
        with pytest.raises(
            mlflow.MlflowException, match="is no base64 of a picture file; a path is given as"
        ):
            loaded.predict(table([text]))


def test_top_says_how_many_classes_are_told_the_likeliest_first(loaded, expected):
    for top, told in ((1, 1), (2, 2), (9, 3)):
        ranked = loaded.predict(table(FILES[:1]), params={"top": top})["top"][0]
        order = np.argsort(-expected[0])[:told]
        assert [one["class"] for one in ranked] == [CLASSES[place] for place in order]
        np.testing.assert_allclose([one["probability"] for one in ranked], expected[0][order], atol=1e-6)
    with pytest.raises(mlflow.MlflowException, match="`top` is 0; 1 or more"):
        loaded.predict(table(FILES[:1]), params={"top": 0})


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (PIXELS[0] / 255, "it is of float64; .*floats of 0 to 1 would all be black"),
        (PIXELS[0].astype(int) - 300, "values of -300 to -"),
        (PIXELS[0][..., :1], r"shape \(8, 8, 1\); \(height, width, 3\) is expected"),
        (FILES[0][:100], "runcated"),
        (b"", "empty file"),
        (b"hello", "none of .*JPEG"),
        ("aGVsbG8=", "none of .*JPEG"),
        (Path("nowhere.jpg"), "No such file"),
        (None, "it is null"),
    ],
    ids=[
        "floats",
        "negative",
        "grey",
        "truncated",
        "empty",
        "no picture",
        "no picture in text",
        "no file",
        "none",
    ],
)
def test_what_is_no_picture_is_refused_by_its_place(loaded, picture, message):
    with pytest.raises(mlflow.MlflowException, match=rf"picture 1 \(from 0\): .*{message}") as error:
        loaded.predict(table([FILES[0], picture]))
    assert error.value.get_http_status_code() == 400


def test_many_pictures_go_through_in_batches(loaded, expected):
    many = loaded.predict(table(FILES * 60))  # 300, more than a batch
    holds(many, np.tile(expected, (60, 1)))


def test_signature_example_and_packages_are_stored(stored, loaded):
    signature = loaded.metadata.signature
    assert [str(one) for one in signature.inputs.input_types()] == ["Any"]
    assert signature.outputs.input_names() == ["class", "probability", "top"]
    assert [(one.name, one.default) for one in signature.params.params] == [("top", 3)]
    answers = loaded.predict(loaded.input_example)
    assert answers["class"][0] in CLASSES
    assert (stored / "requirements.txt").read_text().count("==") == 12


def environment():
    """Of a user: nothing of this project is on the path."""
    return {
        key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "MLFLOW_TRACKING_URI")
    }


@pytest.mark.slow
def test_the_code_that_answers_is_the_copy_in_the_store(stored, expected, tmp_path):
    script = (
        "import sys, mlflow\n"
        "model = mlflow.pyfunc.load_model(sys.argv[1])\n"
        "print(model.predict([sys.argv[2]])['class'][0])\n"
        "import menagerie; print(menagerie.__file__)\n"
    )
    command = [sys.executable, "-c", script, str(stored), TEXTS[0]]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True
    )
    answer, place = done.stdout.splitlines()[-2:]
    assert answer == CLASSES[expected[0].argmax()]
    assert Path(place).is_relative_to(stored)


@pytest.fixture(scope="module")
def address(stored, tmp_path_factory):
    """`mlflow models serve`, up."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", str(stored)]
    command += ["--env-manager", "local", "--host", "127.0.0.1", "--port", port, "--workers", "1"]
    folder = tmp_path_factory.mktemp("server")
    binaries = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # it starts uvicorn by name
    base = f"http://127.0.0.1:{port}"
    with started(command, f"{base}/ping", folder, environment() | {"PATH": binaries}):
        yield f"{base}/invocations"


def post(address, **asked):
    return httpx.post(address, timeout=60, trust_env=False, **asked)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups to end")
def test_mlflows_own_server_answers_posted_pictures(address, expected):
    split = {"columns": ["picture"], "data": [[text] for text in TEXTS]}
    for body in ({"dataframe_split": split}, {"inputs": TEXTS}, {"instances": TEXTS}):
        done = post(address, json=body)
        assert done.status_code == 200, done.text
        holds(pd.DataFrame(done.json()["predictions"]), expected)
    asked = {"inputs": TEXTS[:1], "params": {"top": 2}}
    assert len(post(address, json=asked).json()["predictions"][0]["top"]) == 2


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups to end")
def test_mlflows_own_server_refuses_floats_and_paths_and_takes_no_bare_jpeg(address, tmp_path):
    (tmp_path / "a.jpg").write_bytes(FILES[0])
    for picture, message in (
        ((PIXELS[0] / 255).tolist(), "floats of 0 to 1 would all be black"),
        (str(tmp_path / "a.jpg"), "a served model reads no files"),
    ):
        asked = {"dataframe_split": {"columns": ["picture"], "data": [[picture]]}}
        done = post(address, json=asked)
        assert (done.status_code, message in done.json()["message"]) == (400, True), done.text
    bare = post(address, content=FILES[0], headers={"Content-Type": "image/jpeg"})
    assert bare.status_code == 415  # MLflow's own: it takes JSON, CSV and Parquet
