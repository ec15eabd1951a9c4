"""Work in other processes: what it gives, and that nothing waits for one that is gone."""

import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from menagerie.processes import EndedError, processes
from obedient import work

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")


def test_processes_beside_this_one_do_the_work_and_end_with_the_block():
    with processes(2, work) as beside:
        done = [future.result() for future in [beside(number) for number in range(20)]]
        children = {child.pid for child in multiprocessing.active_children()}
    assert {pid for pid, _ in done} <= children
    assert os.getpid() not in children
    assert not multiprocessing.active_children()


def test_an_error_comes_back_with_its_place_and_the_process_goes_on():
    with processes(1, work) as beside:
        with pytest.raises(ValueError, match="no such thing") as raised:
            beside("fail").result()
        assert "in work" in raised.value.__notes__[0]
        assert beside("go on").result()


@posix
@pytest.mark.parametrize("told", ["die", "die while telling"])
def test_of_a_killed_process_whoever_waits_is_told_and_whoever_comes_later(told):
    with processes(1, work) as beside:
        first, second = beside(told), beside("go on")
        for future in (first, second, beside("go on")):
            with pytest.raises(EndedError):
                future.result(timeout=60)


@posix
def test_when_this_process_is_killed_the_others_end(tmp_path):
    script = (
        "import os, signal, obedient\n"
        "from menagerie.processes import processes\n"
        "if __name__ == '__main__':\n"
        "    with processes(2, obedient.work) as beside:\n"
        "        [future.result() for future in [beside(number) for number in range(4)]]\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    (tmp_path / "parent.py").write_text(script)
    here = Path(__file__).parent
    path = os.pathsep.join([str(here), str(here.parent / "src")])
    # Its output ends, and with it this call, when the last process has closed it.
    done = subprocess.run(
        [sys.executable, "parent.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL
    assert done.stderr == ""
