"""`python src <stage> [model]`: what dvc.yaml calls.

Running the folder puts this copy's own src/ first on the path, so a queued experiment runs the code
of its own snapshot, whatever is installed.
"""

import os
import signal
import sys
import threading
import time
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path

from menagerie import paths
from menagerie.backend import loading
from menagerie.errors import MenagerieError, mended_by, unknown
from menagerie.inputs import held
from menagerie.train import devices

GOES_ON = ("download", "prepare", "train", "replicate")  # these keep in .work what they have


def main(arguments: list[str]) -> int:
    stages = [path.stem for path in Path(__file__).with_name("stages").glob("[!_]*.py")]
    if not arguments or arguments[0] not in stages:
        print("error: " + unknown("stage", " ".join(arguments[:1]), stages), file=sys.stderr)
        return 2
    stage, *models = arguments
    expected = 1 if stage in ("train", "evaluate", "replicate") else 0
    if len(models) != expected:
        print(f"error: usage: python src {stage}{' <model>' * expected}", file=sys.stderr)
        return 2
    by_dvc = os.environ.get("DVC_STAGE")  # it notes what the stage ran on
    if by_dvc:
        threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    try:
        with held(by_dvc) if by_dvc else nullcontext():
            if models:  # a stage of one model, on a GPU where there is one
                devices.take(devices.present(), paths.work())
            with loading():
                module = import_module(f"stages.{stage}")
            module.main(*models)
    except MenagerieError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error}{mended_by(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        rest = (
            "goes on from what it has kept" if stage in GOES_ON else "begins it anew; nothing is half-written"
        )
        print(f"{stage}: interrupted; the next run {rest}", file=sys.stderr)
        return 130
    return 0


def end_with(parent: int) -> None:
    """End when DVC is gone: what this stage wrote later would lie among the outputs of the next run."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
