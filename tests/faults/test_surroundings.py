"""What no output may depend on: the folder, the time zone, the language and the seed of Python's hashes."""

import shutil

import pytest

from helpers import outputs_of, succeed

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]

OTHERS = {"PYTHONHASHSEED": "7", "TZ": "Pacific/Chatham", "LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0"}


def test_every_stage_gives_the_same_bytes_in_other_surroundings(all_stages, stages, tmp_path):
    """How many processes decode is varied in tests/prepare/test_workers.py."""
    folder = tmp_path / "ein anderer Ordner, größer"
    for name in ("src", "conf"):
        shutil.copytree(all_stages / name, folder / name)
    shutil.copyfile(all_stages / "params.yaml", folder / "params.yaml")
    for stage in stages:
        succeed(folder, "python", "src", *stage.split(), **OTHERS)
    expected = outputs_of(all_stages)
    assert len(expected) > 30
    assert outputs_of(folder) == expected
