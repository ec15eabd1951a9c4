"""What was damaged on the disk, in DVC's cache too, or edited by hand: never used silently, and mended."""

import os
import subprocess

import pandas as pd
import pytest

from helpers import run, stages_run, succeed
from menagerie.files import file_sha256

pytestmark = pytest.mark.slow

MENAGERIE = ("python", "-c", "from menagerie.cli.main import main; main()")
MODEL, IMAGES = "models/colours/linear/model.keras", "data/colours/images.npy"


def damage(path):
    """Flip a bit in the middle, as a failing disk does: the file keeps its time, and links show it all."""
    about = path.stat()
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(about.st_size // 2)
        (byte,) = file.read(1)
        file.seek(about.st_size // 2)
        file.write(bytes([byte ^ 64]))
    path.chmod(about.st_mode)
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))


def mend(clone):
    return succeed(clone, *MENAGERIE, "mend", PYTHONPATH="src").stdout


def test_a_damaged_model_in_dvcs_cache_is_told_and_the_command_named_makes_it_anew(clone):
    expected = file_sha256(clone / MODEL), (clone / "dvc.lock").read_text(encoding="utf-8")
    damage(clone / MODEL)
    assert stages_run(succeed(clone, "dvc", "repro")) == []  # DVC sees nothing, or this would test nothing
    failed = run(clone, "dvc", "repro", "--force", "--single-item", "evaluate@linear")
    assert failed.returncode != 0
    assert f"{MODEL.rpartition('/')[0]} is not what dvc.lock says" in failed.everything
    failed = run(clone, *MENAGERIE, "predict", "data/colours/raw", "--model", "linear", PYTHONPATH="src")
    assert failed.returncode == 2
    assert f"Error: {MODEL} is no model that Keras can read" in failed.stderr
    assert "menagerie mend && dvc repro" in failed.stderr

    begun = clone / ".dvc/cache/files/md5/ab" / f"{'0' * 30}.tmp"  # as a DVC at work has them
    begun.parent.mkdir(exist_ok=True)
    begun.write_bytes(b"half")
    told = mend(clone)
    assert "which was damaged" in told
    assert begun.exists()
    assert "models/colours/linear is not as dvc.lock says" in told
    assert "train@linear" in stages_run(succeed(clone, "dvc", "repro"))
    assert (file_sha256(clone / MODEL), (clone / "dvc.lock").read_text(encoding="utf-8")) == expected
    assert mend(clone).startswith("nothing is damaged")


@pytest.mark.parametrize("stage", ["split", "train@linear"])
def test_damaged_pictures_out_of_dvcs_cache_are_used_by_no_stage(clone, stage):
    expected = file_sha256(clone / IMAGES), (clone / "dvc.lock").read_text(encoding="utf-8")
    damage(clone / IMAGES)
    (clone / IMAGES).unlink()
    succeed(clone, "dvc", "checkout")  # it comes back as it is
    assert file_sha256(clone / IMAGES) != expected[0]
    assert "up to date" in succeed(clone, "dvc", "status", "compare").stdout
    failed = run(clone, "dvc", "repro", "--force", "--single-item", stage)
    assert failed.returncode != 0
    assert f"error: {IMAGES} is not what dvc.lock says (MD5 " in failed.everything
    assert "`menagerie mend`" in failed.everything

    mend(clone)
    assert "prepare" in stages_run(succeed(clone, "dvc", "repro"))
    assert (file_sha256(clone / IMAGES), (clone / "dvc.lock").read_text(encoding="utf-8")) == expected


def test_an_output_that_is_damaged_beside_a_good_cache_comes_back_from_there(clone):
    expected = file_sha256(clone / MODEL)
    succeed(clone, "dvc", "config", "--local", "cache.type", "copy")
    succeed(clone, "dvc", "checkout", "--relink")
    damage(clone / MODEL)
    assert stages_run(succeed(clone, "dvc", "repro")) == []
    assert file_sha256(clone / MODEL) != expected
    told = mend(clone)
    assert "removed" not in told
    assert "models/colours/linear is not as dvc.lock says" in told
    assert stages_run(succeed(clone, "dvc", "repro")) == []
    assert file_sha256(clone / MODEL) == expected


@pytest.mark.parametrize("name", ["manifest.csv", "split.csv"])
def test_a_table_edited_by_hand_is_put_back_before_anything_is_made_of_it(clone, name):
    """As editors do it: a new file takes the place of the old one."""
    path, lock = clone / "data/colours" / name, (clone / "dvc.lock").read_text(encoding="utf-8")
    written = path.read_bytes()
    table = pd.read_csv(path)
    table.loc[0, "class"] = "green"
    path.unlink()
    table.to_csv(path, index=False)
    assert path.read_bytes() != written
    failed = run(
        clone, "dvc", "repro", "--force", "--single-item", {"manifest.csv": "split"}.get(name, "train@linear")
    )
    assert failed.returncode != 0
    assert f"error: data/colours/{name} is not what dvc.lock says" in failed.everything
    assert "`dvc repro` makes it anew" in failed.everything
    assert (clone / "dvc.lock").read_text(encoding="utf-8") == lock
    succeed(clone, "dvc", "repro")
    assert path.read_bytes() == written
    assert (clone / "dvc.lock").read_text(encoding="utf-8") == lock


def test_a_cache_that_cannot_be_written_is_told_and_loses_nothing(clone):
    """As one that several people share and this one may only read."""
    lock, cache = (clone / "dvc.lock").read_text(encoding="utf-8"), clone / ".dvc/cache"
    params = clone / "params.yaml"
    for options in (["--bind", cache, cache], ["-o", "remount,ro,bind", cache]):
        mounted = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
        if mounted.returncode:
            pytest.skip(f"a folder cannot be mounted read-only: {mounted.stderr.strip()}")
    try:
        (clone / MODEL).unlink()
        succeed(clone, "dvc", "checkout")  # what is in it can be used
        assert (clone / MODEL).exists()
        params.write_text(
            params.read_text(encoding="utf-8").replace("title: ", "title: New "), encoding="utf-8"
        )
        failed = run(clone, "dvc", "repro", "--single-item", "split")
        assert failed.returncode != 0
        assert "Read-only file system" in failed.everything
        assert (clone / "dvc.lock").read_text(encoding="utf-8") == lock
    finally:
        subprocess.run(["umount", cache], check=True)
    assert stages_run(succeed(clone, "dvc", "repro", "split")) == ["split"]
    assert (clone / "dvc.lock").read_text(encoding="utf-8") != lock
    succeed(clone, "git", "checkout", "params.yaml")
    succeed(clone, "dvc", "repro")
    assert (clone / "dvc.lock").read_text(encoding="utf-8") == lock
