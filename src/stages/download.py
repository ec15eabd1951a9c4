"""Get the archives of the data set and check them.

reads: params dataset.source, dataset.layout
writes: data/<ds>/raw/, data/<ds>/source.json
use: python src download
"""

from menagerie import paths, sources
from menagerie.errors import DownloadError
from menagerie.files import whole, whole_folder, write_json
from menagerie.images.layout import content_sha256, find_pictures
from menagerie.params import load_params


def main() -> None:
    dataset = load_params(paths.PARAMS).dataset
    expected = getattr(dataset.source, "content_sha256", None)
    with whole_folder(paths.raw(dataset.name)) as folder:
        files = sources.fetch(dataset.source, folder)
        archives = [folder / entry["file"] for entry in files]
        pictures = find_pictures(archives, dataset.layout.folders, dataset.layout.class_names)
        content = content_sha256(pictures)
        if expected not in (None, content):
            raise DownloadError(
                f"{', '.join(entry['file'] for entry in files)}: the pictures are not the ones expected: "
                f"content SHA-256 {content}, dataset.source.content_sha256 {expected}; "
                "get the archive again, or correct conf/dataset if the data set is meant to have changed"
            )
    with whole(paths.source(dataset.name)) as path:
        facts = {key: getattr(dataset, key) for key in ("title", "homepage", "licence", "citation")}
        write_json(path, facts | {"content_sha256": content, "pictures": len(pictures), "files": files})
    print(
        f"download: wrote {paths.raw(dataset.name)}: {len(pictures)} pictures, content SHA-256 {content[:12]}"
    )
