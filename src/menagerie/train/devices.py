"""NVIDIA's GPUs of this machine: the one that a process takes, and why one that is there is not used.

Nothing here loads a backend: what a process may see of GPUs is settled before.
"""

import os
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from filelock import FileLock, Timeout

NODES = Path("/dev")  # of Linux; the driver makes a node nvidia0, nvidia1, ... for each GPU
VISIBLE = "CUDA_VISIBLE_DEVICES"
# By backend: a package that comes with CUDA, and what is to be done where it is missing.
LIBRARIES = {
    "tensorflow": ("nvidia-cudnn-cu12", ", which brings the libraries: make repro GPU=1"),
    "jax": ("jax-cuda12-plugin", ": pip install 'jax[cuda12]'"),
}

_taken: list[FileLock] = []  # until the process ends


def present(nodes: Path = NODES) -> list[int]:
    """Numbers of the GPUs that the driver knows."""
    found = (re.fullmatch(r"nvidia(\d+)", path.name) for path in nodes.glob("nvidia*"))
    return sorted(int(name[1]) for name in found if name)


def take(gpus: Sequence[int], folder: Path) -> None:
    """Let this process see one of several GPUs, unless the environment says which.

    It is the first that no other process has taken by its file in `folder`, or, when all are, one of them by
    the number of the process.
    """
    if VISIBLE in os.environ or len(gpus) < 2:
        return
    folder.mkdir(parents=True, exist_ok=True)
    chosen = next((gpu for gpu in gpus if _is_free(folder / f"gpu{gpu}.lock")), gpus[os.getpid() % len(gpus)])
    os.environ[VISIBLE] = str(chosen)


def _is_free(path: Path) -> bool:
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    _taken.append(lock)
    return True


def told(environment: Mapping[str, str]) -> str:
    """What a training runs on, in a few words, of `seeding.environment`."""
    if "gpu" in environment:
        return f"{environment['gpu']} ({environment['devices']}, driver {environment['gpu_driver']})"
    return f"{environment['devices']} ({environment['cpu']}, {environment['threads']} threads)"


def unused(gpus: Sequence[int], environment: Mapping[str, str]) -> str | None:
    """Why none of the GPUs that are there is used, and what to do; None where one is, or there is none."""
    if not gpus or "cpu" not in environment["devices"]:
        return None
    backend, there = environment["backend"], f"{len(gpus)} GPU{'s' if len(gpus) > 1 else ''}"
    if os.environ.get(VISIBLE) in ("", "-1"):
        why = f"{VISIBLE}={os.environ[VISIBLE]} hides what is there; unset it to use it"
    elif backend not in LIBRARIES:
        why = f"with the backend {backend} this project has not been run on GPUs"
    elif not _is_installed(LIBRARIES[backend][0]):
        package, remedy = LIBRARIES[backend]
        why = f"{package} is not installed{remedy}"
    else:
        why = f"{backend} {environment['backend_version']} cannot open it; nvidia-smi tells of its driver"
    return f"this machine has {there}, and the training runs on its processor: {why}"


def _is_installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True
