"""Deal the pictures out to train, val and test.

reads: data/<ds>/{images.npy,manifest.csv}, params dataset.split
writes: data/<ds>/{split.csv,report.json}, plots/<ds>/data/
use: python src split
"""

import numpy as np
import pandas as pd

from menagerie import paths, plots, splitting
from menagerie.files import whole, whole_folder, write_json
from menagerie.images.manifest import read_manifest
from menagerie.params import load_params


def main() -> None:
    dataset = load_params(paths.PARAMS).dataset
    manifest = read_manifest(paths.manifest(dataset.name))
    table = splitting.split(manifest, dataset.split)
    summary = splitting.describe(manifest, table)
    counts = pd.DataFrame(summary["classes"]).T
    examples = np.load(paths.images(dataset.name), mmap_mode="r")[splitting.examples(table, 10)]

    with whole(paths.split(dataset.name)) as path:
        table.to_csv(path, index=False, lineterminator="\n")
    with whole(paths.data_report(dataset.name)) as path:
        write_json(path, summary)
    with whole_folder(paths.data_plots(dataset.name)) as folder:
        plots.class_counts(counts, f"{dataset.title}: pictures by class and split").savefig(
            folder / "classes.png"
        )
        grid = plots.picture_grid(examples, list(counts.index), f"{dataset.title}: training pictures")
        grid.savefig(folder / "examples.png")

    sizes = ", ".join(f"{count} {name}" for name, count in summary["splits"].items())
    print(f"split: wrote {paths.split(dataset.name)}: {sizes}")
