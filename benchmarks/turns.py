"""What the benchmarks of training share: random data, and a process for each side of a comparison.

The sides take turns as whole processes, one at a time. Two that wait for each other would be measured by what
the machine does to the memory of an idle process: where it is taken back after some seconds, an epoch that
follows a wait takes up to three times as long.
"""

import json
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


def told(*arguments: object) -> list[float]:
    """Run a benchmark's own file again with these arguments: the list of numbers that it prints last."""
    command = [sys.executable, sys.argv[0], *map(str, arguments)]
    process = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(process.stdout.splitlines()[-1])
