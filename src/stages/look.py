"""Look whether a person's own pictures changed.

reads: params dataset.name, dataset.source
writes: data/<ds>/look.json
use: python src look
"""

from menagerie import paths
from menagerie.archives.scanning import fingerprint
from menagerie.files import whole, write_json
from menagerie.params import load_params


def main() -> None:
    dataset = load_params(paths.PARAMS).dataset
    facts = fingerprint(dataset.source.path)
    with whole(paths.look(dataset.name)) as path:
        write_json(path, facts)
    print(f"look: {dataset.source.path}: {facts['files']} files, {facts['bytes']} bytes")
