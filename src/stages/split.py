"""Deal the pictures out to train, val and test, and tell what the data set holds.

reads: data/<ds>/{images.npy,manifest.csv}, the file of split=file and that of dataset.labels_fixed,
       params dataset.split, dataset.groups, dataset.duplicates, dataset.labels_fixed
writes: data/<ds>/{split.csv,report.json}, plots/<ds>/data/
use: python src split
"""

import pandas as pd
from tqdm import tqdm

from menagerie import paths
from menagerie.data import open_images
from menagerie.files import whole, whole_folder, write_json
from menagerie.params import load_params
from menagerie.plots import data as plots
from menagerie.prepare.manifest import class_names, read_manifest
from menagerie.split import corrections, description, duplicates, figures, flags, policies, shown
from menagerie.split.groups import group_names
from menagerie.split.notices import notices


def main() -> None:
    dataset = load_params(paths.PARAMS).dataset
    manifest = read_manifest(paths.manifest(dataset.name))
    images = open_images(paths.images(dataset.name))
    good = manifest[manifest["status"] == "ok"]
    found = duplicates.find_duplicates(images, good["index"].to_numpy())
    together = found.groups if dataset.duplicates == "keep_together" else None
    table = policies.split(manifest, dataset.split, group_names(manifest, dataset.groups), together)
    fixed = corrections.read_corrections(dataset.labels_fixed, manifest)
    table = corrections.corrected(table, fixed, class_names(manifest))
    leaks, differing = duplicates.leaks(table, found), duplicates.conflicts(table, found)
    dropped = table.iloc[:0]
    if dataset.duplicates == "drop":
        table, dropped = policies.without_duplicates(table, found.groups)
    policies.check_classes(table, class_names(manifest))
    flagged = flags.flagged(images, good)
    histogram = description.pixel_histogram(images, table["index"].unique())
    report = description.describe(manifest, table) | {
        "sizes": description.sizes(manifest),
        "pixels": description.pixel_statistics(histogram),
        "groups": description.groups_on_both_sides(table),
        "duplicates": description.duplicates(table, found, leaks, differing, dropped),
        "flags": flags.told(flagged),
        "labels_fixed": description.labels_fixed(fixed, corrections.changes(manifest, fixed)),
    }
    report["notices"] = notices(report)

    with whole(paths.split(dataset.name)) as path:
        table.to_csv(path, index=False, lineterminator="\n")
    with whole(paths.data_report(dataset.name)) as path:
        write_json(path, report)
    with whole_folder(paths.data_plots(dataset.name)) as folder:
        counts = pd.DataFrame(report["classes"]).T
        drawn = figures.of_content(dataset.title, images, table, counts, histogram)
        drawn["sizes"] = plots.picture_sizes(
            good["width"], good["height"], f"{dataset.title}: sizes as stored"
        )
        pairs = shown.pairs(pd.concat([table, dropped]), found, leaks, differing, dropped)
        drawn |= figures.of_faults(dataset.title, images, pairs, shown.alone(flagged))
        for name, figure in tqdm(drawn.items(), desc="figures", disable=None, delay=1):
            figure.savefig(folder / f"{name}.png", dpi=120)

    for line in report["notices"]:
        print(f"split: {line}")
    sizes = ", ".join(f"{count} {name}" for name, count in report["splits"].items())
    print(f"split: wrote {paths.split(dataset.name)}: {sizes}")
