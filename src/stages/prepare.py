"""Decode every picture once into one array.

reads: data/<ds>/raw/, params dataset.layout, dataset.image_size, dataset.max_unreadable
writes: data/<ds>/images.npy, data/<ds>/manifest.csv
use: python src prepare
"""

from menagerie import paths
from menagerie.archives.layout import find
from menagerie.params import load_params
from menagerie.prepare.manifest import read_manifest
from menagerie.prepare.preparing import Form, prepare


def main() -> None:
    dataset = load_params(paths.PARAMS).dataset
    array, manifest_path = paths.images(dataset.name), paths.manifest(dataset.name)
    archives = sorted(paths.raw(dataset.name).iterdir())
    pictures = find(archives, dataset.layout).pictures
    work = paths.work() / "prepare" / dataset.name
    form = Form(dataset.image_size, dataset.resize, dataset.max_unreadable)
    prepare(pictures, form, array, manifest_path, work)
    manifest = read_manifest(manifest_path)

    height, width = form.image_size
    unreadable = (manifest["status"] != "ok").sum()
    print(
        f"prepare: wrote {array}: {len(manifest)} pictures of {height}x{width}, "
        f"{unreadable} of them unreadable"
    )
