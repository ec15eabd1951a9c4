"""Decode every picture once into one array.

reads: data/<ds>/raw/, params dataset.layout, dataset.image_size, dataset.resize, dataset.max_unreadable,
    dataset.max_pixels, dataset.truncated, dataset.jpeg
writes: data/<ds>/images.npy, data/<ds>/manifest.csv
use: python src prepare
"""

from menagerie import paths
from menagerie.archives.layout import find
from menagerie.params import load_params
from menagerie.prepare.manifest import TRUNCATED, read_manifest
from menagerie.prepare.opening import Reading
from menagerie.prepare.preparing import Form, prepare


def main() -> None:
    dataset = load_params(paths.PARAMS).dataset
    array, manifest_path = paths.images(dataset.name), paths.manifest(dataset.name)
    archives = sorted(paths.raw(dataset.name).iterdir())
    pictures = find(archives, dataset.layout).pictures
    work = paths.work() / "prepare" / dataset.name
    reading = Reading(dataset.jpeg, dataset.truncated, dataset.max_pixels)
    form = Form(dataset.image_size, dataset.resize, dataset.max_unreadable, reading=reading)
    prepare(pictures, form, array, manifest_path, work)
    manifest = read_manifest(manifest_path)

    height, width = form.image_size
    unreadable = (manifest["status"] != "ok").sum()
    print(
        f"prepare: wrote {array}: {len(manifest)} pictures of {height}x{width}, "
        f"{unreadable} of them unreadable"
    )
    truncated = manifest.loc[manifest["mode"].str.endswith(TRUNCATED), "path"].tolist()
    if truncated:
        print(
            f"prepare: {len(truncated)} of them are truncated and used as far as they go "
            f"(dataset.truncated: accept; the mode in {manifest_path} says which): "
            + ", ".join([repr(path) for path in truncated[:5]] + ["..."] * (len(truncated) > 5))
        )
