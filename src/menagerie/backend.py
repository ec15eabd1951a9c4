"""How Keras and its backend are loaded."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SETTINGS = {
    "TF_CPP_MIN_LOG_LEVEL": "2",
    # A backend else takes all of a GPU's memory at once, and a second process on it dies.
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
}


@contextmanager
def loading() -> Iterator[None]:
    """Load them in this block: they take memory of a GPU as they need it, and are quiet.

    What TensorFlow says of its build and of absent GPUs while it is imported, past Python and past its own
    setting, is kept off the terminal. What is set in the environment already stays; an exception is raised
    as ever.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    # It warns where a process has several networks, each of which is traced, as if that were a mistake.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
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
