"""Get the archives of the data set, check them and tell what their pictures mean.

reads: params dataset.source, dataset.layout
writes: data/<ds>/raw/, data/<ds>/source.json
use: python src download
"""

from menagerie import paths
from menagerie.archives import telling
from menagerie.download import datasets
from menagerie.files import whole, whole_folder, write_json
from menagerie.params import load_params


def main() -> None:
    dataset = load_params(paths.PARAMS).dataset
    datasets.check_layout(dataset)
    with whole_folder(paths.raw(dataset.name)) as folder:
        files = datasets.fetch(dataset.source, folder)
        left_out = files[0].pop("left_out", None)
        found, content = datasets.check_content(
            dataset, [folder / entry["file"] for entry in files], left_out
        )
    count = len(found.pictures)
    with whole(paths.source(dataset.name)) as path:
        facts = {"content_sha256": content, "pictures": count, "files": files}
        write_json(path, facts | telling.record(found))
    for line in [*datasets.notices(dataset.source), *telling.lines(found)]:
        print(f"download: {line}")
    print(f"download: wrote {paths.raw(dataset.name)}: {count} pictures, content SHA-256 {content[:12]}")
