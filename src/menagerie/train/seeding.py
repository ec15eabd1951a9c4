"""Seeds, determinism and the environment that a result was made in."""

import platform
from importlib.metadata import version

import keras


def seed_everything(seed: int, deterministic: bool = True) -> None:
    """Seed Python, NumPy and the backend, which uses deterministic kernels only, unless it may use any.

    Once chosen for a process, deterministic kernels stay.
    """
    keras.utils.set_random_seed(seed)
    if deterministic and keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def environment() -> dict[str, str]:
    """Versions and devices, for the record of a run; never part of an output."""
    return {
        "python": platform.python_version(),
        "keras": keras.version(),
        "backend": keras.backend.backend(),
        "backend_version": version(keras.backend.backend()),
        "numpy": version("numpy"),
        "platform": platform.platform(terse=True),
        "devices": ", ".join(map(str, keras.distribution.list_devices())),
    }
