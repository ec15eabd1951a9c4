"""Seeds, determinism and the environment that a result was made in."""

import os
import platform
import re
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import keras

from menagerie.files import file_sha256

# Features of a processor that kernels are chosen by, and with them how a sum is rounded: of x86, then of ARM.
FEATURES = ("avx2", "fma", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
FEATURES += ("asimd", "bf16", "i8mm", "sve")
CPU_INFO = Path("/proc/cpuinfo")  # of Linux, as the next
DRIVER = Path("/proc/driver/nvidia/version")
CAPPED = "ONEDNN_MAX_CPU_ISA"  # leaves features unused that are there


def seed_everything(seed: int, deterministic: bool = True) -> None:
    """Seed Python, NumPy and the backend, which uses deterministic kernels only, unless it may use any.

    Once chosen for a process, deterministic kernels stay.
    """
    keras.utils.set_random_seed(seed)
    if deterministic and keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


def recorded(lock: Path) -> dict[str, str]:
    """The environment, and the hash of the lock file, for the record of a run; never part of an output."""
    return environment() | {"lock_sha256": file_sha256(lock) if lock.exists() else "none"}


def environment() -> dict[str, str]:
    """What the numbers of a training depend on beside its settings, data and code.

    Where it changes, a training that was stopped begins anew. The lock file is no part of it: it changes
    with every package, and most of them reach no number.
    """
    return {
        "python": platform.python_version(),
        "keras": keras.version(),
        "backend": keras.backend.backend(),
        "backend_version": version(keras.backend.backend()),
        "numpy": version("numpy"),
        "platform": platform.platform(terse=True),
        "devices": ", ".join(map(str, keras.distribution.list_devices())),
        **_processor(),
        "threads": os.environ.get("TF_NUM_INTRAOP_THREADS") or str(_cores()),
        **_gpus(),
    }


def _processor() -> dict[str, str]:
    """Its name and those of FEATURES that it has."""
    about = {}
    with suppress(OSError):  # another system
        for line in CPU_INFO.read_text().partition("\n\n")[0].splitlines():
            key, _, value = line.partition(":")
            about[key.strip()] = value.strip()
    has = (about.get("flags") or about.get("Features") or "").split()
    features = [feature for feature in FEATURES if feature in has]
    if CAPPED in os.environ:
        features.append(f"{CAPPED}={os.environ[CAPPED]}")
    name = about.get("model name") or platform.processor() or platform.machine()
    return {"cpu": name, "cpu_features": " ".join(features)}


def _cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _gpus() -> dict[str, str]:
    """Their names and their driver; empty where the backend uses none."""
    if keras.backend.backend() != "tensorflow":
        return {}
    import tensorflow as tf

    found = [tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU")]
    if not found:
        return {}
    names = ", ".join(gpu.get("device_name", "unnamed") for gpu in found)
    text = DRIVER.read_text() if DRIVER.exists() else ""
    return {"gpu": names, "gpu_driver": driver_number(text)}


def driver_number(text: str) -> str:
    """The version that NVIDIA's kernel module tells in DRIVER."""
    found = re.search(r"\d+(\.\d+)+", text)
    return found[0] if found else "unknown"
