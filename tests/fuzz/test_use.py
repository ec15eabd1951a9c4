"""Damaged pictures, archives, requests and models, where a model is used: an answer, or a reason."""

import io
from contextlib import closing

import httpx
import numpy as np
import pytest
from hypothesis import strategies as st

from broken_pictures import good
from helpers import packed
from mutations import EFFORTS, attempt, damaged, png_mended, search, zip_mended
from serving import CLASSES, served, small_model

pytest.importorskip("keras")
from menagerie.model_facts import read_facts
from menagerie.serve.ahead import Decoder
from menagerie.serve.inputs import gather
from menagerie.serve.predictor import Predictor

pytestmark = pytest.mark.tensorflow
PICTURES = damaged(good(), {"png": png_mended})


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    return Predictor(small_model(tmp_path_factory.mktemp("model") / "model.keras"))


@pytest.fixture(scope="module")
def service(predictor):
    with served(predictor) as address:
        yield address


def answered(inputs, predictor):
    """How many pictures of `inputs` have an answer, and what is wrong with each of the others."""
    gathered, refusal = attempt(gather, list(map(str, inputs)), io.BytesIO(), CLASSES)
    if gathered is None:
        assert refusal
        return 0, []
    with closing(Decoder(predictor.facts.pixels)) as decoder:
        decoded = decoder(gathered.pictures)
    wrong = [problem for problem in decoded.problems if problem]
    assert len(decoded.problems) == len(gathered.pictures) == len(decoded.pixels) + len(wrong)
    if len(decoded.pixels):
        assert np.allclose(predictor.probabilities(decoded.pixels).sum(axis=1), 1)
    return len(decoded.pixels), wrong


@EFFORTS
def test_predict_answers_for_damaged_files_or_says_what_is_wrong_with_each(examples, tmp_path, predictor):
    def check(files):
        for number, (name, data) in enumerate(files):
            (tmp_path / f"{number} {name}").write_bytes(data)
        right, wrong = answered(sorted(tmp_path.iterdir())[: len(files)], predictor)
        assert right + len(wrong) == len(files)

    search(examples, check, st.lists(PICTURES, min_size=3, max_size=3))


@EFFORTS
def test_predict_answers_for_a_damaged_archive_or_says_what_is_wrong(examples, tmp_path, predictor):
    files = {"whole.zip": packed(tmp_path / "whole.zip", good()).read_bytes()}

    def check(file):
        (tmp_path / file[0]).write_bytes(file[1])
        answered([tmp_path / file[0]], predictor)

    search(examples, check, damaged(files, {"zip": zip_mended}))


@EFFORTS
def test_a_service_that_is_sent_damaged_pictures_answers_or_refuses(examples, service, no_proxy):
    def check(picture, path):
        reply = client.post(path, content=picture[1])
        assert reply.status_code in (200, 415, 422), reply.text
        assert reply.status_code == 200 or reply.json()["detail"]

    with httpx.Client(base_url=service, timeout=60) as client:
        search(examples, check, PICTURES, st.sampled_from(["/predict", "/explain"]))
        assert client.post("/predict", content=good()["picture.png"]).status_code == 200


@EFFORTS
def test_a_service_that_is_sent_a_damaged_form_answers_or_refuses(examples, service, no_proxy):
    lead = b'--next\r\nContent-Disposition: form-data; name="file"; filename="%b"\r\n\r\n%b\r\n'
    form = b"".join(lead % (name.encode(), data) for name, data in good().items() if len(data) < 500)
    head = {"Content-Type": "multipart/form-data; boundary=next"}

    def check(file):
        reply = client.post("/predict", content=file[1], headers=head)
        assert reply.status_code in (200, 400, 413, 415, 422), reply.text
        assert reply.status_code == 200 or reply.json()["detail"]

    with httpx.Client(base_url=service, timeout=60) as client:
        search(examples, check, damaged({"form": form + b"--next--\r\n"}, {}))
        assert client.post("/predict", content=form + b"--next--\r\n", headers=head).status_code == 200


@EFFORTS
def test_a_damaged_model_file_is_opened_or_refused(examples, tmp_path, predictor):
    """Damage that the zip's checksums do not show is of what the file says of itself."""
    whole = small_model(tmp_path / "whole.keras").read_bytes()
    path = tmp_path / "damaged.keras"

    def check(file):
        path.write_bytes(file[1])
        opened, refusal = attempt(Predictor, path)
        if opened is None:
            assert (str(path) in refusal, len(refusal.splitlines())) == (True, 1)
        else:
            assert opened.model.output_shape == (None, len(CLASSES))

    search(examples, check, damaged({"whole.keras": whole}, {"keras": zip_mended}))


@EFFORTS
def test_damaged_facts_are_read_or_refused(examples, tmp_path):
    text = Predictor(small_model(tmp_path / "model.keras")).facts.model_dump_json().encode()
    path = tmp_path / "facts.zip"

    def check(file):
        packed(path, {"menagerie.json": file[1]})
        facts, refusal = attempt(read_facts, path)
        assert str(path) in refusal if facts is None else len(facts.classes) > 1

    search(examples, check, damaged({"facts": text}, {}))
