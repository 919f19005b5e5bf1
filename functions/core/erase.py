"""Erasing a vehicle from files already exported: its rows go, the files keep their names, a manifest says so.

The manifest lists each changed file again with its new hash: of a file that stands in several manifests, the last
holds. What was exported of other vehicles stays as it is.
"""

from io import BytesIO

import msgspec
import pyarrow.compute as pc
import pyarrow.parquet as pq

from functions.core.columns import as_parquet
from functions.core.manifest import FOLDER, File, Manifest, export_number, hashed
from functions.core.ports import Files


def erase(files: Files, export: int, vehicle_id: str) -> list[File]:
    """Rewrite the files of earlier exports without this vehicle; those that changed, as they are now.

    A run that died half way is made up for: what it rewrote is known by its hash, which no manifest has yet.
    """
    changed: list[File] = []
    for path, listed in sorted(_listed(files, export).items()):
        body = files.read(path)
        table = pq.read_table(BytesIO(body))
        rest = table.filter(pc.invert(pc.fill_null(pc.equal(table["vehicle_id"], vehicle_id), False)))
        if len(rest) < len(table):
            body = as_parquet(rest)
            files.put(path, body)
        if hashed(body) != listed.sha256:
            changed.append(msgspec.structs.replace(listed, sha256=hashed(body), rows=len(rest)))
    return changed


def _listed(files: Files, before: int) -> dict[str, File]:
    """Every file of exports before this one, as the last manifest that names it says."""
    found: dict[str, File] = {}
    for path in files.list(FOLDER):
        if 0 < (export_number(path) or 0) < before:
            manifest = msgspec.json.decode(files.read(path), type=Manifest)
            found.update((file.path, file) for file in manifest.files)
    return found
