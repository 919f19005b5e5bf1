"""The chain of exports, verified from the files alone: nothing changed, nothing missing, nothing twice."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from functions.core.manifest import FIRST_PREVIOUS, FOLDER, File, Manifest, export_number, hashed, manifest_path, newest
from functions.core.plural import plural
from functions.core.ports import Files


class Verdict(NamedTuple):
    """What verification found; `duplicated` are product ids a class has more than once; all is well without faults."""

    exports: int
    files: list[str]
    rows: dict[str, int]
    duplicated: int
    faults: list[str]


def verified(files: Files, anchors: Mapping[int, str] | None = None) -> Verdict:
    """Check every manifest and every file; `anchors` are manifest hashes by export that somebody else kept (Firestore).

    Memory is bounded by one file and 8 bytes a product of one class. Files of an export without a manifest yet are
    not finished and not looked at.
    """
    names = [path for path in files.list(FOLDER) if export_number(path)]
    bodies = {export_number(path) or 0: files.read(path) for path in names}
    manifests, faults = linked(bodies, anchors or {})
    latest = {file.path: file for manifest in manifests for file in manifest.files}  # an erasure lists a file again
    listed: dict[str, list[File]] = defaultdict(list)
    for file in latest.values():
        listed[file.path.partition("/")[0].removeprefix("pclass=")].append(file)
    known = set(latest)
    finished = {
        path for path in files.list() if path.startswith("pclass=") and (export_number(path) or 0) <= newest(names)
    }
    faults += [f"{path}: stands in no manifest" for path in sorted(finished - known)]
    faults += [f"{path}: is missing" for path in sorted(known - finished)]
    rows, duplicated = {}, 0
    for pclass, found in listed.items():
        present = [file for file in found if file.path in finished]
        rows[pclass], twice = _read(files, present, faults)
        duplicated += twice
        faults += [f"{pclass}: {twice} product ids more than once"] if twice else []
    return Verdict(len(manifests), sorted(known & finished), rows, duplicated, faults)


def linked(bodies: Mapping[int, bytes], anchors: Mapping[int, str]) -> tuple[list[Manifest], list[str]]:
    """The manifests in their order, and what is wrong with their chain: each holds the hash of the one before."""
    manifests: list[Manifest] = []
    faults: list[str] = []
    previous = FIRST_PREVIOUS
    for number in range(1, max([*bodies, *anchors], default=0) + 1):
        body = bodies.get(number, b"")
        try:
            manifest = msgspec.json.decode(body, type=Manifest)
        except msgspec.DecodeError as error:
            faults.append(f"{manifest_path(number)}: {error if body else 'is missing'}")
            continue
        finally:
            expected, previous = previous, hashed(body)
        if manifest.export != number or manifest.previous != expected:
            faults.append(f"{manifest_path(number)}: does not follow the one before")
        if anchors.get(number, previous) != previous:
            faults.append(f"{manifest_path(number)}: is not the one that was written")
        manifests.append(manifest)
    return manifests, faults


def _read(files: Files, listed: Sequence[File], faults: list[str]) -> tuple[int, int]:
    """Rows of these files, and how many of their product ids occur more than once."""
    hashes = [np.empty(0, "uint64")]
    for file in listed:
        body = files.read(file.path)
        if hashed(body) != file.sha256:
            faults.append(f"{file.path}: has been changed")
        try:
            ids = pq.read_table(BytesIO(body), columns=["product_id"])["product_id"]
        except (pa.ArrowException, OSError, KeyError) as error:
            faults.append(f"{file.path}: cannot be read ({error})")
            continue
        if len(ids) != file.rows:
            faults.append(f"{file.path}: has {plural(len(ids), 'row')}, its manifest says {file.rows:,}")
        hashes.append(_hashes(ids))
    _, times = np.unique(np.concatenate(hashes), return_counts=True)
    return int(times.sum()), int((times > 1).sum())


def _hashes(ids: Any) -> Any:
    """64 bits of each id: at ten million products two of them meet by chance with probability 3e-6."""
    return pd.util.hash_array(ids.to_numpy(zero_copy_only=False).astype(object), categorize=False)
