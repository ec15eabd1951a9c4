"""Decode every picture once into one array.

reads: data/<ds>/raw/, params dataset.layout, dataset.image_size, dataset.max_unreadable
writes: data/<ds>/images.npy, data/<ds>/manifest.csv
use: python src prepare
"""

from menagerie import paths
from menagerie.images.layout import find_pictures
from menagerie.images.manifest import read_manifest
from menagerie.images.preparing import prepare
from menagerie.params import load_params


def main() -> None:
    dataset = load_params(paths.PARAMS).dataset
    array, manifest_path = paths.images(dataset.name), paths.manifest(dataset.name)
    archives = sorted(paths.raw(dataset.name).iterdir())
    pictures = find_pictures(archives, dataset.layout.folders, dataset.layout.class_names)
    work = paths.work() / "prepare" / dataset.name
    prepare(pictures, dataset.image_size, array, manifest_path, work, dataset.max_unreadable)
    manifest = read_manifest(manifest_path)

    unreadable = (manifest["status"] != "ok").sum()
    size = "x".join(map(str, dataset.image_size))
    print(f"prepare: wrote {array}: {len(manifest)} pictures of {size}, {unreadable} of them unreadable")
