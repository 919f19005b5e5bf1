"""The driver takes what is in the warehouse to the export folder, in exports that are chained and always finished.

Scheduled; runs may overlap. Creating `exports/{n}` with its list of crates is the lock: whoever meets an unfinished
export finishes that one, with the same crates, the same file names and the same rows.
"""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec

from functions.core.columns import Columns
from functions.core.erase import erase
from functions.core.manifest import FIRST_PREVIOUS, FOLDER, Manifest, hashed, manifest_path, newest
from functions.core.ports import Clock, Document, Files, Store, Write
from functions.core.unload import Unloaded, unload
from functions.errors import Conflict, FleetlineError

BUDGET = timedelta(minutes=20)
"""No export is begun after this; Scheduler waits 30 minutes for a run."""
_PAGE, _FETCH, _DELETE = 100, 16, 200
"""Crates a call: to list, to read (each up to 0.7 MB, within the deadline) and to delete (Firestore takes 500)."""

_FIRST = {"previous": FIRST_PREVIOUS, "columns": "{}"}

_log = logging.getLogger(__name__)


class Limits(NamedTuple):
    """Of one export, so that it fits in memory however large the warehouse is; bytes as frames take them."""

    crates: int = 2_000
    rows: int = 250_000
    bytes: int = 128 * 1024 * 1024


class Driver:
    """Exports until the warehouse is empty or the time is up."""

    def __init__(self, store: Store, files: Files, now: Clock, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._store = store
        self._files = files
        self._now = now

    async def run(self) -> dict[str, Any]:
        """What this run exported: numbers of exports, rows by class, files, repeats left out, seconds."""
        started = self._now()
        made: list[Manifest] = []
        while self._now() - started < BUDGET and (export := await self._next()):
            if manifest := await self._finish(export):
                made.append(manifest)
        return _summary(made, (self._now() - started).total_seconds())

    async def forget(self, vehicle_id: str) -> dict[str, Any]:
        """Erase a vehicle: its documents, then its rows in every file. What waits in the warehouse is exported first.

        Returns what was erased: documents, and files rewritten. The rows go in an export of their own, so the chain
        stays whole; a run that dies half way is finished by the next.
        """
        await self.run()
        documents = await self._erase_documents(vehicle_id)
        while export := await self._next(vehicle_id):
            manifest = await self._finish(export)
            if manifest and export.fields.get("erase") == vehicle_id:
                return {"vehicle_id": vehicle_id, "documents": documents, "files": len(manifest.files)}
        raise FleetlineError(f"{vehicle_id} could not be erased: no export could be opened")

    async def _erase_documents(self, vehicle_id: str) -> int:
        own = [("vehicle_id", "==", vehicle_id)]
        found = await self._store.query(f"vehicles/{vehicle_id}/workers", only=["line"])
        for collection in ("alerts", "commands"):
            found += await self._store.query(collection, own, only=["vehicle_id"])
        paths = [f"vehicles/{vehicle_id}", *(document.path for document in found)]
        for chunk in _chunks(paths, _DELETE):
            await self._store.write([Write(path, None) for path in chunk])
        return len(found)

    async def _next(self, vehicle_id: str | None = None) -> Document | None:
        """The unfinished export, or a new one; None when there is nothing to take or to erase."""
        while True:
            newest_first = await self._store.query("exports", order_by=["-n"], limit=1)
            last = newest_first[0] if newest_first else None
            if last and last.fields["state"] == "open":
                return last
            if last and last.fields["state"] == "done":
                await self._sweep(last)  # before crates are listed: those of a finished export must not come again
            if last is None and await self._adopted():
                continue
            crates = await self._choose()
            if not crates and vehicle_id is None:
                return None
            if export := await self._opened(last, crates, vehicle_id):
                return export

    async def _opened(
        self, last: Document | None, crates: dict[str, list[str]], vehicle_id: str | None
    ) -> Document | None:
        """A new export behind the last; None when another driver was first."""
        number = last.fields["n"] + 1 if last else 1
        link = {"previous": last.fields["manifest_sha256"], "columns": last.fields["columns"]} if last else _FIRST
        fields = {"n": number, "state": "open", "crates": crates, "erase": vehicle_id, **link}
        write = Write(f"exports/{number:08}", {**fields, "opened_at": self._now()}, expects=False)
        with suppress(Conflict):
            return Document(write.path, fields, await self._store.write_one(write))
        return None

    async def _adopted(self) -> bool:
        """An empty database beside a folder with exports takes up their chain, and overwrites none of them.

        The newest manifest gets its document back; where another driver has made exports meanwhile it is there.
        """
        number = newest(await asyncio.to_thread(self._files.list, FOLDER))
        if number == 0:
            return False
        body = await asyncio.to_thread(self._files.read, manifest_path(number))
        columns = msgspec.json.encode(msgspec.json.decode(body, type=Manifest).columns).decode()
        fields = {"n": number, "state": "swept", "crates": {}, "manifest_sha256": hashed(body), "columns": columns}
        with suppress(Conflict):
            await self._store.write_one(Write(f"exports/{number:08}", fields, expects=False))
        return True

    async def _choose(self) -> dict[str, list[str]]:
        """Ids of the crates of the next export, by class."""
        most = self._limits
        chosen: dict[str, list[str]] = defaultdict(list)
        crates, rows, size = 0, 0, 0
        after: tuple[str, ...] = ()
        while True:
            page = await self._store.query(
                "crates", order_by=["id"], limit=_PAGE, only=["id", "pclass", "rows", "size"], after=after
            )
            for crate in page:
                crates, rows, size = crates + 1, rows + crate.fields["rows"], size + crate.fields["size"]
                if crates > 1 and (crates > most.crates or rows > most.rows or size > most.bytes):
                    return chosen
                chosen[crate.fields["pclass"]].append(crate.fields["id"])
            if len(page) < _PAGE:
                return chosen
            after = (page[-1].fields["id"],)

    async def _finish(self, export: Document) -> Manifest | None:
        """Files, manifest, export done, crates deleted, in this order; None when another driver was first."""
        number, columns = export.fields["n"], msgspec.json.decode(export.fields["columns"], type=dict[str, Columns])
        loads: dict[str, Unloaded] = {}
        for pclass, ids in sorted(export.fields["crates"].items()):
            crates = await self._fetch(ids)
            if len(crates) < len(ids):
                await self._must_be_finished(export)
                return None
            known = columns.get(pclass, {})
            loads[pclass] = await asyncio.to_thread(unload, self._files, number, pclass, crates, known)
        manifest = _manifest(number, export.fields["previous"], columns, loads)
        if export.fields.get("erase"):
            erased = await asyncio.to_thread(erase, self._files, number, export.fields["erase"])
            manifest = msgspec.structs.replace(manifest, files=[*manifest.files, *erased])
        body = manifest.encoded()
        await asyncio.to_thread(self._files.put, manifest_path(number), body)
        try:
            await self._store.write_one(_done(export, manifest, hashed(body)))
        except Conflict:
            return None
        await self._sweep(export)
        return manifest

    async def _fetch(self, ids: Sequence[str]) -> list[bytes]:
        """The contents of crates, in this order; fewer when some are gone."""
        paths = [f"crates/{crate_id}" for crate_id in ids]
        found: dict[str, Document] = {}
        for chunk in _chunks(paths, _FETCH):
            found |= await self._store.get(chunk, only=["parquet"])
        return [found[path].fields["parquet"] for path in paths if path in found]

    async def _must_be_finished(self, export: Document) -> None:
        """Crates are gone: right when another driver has finished this export meanwhile, else a person must look."""
        now = (await self._store.get([export.path], only=["state"])).get(export.path)
        if now is None or now.fields["state"] == "open":
            raise FleetlineError(f"crates of the unfinished {export.path} are gone")

    async def _sweep(self, export: Document) -> None:
        """Delete the crates of a finished export; one written again meanwhile holds the same products."""
        paths = [f"crates/{crate_id}" for ids in export.fields["crates"].values() for crate_id in ids]
        for chunk in _chunks(paths, _DELETE):
            for result in await self._store.write([Write(path, None) for path in chunk]):
                if isinstance(result, FleetlineError) and not isinstance(result, Conflict):
                    raise result
        await self._store.write_one(Write(export.path, {"state": "swept"}, expects=True, only=["state"]))


def _manifest(number: int, previous: str, columns: dict[str, Columns], loads: dict[str, Unloaded]) -> Manifest:
    return Manifest(
        export=number,
        previous=previous,
        rows={pclass: load.rows for pclass, load in loads.items()},
        repeats=sum(load.repeats for load in loads.values()),
        files=[file for load in loads.values() for file in load.files],
        columns={**columns, **{pclass: load.columns for pclass, load in loads.items()}},
    )


def _done(export: Document, manifest: Manifest, manifest_sha256: str) -> Write:
    """Marks an export as done, unless somebody else has: the list of files stands in the manifest, because
    a backlog of a thousand days makes more of them than a document holds."""
    fields = {
        "state": "done",
        "manifest_sha256": manifest_sha256,
        "columns": msgspec.json.encode(manifest.columns).decode(),
        "rows": manifest.rows,
        "repeats": manifest.repeats,
        "files": len(manifest.files),
        "first_event_at": min((file.first_event_at for file in manifest.files), default=None),
        "last_event_at": max((file.last_event_at for file in manifest.files), default=None),
    }
    return Write(export.path, fields, expects=export.version, only=list(fields))


def _summary(made: Sequence[Manifest], seconds: float) -> dict[str, Any]:
    rows: Counter[str] = Counter()
    for manifest in made:
        rows.update(manifest.rows)
    summary = {
        "exports": [manifest.export for manifest in made],
        "rows": dict(rows),
        "files": sum(len(manifest.files) for manifest in made),
        "repeats": sum(manifest.repeats for manifest in made),
        "seconds": seconds,
    }
    if made:
        _log.info("exported", extra=summary)
    return summary


def _chunks(paths: Sequence[str], most: int) -> Iterator[Sequence[str]]:
    return (paths[start : start + most] for start in range(0, len(paths), most))
