"""PyTorch's ExportedProgram, a .pt2 file: `torch.export.load(FILE).module()`.

Keras writes it only where PyTorch computes for it, which is settled when Keras is imported: another process
does that, with this module as its program.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

import menagerie
from menagerie.errors import ModelError
from menagerie.serve.export import Job, Run, description, network
from menagerie.serve.predictor import Predictor


def write(job: Job, path: Path) -> None:
    """Write a .pt2 file; classes and pixels are in its extra file menagerie.json."""
    library = str(Path(menagerie.__file__).parents[1])
    searched = os.pathsep.join(filter(None, [library, os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-m", "menagerie.serve.export_torch", job.source, path],
        env=os.environ | {"KERAS_BACKEND": "torch", "PYTHONPATH": searched},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ModelError((done.stderr.strip().splitlines() or ["the process was killed"])[-1])


def _write(model: Path, path: Path) -> None:
    """What the other process does."""
    import json

    import torch

    predictor = Predictor(model)
    batch = torch.export.Dim("batch", min=1)
    network(predictor).export(path, format="torch", verbose=False, dynamic_shapes={0: batch})
    about = json.dumps(description(predictor.facts, None), ensure_ascii=False)
    torch.export.save(torch.export.load(path), path, extra_files={"menagerie.json": about})


def opened(path: Path) -> Run:
    import torch

    module = torch.export.load(path).module()

    def run(pictures: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return module(torch.from_numpy(np.ascontiguousarray(pictures))).numpy()

    return run


if __name__ == "__main__":
    _write(Path(sys.argv[1]), Path(sys.argv[2]))
