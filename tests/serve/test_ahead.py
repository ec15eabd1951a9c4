"""Decoding ahead of the network: here and in processes, in the order asked for."""

import multiprocessing
import os
import signal
import subprocess
import sys
from contextlib import suppress

import numpy as np
import pytest

from broken_pictures import bad, good
from helpers import ROOT, model_facts, packed
from menagerie.errors import DataError
from menagerie.prepare.decoding import decode
from menagerie.serve import ahead
from menagerie.serve.ahead import BATCH, Decoder, decoding
from menagerie.serve.inputs import gather
from menagerie.serve.pictures import Picture

DECODER = Decoder(model_facts(image_size=(12, 16)).pixels)


@pytest.fixture(params=["here", "beside"])
def where(request, monkeypatch):
    """Little is decoded here, much in processes beside this one; of either kind it is made to be."""
    monkeypatch.setattr(ahead, "POOL_BYTES", 0 if request.param == "beside" else 2**40)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)


def pictures_in(folder, files):
    found = []
    for number, (name, data) in enumerate(files):
        path = folder / f"{number:04}-{name}"
        path.write_bytes(data)
        found.append(Picture(path.name, path, len(data)))
    return found


def test_batches_come_in_order_and_what_is_broken_is_told_with_its_reason(tmp_path, where):
    files = [*good().items(), *list(bad().items())[:60], *good().items()]
    pictures = pictures_in(tmp_path, files)
    with decoding(pictures, DECODER) as batches:
        found = list(batches)
    problems = [problem for batch in found for problem in batch.problems]
    assert [len(batch.problems) for batch in found] == [BATCH, BATCH, len(files) - 2 * BATCH]
    assert sum(map(bool, problems)) > 30
    assert not any(problems[: len(good())])
    read = [data for (_, data), problem in zip(files, problems, strict=True) if not problem]
    expected = np.stack([decode(data, (12, 16))[0] for data in read])
    np.testing.assert_array_equal(np.concatenate([batch.pixels for batch in found]), expected)


@pytest.mark.parametrize("suffix", [".zip", ".tar.gz"])
def test_members_of_archives_are_decoded_as_files_are(tmp_path, where, suffix):
    path = packed(tmp_path / f"pictures{suffix}", good())
    with decoding(gather([str(path)], None, ()).pictures, DECODER) as batches:
        (batch,) = batches
    assert batch.problems == [""] * len(good())
    expected = np.stack([decode(data, (12, 16))[0] for data in good().values()])
    np.testing.assert_array_equal(batch.pixels, expected)


def test_a_file_that_is_gone_when_its_turn_comes_is_a_problem_of_its_own(tmp_path, where):
    pictures = pictures_in(tmp_path, good().items())
    pictures[1].path.unlink()
    with decoding(pictures, DECODER) as batches:
        (batch,) = batches
    assert [problem for problem in batch.problems if problem] == ["No such file or directory"]
    assert batch.problems[1]


def test_a_problem_found_before_is_kept_and_a_batch_may_have_no_picture(where, tmp_path):
    with decoding([Picture("gone", tmp_path / "gone", problem="not there")], DECODER) as batches:
        (batch,) = batches
    assert (batch.problems, batch.pixels.shape) == (["not there"], (0, 12, 16, 3))


def test_what_waits_for_the_network_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(ahead, "POOL_BYTES", 0)
    monkeypatch.setattr(ahead, "AHEAD_BYTES", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    (name, data), *_ = good().items()
    pictures = pictures_in(tmp_path, [(name, data)] * BATCH * 9)
    with decoding(pictures, DECODER) as batches:
        sent = batches.gi_frame.f_locals["sent"]
        assert len(sent) == 2 * ahead.PROCESSES
        for _ in batches:
            assert len(sent) <= 2 * ahead.PROCESSES


def test_a_worker_that_is_killed_is_an_error_with_a_fix(tmp_path, monkeypatch):
    monkeypatch.setattr(ahead, "POOL_BYTES", 0)
    monkeypatch.setattr(ahead, "AHEAD_BYTES", 0)  # so that there is always a batch to be done
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    (name, data), *_ = good().items()
    pictures = pictures_in(tmp_path, [(name, data)] * BATCH * 9)
    with decoding(pictures, DECODER) as batches:
        next(batches)
        for child in multiprocessing.active_children():
            with suppress(ProcessLookupError):  # with the first, the pool ends the others itself
                os.kill(child.pid, signal.SIGKILL)
            child.join()
        with pytest.raises(DataError, match="was ended from outside"):
            list(batches)


def test_decoding_loads_no_network_library():
    script = "import sys, menagerie.serve.ahead; print({'keras', 'tensorflow', 'scipy'} & {*sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "set()\n"
