"""The director of one line: takes messages, gives each reading to its vehicle's worker, and answers when it is durable.

Group commit: whatever waits when a write can start shares one BatchWrite, with a precondition per document. Nothing is
answered before it is committed and its products are published; a repeat is answered with the same products again.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, Generic, NamedTuple

from functions.core.employment import Employed, employ
from functions.core.flush import Held, Job, Origin, Ticket
from functions.core.horizon import Arrival, Fate, Outcome
from functions.core.line import Emission, Line, R, Row, S
from functions.core.payload import elements, packed
from functions.core.place import FACE, news, position_of
from functions.core.ports import Bus, Message, Profiles, Store, Version, Write, WriteResult
from functions.core.product import PAYLOAD_BYTES, TRANSPORTATION, as_messages, quarantined_row
from functions.core.reading import unknown_fields
from functions.core.worker import WorkerCodec, worker_path
from functions.errors import Conflict, FleetlineError, Malformed, Overloaded, Refused, Unavailable, UnreadableMemory
from functions.tally import Tally

_log = logging.getLogger(__name__)


class Limits(NamedTuple):
    """What one instance may hold at once."""

    flushes: int = 4
    documents: int = 200
    """Documents a flush writes at most (Firestore takes 500; 200 full memories stay under 4 MiB)."""
    bytes_in_flight: int = 48 * 1024 * 1024
    readings_in_flight: int = 50_000
    workers_held: int = 5_000
    contention: float = 0.2
    """Above this share of conflicts other instances meet the same vehicles: read before writing."""


Refusals = list[tuple[Row, Ticket]]


class Director(Generic[S, R]):
    """One line's director; every request of the instance shares it. Use it inside one running event loop."""

    def __init__(
        self,
        line: Line[S, R],
        store: Store,
        bus: Bus,
        profiles: Profiles,
        tally: Tally,
        limits: Limits | None = None,
    ) -> None:
        self._line = line
        self._store = store
        self._profiles = profiles
        self._bus = bus
        self._tally = tally
        self._limits = limits or Limits()
        self._codec = WorkerCodec(line)
        self._belts: dict[str, list[Arrival[R]]] = {}
        self._refusals: Refusals = []
        self._held: dict[str, Held[S, R]] = {}
        self._busy: set[str] = set()
        self._flushes: set[asyncio.Task[None]] = set()
        self._waking = False
        self._bytes = 0
        self._readings = 0
        self._contention = 0.0

    async def take(self, message: Message) -> None:
        """Take one message; returns when every reading of it is committed and every product published.

        What cannot be read goes to quarantine and does not fail the message. Raises Overloaded when this instance
        holds too much already, and Unavailable when the message must be delivered again.
        """
        readings, refused = self._read(message)
        if not readings and not refused:
            return
        with self._room_for(len(message.data), len(readings)):
            ticket = Ticket(message)
            ticket.outstanding = len(readings) + len(refused)
            self._refusals.extend((row, ticket) for row in refused)
            for vehicle_id, reading, position, element in readings:
                arrival = Arrival(reading, message.published_at, Origin(ticket, position, element))
                self._belts.setdefault(vehicle_id, []).append(arrival)
            self._wake()
            await ticket.done

    def _read(self, message: Message) -> tuple[list[tuple[str, R, int | None, Any]], list[Row]]:
        """Decode and parse: (vehicle, reading, position, element) of each event, and a row for each that is none."""
        try:
            found = elements(message.data)
        except Malformed as error:
            return [], [self._quarantined(message, None, message.data, error, None)]
        readings, refused = [], []
        unknown = 0
        for position, element in found:
            try:
                vehicle_id, reading = self._line.parse(element)
            except Malformed as error:
                payload = message.data if position is None else packed(element, PAYLOAD_BYTES)
                refused.append(self._quarantined(message, position, payload, error, element))
            else:
                readings.append((vehicle_id, reading, position, element))
                unknown += unknown_fields(element, self._line.event_type)
        if unknown:
            self._tally.add(unknown_fields=unknown)
        return readings, refused

    @contextmanager
    def _room_for(self, size: int, readings: int) -> Iterator[None]:
        """Hold a message's share of what this instance may have in flight; one alone always fits."""
        limits = self._limits
        if self._bytes and self._bytes + size > limits.bytes_in_flight:
            raise Overloaded(f"{self._bytes} bytes are in flight")
        if self._readings and self._readings + readings > limits.readings_in_flight:
            raise Overloaded(f"{self._readings} readings are in flight")
        self._bytes += size
        self._readings += readings
        try:
            yield
        finally:
            self._bytes -= size
            self._readings -= readings

    def _wake(self) -> None:
        """Start flushes once everything that arrives in this turn of the loop is on its belt."""
        if not self._waking:
            self._waking = True
            asyncio.get_running_loop().call_soon(self._start_flushes)

    def _start_flushes(self) -> None:
        self._waking = False
        while len(self._flushes) < self._limits.flushes:
            jobs, refusals = self._gather()
            if not jobs and not refusals:
                return
            self._busy.update(job.vehicle_id for job in jobs)
            task = asyncio.ensure_future(self._flush(jobs, refusals))
            self._flushes.add(task)
            task.add_done_callback(self._flushed)

    def _flushed(self, task: "asyncio.Task[None]") -> None:
        self._flushes.discard(task)
        self._start_flushes()
        task.result()

    def _gather(self) -> tuple[list[Job[S, R]], Refusals]:
        """The belts of vehicles nobody is writing now, as many as one flush may take, and all that was refused."""
        free = (vehicle_id for vehicle_id in self._belts if vehicle_id not in self._busy)
        chosen = list(islice(free, self._limits.documents))
        jobs = [Job[S, R](vehicle_id, self._belts.pop(vehicle_id)) for vehicle_id in chosen]
        refusals, self._refusals = self._refusals, []
        return jobs, refusals

    async def _flush(self, jobs: list[Job[S, R]], refusals: Refusals) -> None:
        """Load → step → commit → publish → answer, for vehicles that no other flush has."""
        published = False
        try:
            await self._load(jobs)
            await self._publish_unpublished(jobs)
            self._step(jobs)
            await self._place(jobs)
            await self._commit([job for job in jobs if job.open and job.employed and job.employed.changed])
            await self._publish([(TRANSPORTATION, row) for row, _ in refusals] + self._emissions(jobs))
            published = True
        except FleetlineError as error:
            _log.warning("a flush failed: %s", error, extra={"line": self._line.name})
        finally:
            self._answer(jobs, refusals, published)
            self._busy.difference_update(job.vehicle_id for job in jobs)

    async def _load(self, jobs: list[Job[S, R]]) -> None:
        """The profiles and the workers of these vehicles: as held in memory, else as Firestore has them."""
        known = await self._profiles.of([job.vehicle_id for job in jobs])
        for job in jobs:
            job.known = known[job.vehicle_id]
        if self._contention <= self._limits.contention:
            for job in jobs:
                job.held = self._held.get(job.vehicle_id)
        missing = {worker_path(job.vehicle_id, self._line.name): job for job in jobs if job.held is None}
        if not missing:
            return
        documents = await self._store.get(list(missing), only=["memory"])
        for path, job in missing.items():
            stored = documents.get(path)
            try:
                worker = self._codec.unpack(stored.fields["memory"]) if stored else None
            except UnreadableMemory as error:
                job.error = error
                _log.error("%s", error, extra={"line": self._line.name, "vehicle_id": job.vehicle_id})
            else:
                job.held = Held(worker, stored.version if stored else False)

    async def _publish_unpublished(self, jobs: list[Job[S, R]]) -> None:
        """Publish what an earlier commit decided and nobody confirmed, before anything new is decided."""
        owed = [job for job in jobs if job.held and job.owed]
        await self._publish([emission for job in owed for emission in job.owed])
        for job in owed:
            job.held = job.held.confirmed() if job.held else None

    def _step(self, jobs: list[Job[S, R]]) -> None:
        for job in jobs:
            if not job.held:
                continue
            try:
                job.employed = employ(self._line, job.vehicle_id, job.held.worker, job.belt, job.known.profile)
            except Exception as error:  # noqa: BLE001 a line's step is the user's own code: its fault must stay with its vehicle
                job.error = error
                _log.exception("step failed", extra={"line": self._line.name, "vehicle_id": job.vehicle_id})

    async def _place(self, jobs: Iterable[Job[S, R]]) -> None:
        """Tell where episodes began, peaked and ended: the GPS workers' faces are read for that news only."""
        kinds = self._line.placed
        told = [job for job in jobs if kinds and job.open and job.employed and job.employed.changed]
        moved = [job for job in told if news(job.before, job.worker, kinds)]
        paths = {job.vehicle_id: worker_path(job.vehicle_id, "gps") for job in moved}
        faces = await self._store.get(list(paths.values()), only=FACE) if paths else {}
        for job in told:
            face = faces.get(paths.get(job.vehicle_id, ""))
            job.place(kinds, position_of(face.fields) if face else None)

    async def _commit(self, jobs: Sequence[Job[S, R]]) -> None:
        """One BatchWrite for all. If it is refused as a whole, it is halved until the guilty document stands alone."""
        if not jobs:
            return
        try:
            results = await self._store.write([self._write(job) for job in jobs] + list(_registrations(jobs)))
        except Refused as error:
            if len(jobs) == 1:
                self._settle_commit(jobs[0], error)
                return
            middle = len(jobs) // 2
            await self._commit(jobs[:middle])
            await self._commit(jobs[middle:])
        except Unavailable as error:
            for job in jobs:
                self._settle_commit(job, error)
        else:
            for job, result in zip(jobs, results, strict=False):
                self._settle_commit(job, result)
            conflicts = sum(job.again for job in jobs)
            self._contention += (conflicts / len(jobs) - self._contention) / 10
            self._tally.add(flushes=1, conflicts=conflicts)

    def _write(self, job: Job[S, R]) -> Write:
        return self._codec.write(job.vehicle_id, job.worker, job.held.version if job.held else False)

    def _settle_commit(self, job: Job[S, R], result: WriteResult) -> None:
        """Keep what was written; forget what may not be as we think."""
        self._held.pop(job.vehicle_id, None)
        match result:
            case Version():
                self._held[job.vehicle_id] = Held(job.worker, result)
                if len(self._held) > self._limits.workers_held:
                    del self._held[next(iter(self._held))]
            case Conflict():
                job.again = True
            case Refused():
                job.refused = result
            case _:
                job.error = result

    def _emissions(self, jobs: Iterable[Job[S, R]]) -> list[Emission]:
        """What the committed part of a flush has to publish: a row per reading, then what was decided besides."""
        emissions: list[Emission] = []
        for job in jobs:
            if not job.open or job.employed is None:
                continue
            outcomes = job.employed.outcomes
            rows = [self._refused_row(one, job.refused) if job.refused else one.row for one in outcomes]
            emissions.extend((TRANSPORTATION, row) for row in rows)
            if job.employed.changed and not job.refused:
                emissions.extend(job.worker.unpublished)
        return emissions

    def _refused_row(self, outcome: Outcome[R], refused: Refused) -> Row:
        """Firestore will never take this worker's document: its new readings go to quarantine, not round for a day."""
        if outcome.fate is not Fate.FOLDED:
            return outcome.row
        origin: Origin = outcome.arrival.origin
        payload = packed(origin.element, PAYLOAD_BYTES)
        return self._quarantined(origin.ticket.message, origin.position, payload, refused, origin.element)

    def _answer(self, jobs: list[Job[S, R]], refusals: Refusals, published: bool) -> None:
        """Settle what is durable, fail what is not, and put what must wait or be tried again back on its belt."""
        for job in jobs:
            if job.again:
                self._belts.setdefault(job.vehicle_id, []).extend(job.belt)
            elif job.error or not published or job.employed is None:
                failure = Unavailable(f"{self._line.name} of {job.vehicle_id}: {job.error or 'not published'}")
                for arrival in job.belt:
                    arrival.origin.ticket.fail(failure)
            else:
                self._answer_job(job, job.employed)
        for _, ticket in refusals:
            if published:
                ticket.settle()
            else:
                ticket.fail(Unavailable("the quarantine could not be published"))

    def _answer_job(self, job: Job[S, R], employed: Employed[S, R]) -> None:
        held = self._held.get(job.vehicle_id)
        if held and held.worker and held.worker.unpublished:
            self._held[job.vehicle_id] = held.confirmed()
        if employed.left:
            self._belts.setdefault(job.vehicle_id, []).extend(employed.left)
        for outcome in employed.outcomes:
            outcome.arrival.origin.ticket.settle()
        self._tally.add(**Counter(outcome.fate.value for outcome in employed.outcomes))

    async def _publish(self, emissions: Sequence[Emission]) -> None:
        """Returns when Pub/Sub has confirmed all of them."""
        for topic, messages in as_messages(emissions).items():
            await self._bus.publish(topic, messages)

    def _quarantined(
        self, message: Message, position: int | None, payload: bytes, error: FleetlineError, element: Any
    ) -> Row:
        """The product for an event that cannot be read or kept; says so in the log."""
        self._tally.add(quarantined=1)
        vehicle_id = element.get("vehicle_id") if isinstance(element, dict) else None
        vehicle_id = vehicle_id[:64].encode("utf-8", "replace").decode() if isinstance(vehicle_id, str) else None
        where = {"line": self._line.name, "message_id": message.message_id, "vehicle_id": vehicle_id}
        if message.trace:
            where["trace"] = message.trace
        _log.warning("quarantined: %s", error, extra=where)
        return quarantined_row(
            self._line.name, message.message_id, position, payload, str(error), vehicle_id, message.published_at
        )


def _registrations(jobs: Iterable[Job[S, R]]) -> Iterator[Write]:
    """A profile to fill in for every vehicle nobody knew; it does not matter who creates it."""
    for job in jobs:
        if not job.known.exists and job.held and job.held.worker is None:
            registered_at = job.worker.contract.hired_at
            yield Write(f"vehicles/{job.vehicle_id}", {"registered_at": registered_at}, expects=False)
