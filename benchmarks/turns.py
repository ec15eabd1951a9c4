"""What the benchmarks of training share: labels of random pictures, and processes that take turns."""

import subprocess
import sys
from pathlib import Path

import numpy as np

from menagerie.data import Subset

# Files in memory, where the system has such a folder: a machine that drops what it read from disk while the
# other side has its turn would be measured by its disk.
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None


def subset(start: int, stop: int, classes: int) -> Subset:
    """The rows from `start` to before `stop`, their labels going round."""
    rows = np.arange(start, stop)
    return Subset(rows, (rows % classes).astype(np.int32), rows.astype(object))


def start(*arguments: object) -> subprocess.Popen:
    """Run a benchmark's own file again, with these arguments, in a process that reports and waits."""
    command = [sys.executable, sys.argv[0], *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def tell_and_wait(seconds: float) -> None:
    """Report to the process that started this one, and go on when it says so."""
    print(f"{seconds:.6f}", flush=True)
    sys.stdin.readline()


def tell_epoch(measured: dict[str, float], epoch: int) -> None:
    """As `tell_and_wait`, for training.train to call after each epoch."""
    tell_and_wait(measured["epoch_seconds"])


def reported(process: subprocess.Popen) -> float:
    return float(process.stdout.readline())


def go_on(process: subprocess.Popen) -> None:
    print(file=process.stdin, flush=True)
