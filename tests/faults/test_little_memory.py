"""Two GiB of memory are enough for each stage of a small data set, and with too little the reason is told."""

import shutil
import sys

import pytest

from helpers import outputs_of, succeed

pytestmark = [
    pytest.mark.slow,
    pytest.mark.tensorflow,
    pytest.mark.skipif(sys.platform != "linux", reason="the limit is one of Linux"),
]

# Of what a process writes to, mapped or not: a stricter limit than one of the memory that it holds.
LIMITED = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_DATA, (int(sys.argv[1]), int(sys.argv[1])))
sys.argv = ["src", *sys.argv[2:]]
runpy.run_path("src", run_name="__main__")
"""


def test_every_stage_does_with_two_gib(all_stages, stages, tmp_path):
    folder = tmp_path / "project"
    shutil.copytree(all_stages, folder)
    for stage in stages:
        succeed(folder, sys.executable, "-c", LIMITED, str(2 << 30), *stage.split())
    assert outputs_of(folder) == outputs_of(all_stages)
