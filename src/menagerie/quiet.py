"""What TensorFlow says of itself while it loads, kept off the terminal."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def quiet_native_stderr() -> Iterator[None]:
    """Keep what TensorFlow says of its build and of absent GPUs while it is imported off the terminal.

    It writes that past Python and past TF_CPP_MIN_LOG_LEVEL. An exception is raised as ever.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
        if tensorflow := sys.modules.get("tensorflow"):
            tensorflow.config.list_physical_devices()  # complains of a machine without a GPU
    finally:
        os.dup2(kept, 2)
        os.close(kept)
