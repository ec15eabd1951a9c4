"""A stage runs on what DVC notes of it: of settings, code and data that change meanwhile, it says so."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest
import yaml

from helpers import ROOT, composed
from menagerie.errors import DataError, ParamsError
from menagerie.inputs import held

IMAGES, SPLIT = Path("data/digits/images.npy"), Path("data/digits/split.csv")
CODE = Path("src/menagerie/models/cnn.py")


def md5(data):
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


@pytest.fixture
def project(repository):
    """Settings, dvc.yaml, some code, and data as dvc.lock says."""
    shutil.copyfile(ROOT / "dvc.yaml", "dvc.yaml")
    write_settings(composed())
    for path, content in {IMAGES: b"pixels", SPLIT: b"rows", CODE: b"code"}.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    write_lock({IMAGES: md5(b"pixels"), SPLIT: md5(b"rows")})


def write_settings(values):
    Path("params.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")


def write_lock(hashes):
    outs = [{"path": path.as_posix(), "hash": "md5", "md5": md5} for path, md5 in hashes.items()]
    Path("dvc.lock").write_text(yaml.safe_dump({"stages": {"split": {"outs": outs}}}), encoding="utf-8")


def test_what_stays_as_it_is_passes_even_if_it_was_written_again(project):
    with held("train@cnn"):
        CODE.write_bytes(b"code")
        os.utime(CODE, (0, 0))
        os.utime(IMAGES, (0, 0))
        Path("src/menagerie/models/ann.py").write_bytes(b"of another model")
        write_settings(
            composed("compute.cache_gb=1", "models.ann.batch_size=7", "evaluation.robustness=true")
        )


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("seed=5", "seed was 42 and is 5"),
        (
            "models.cnn.phases.main.learning_rate=0.5",
            r"models\.cnn\.phases\.main\.learning_rate was 0\.0001 and is 0\.5",
        ),
        ("model=ann", r"models\.cnn was set and is None"),
    ],
)
def test_a_setting_that_the_stage_reads_may_not_change(project, override, said):
    with pytest.raises(ParamsError, match=rf"params\.yaml changed while train@cnn ran: {said}.*--queue"):  # noqa: SIM117
        with held("train@cnn"):
            write_settings(composed(override))


@pytest.mark.parametrize("change", [lambda path: path.write_bytes(b"other."), Path.unlink])
@pytest.mark.parametrize("path", [IMAGES, CODE])
def test_neither_data_nor_code_may_change_or_go(project, path, change):
    with pytest.raises(DataError, match=rf"{path} changed while train@cnn ran"), held("train@cnn"):
        change(path)


def test_data_that_is_not_as_dvc_lock_says_is_refused_before_the_stage_runs(project):
    IMAGES.write_bytes(b"pixelz")
    hashes = rf"\(MD5 {md5(b'pixelz')}, expected {md5(b'pixels')}\)"
    said = rf"{IMAGES} is not what dvc\.lock says {hashes}.*menagerie mend"
    with pytest.raises(DataError, match=said), held("train@cnn"):
        pytest.fail("it ran")
    with held("prepare"):
        pass  # it does not read them


def test_a_stage_that_fails_says_why_and_not_what_changed(project):
    with pytest.raises(RuntimeError, match="its own"), held("train@cnn"):  # noqa: PT012
        CODE.write_bytes(b"other")
        raise RuntimeError("its own")


def test_before_there_is_a_lock_nothing_is_refused(project):
    Path("dvc.lock").unlink()
    with held("train@cnn"):
        pass
