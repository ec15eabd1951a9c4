"""Deal the pictures out to train, val and test, and tell what the data set holds.

reads: data/<ds>/{images.npy,manifest.csv}, the file of split=file and that of dataset.labels_fixed,
       params dataset.split, dataset.groups, dataset.duplicates, dataset.labels_fixed
writes: data/<ds>/{split.csv,report.json}, plots/<ds>/data/
use: python src split
"""

from typing import Any

import numpy as np
import pandas as pd

from menagerie import paths
from menagerie.files import whole, whole_folder, write_json
from menagerie.params import load_params
from menagerie.plots import data as plots
from menagerie.plots import pictures
from menagerie.prepare.manifest import class_names, read_manifest
from menagerie.split import corrections, description, duplicates, policies
from menagerie.split.groups import group_names
from menagerie.split.notices import notices


def main() -> None:
    dataset = load_params(paths.PARAMS).dataset
    manifest = read_manifest(paths.manifest(dataset.name))
    images = np.load(paths.images(dataset.name), mmap_mode="r")
    good = manifest[manifest["status"] == "ok"]
    found = duplicates.find_duplicates(images, good["index"].to_numpy())
    together = found.groups if dataset.duplicates == "keep_together" else None
    table = policies.split(manifest, dataset.split, group_names(manifest, dataset.groups), together)
    fixed = corrections.read_corrections(dataset.labels_fixed, manifest)
    table = corrections.corrected(table, fixed, class_names(manifest))
    leaks, dropped = duplicates.leaks(table, found), table.iloc[:0]
    if dataset.duplicates == "drop":
        table, dropped = policies.without_duplicates(table, found.groups)
    policies.check_classes(table, class_names(manifest))
    histogram = description.pixel_histogram(images, table["index"].unique())
    report = description.describe(manifest, table) | {
        "sizes": description.sizes(manifest),
        "pixels": description.pixel_statistics(histogram),
        "groups": description.groups_on_both_sides(table),
        "duplicates": description.duplicates(table, found, leaks, dropped),
        "labels_fixed": description.labels_fixed(fixed, corrections.changes(manifest, fixed)),
    }
    report["notices"] = notices(report)

    with whole(paths.split(dataset.name)) as path:
        table.to_csv(path, index=False, lineterminator="\n")
    with whole(paths.data_report(dataset.name)) as path:
        write_json(path, report)
    with whole_folder(paths.data_plots(dataset.name)) as folder:
        drawn = _figures(dataset.title, report, images, table, histogram)
        drawn["sizes"] = plots.picture_sizes(
            good["width"], good["height"], f"{dataset.title}: sizes as stored"
        )
        if len(pairs := description.pairs_to_show(good, found, leaks)):
            title = f"{dataset.title}: exact copies and pictures that look alike"
            shown = images[pairs[["index", "other_index"]].to_numpy()]
            drawn["duplicates"] = pictures.picture_pairs(shown, list(pairs["caption"]), title)
        for name, figure in drawn.items():
            figure.savefig(folder / f"{name}.png", dpi=120)

    for line in report["notices"]:
        print(f"split: {line}")
    sizes = ", ".join(f"{count} {name}" for name, count in report["splits"].items())
    print(f"split: wrote {paths.split(dataset.name)}: {sizes}")


def _figures(
    title: str, report: dict[str, Any], images: np.ndarray, table: pd.DataFrame, histogram: np.ndarray
) -> dict[str, Any]:
    counts = pd.DataFrame(report["classes"]).T
    examples = images[description.examples(table, 10)]
    return {
        "classes": plots.class_counts(counts, f"{title}: pictures by class and split"),
        "pixels": plots.pixel_values(histogram, f"{title}: pixel values as prepared"),
        "examples": pictures.picture_grid(examples, list(counts.index), f"{title}: training pictures"),
    }
