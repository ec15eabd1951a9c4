"""Get the archives of the data set and check them.

reads: params dataset.source, dataset.layout
writes: data/<ds>/raw/, data/<ds>/source.json
use: python src download
"""

from menagerie import paths
from menagerie.download import datasets
from menagerie.files import whole, whole_folder, write_json
from menagerie.params import load_params


def main() -> None:
    dataset = load_params(paths.PARAMS).dataset
    with whole_folder(paths.raw(dataset.name)) as folder:
        files = datasets.fetch(dataset.source, folder)
        pictures, content = datasets.check_content(dataset, [folder / entry["file"] for entry in files])
    with whole(paths.source(dataset.name)) as path:
        write_json(path, {"content_sha256": content, "pictures": len(pictures), "files": files})
    print(
        f"download: wrote {paths.raw(dataset.name)}: {len(pictures)} pictures, content SHA-256 {content[:12]}"
    )
