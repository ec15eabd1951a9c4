"""`python src <stage> [model]`: what dvc.yaml calls.

Running the folder puts this copy's own src/ first on the path, so a queued experiment runs the code
of its own snapshot, whatever is installed.
"""

import os
import sys
from importlib import import_module
from pathlib import Path

from menagerie.errors import MenagerieError, unknown
from menagerie.quiet import quiet_native_stderr

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
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
    try:
        with quiet_native_stderr():
            module = import_module(f"stages.{stage}")
        module.main(*models)
    except (MenagerieError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        rest = "goes on where it stood" if stage in GOES_ON else "begins it anew; nothing is half-written"
        print(f"{stage}: interrupted; the next run {rest}", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
