"""The dashboard's address book: which request gets what, and what is refused.

    GET  /, /page/…, /leaflet/…         the page
    GET  /api/settings                  {tiles, name}: the map's tiles, and who has signed in
    GET  /api/fleet                     the snapshot all pages show (fleet.py)
    GET  /api/vehicles/{id}             one vehicle in full (vehicle.py)
    GET  /api/vehicles/{id}/places      its fences, route and stops
    POST /api/alerts/{id}               {do: acknowledge | snooze | close, by, …} (desk.py)

Whatever is refused says why: {"error": "…"}. A browser runs and fetches nothing that this server has not sent, but for
the map's tiles.
"""

import re
from typing import Any
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from functions.core.handling import Settled
from functions.core.reading import VehicleId
from functions.errors import FleetlineError, Overloaded
from functions.roles.dashboard.desk import Act, Desk
from functions.roles.dashboard.files import all_files
from functions.roles.dashboard.fleet import Fleet
from functions.roles.dashboard.vehicle import Vehicles
from functions.roles.dashboard.visitor import is_from_here, signed_in

MOST_BODY_BYTES = 10_000
_VEHICLE = re.compile(r"/api/vehicles/([^/]+)(/places)?")
_ALERT = re.compile(r"/api/alerts/([0-9A-Za-z_-]{1,64})")
_act = msgspec.json.Decoder(Act)


class _Refusal(Exception):
    """An answer that is no success: HTTP status and words."""

    def __init__(self, status: int, why: str) -> None:
        self.status = status
        super().__init__(why)


class Tiles(msgspec.Struct, frozen=True):
    """Where the map's tiles come from, as Leaflet has it ({z}, {x}, {y}), and whom to thank for them, in plain text."""

    url: str
    attribution: str


class Dashboard:
    """Answers requests."""

    def __init__(self, fleet: Fleet, vehicles: Vehicles, desk: Desk, tiles: Tiles | None) -> None:
        self._fleet = fleet
        self._vehicles = vehicles
        self._desk = desk
        self._tiles = tiles
        self._headers = {
            "content-security-policy": _policy(tiles),
            "x-content-type-options": "nosniff",
            "cross-origin-opener-policy": "same-origin",
            # OpenStreetMap's servers refuse whoever does not say where the request comes from
            "referrer-policy": "strict-origin-when-cross-origin",
        }

    async def answer(self, request: Request) -> Response:
        """The answer to one request; never raises for what a visitor did."""
        try:
            response = await self._answer(request)
        except _Refusal as refusal:
            response = _json({"error": str(refusal)}, refusal.status)
        except Overloaded as error:
            response = _json({"error": str(error)}, 429)
        except FleetlineError:
            response = _json({"error": "Firestore did not answer; try again"}, 503)
        response.headers.update(self._headers)
        return response

    async def _answer(self, request: Request) -> Response:
        path, method = request.scope["path"], request.method
        if method == "POST":
            if alert := _ALERT.fullmatch(path):
                return await self._handle(request, alert[1])
            raise _Refusal(404, f"nothing can be sent to {path}")
        if method not in ("GET", "HEAD"):
            raise _Refusal(405, f"{method} means nothing here")
        if path in all_files():
            return _file(request, path)
        if path == "/api/settings":
            return _json({"tiles": self._tiles, "name": signed_in(request.headers)})
        if path == "/api/fleet":
            return _packed(await self._fleet.packed())
        if vehicle := _VEHICLE.fullmatch(path):
            return await self._look(vehicle[1], bool(vehicle[2]))
        raise _Refusal(404, f"there is no {path}")

    async def _look(self, vehicle_id: str, places: bool) -> Response:
        try:
            msgspec.convert(vehicle_id, VehicleId)
        except msgspec.ValidationError:
            raise _Refusal(404, "no vehicle has such an id") from None
        if places:
            return _json(await self._vehicles.places(vehicle_id))
        told = await self._vehicles.seen(vehicle_id)
        if told is None:
            raise _Refusal(404, f"no worker knows a vehicle {vehicle_id}")
        return _json(told)

    async def _handle(self, request: Request, alert_id: str) -> Response:
        if not is_from_here(request.headers):
            raise _Refusal(403, "only the dashboard's own page may send this")
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise _Refusal(415, "send application/json")
        if int(request.headers.get("content-length") or MOST_BODY_BYTES + 1) > MOST_BODY_BYTES:
            raise _Refusal(413, f"send at most {MOST_BODY_BYTES} bytes, and say how many")
        try:
            act = _act.decode(await request.body())
            alert = await self._desk.act(alert_id, act, signed_in(request.headers) or act.by)
        except msgspec.MsgspecError as error:
            raise _Refusal(400, str(error)) from None
        except Settled as settled:
            raise _Refusal(409, str(settled)) from None
        if alert is None:
            raise _Refusal(404, f"there is no alert {alert_id}")
        self._fleet.handled(alert_id, alert.handling)
        self._vehicles.forget(alert.vehicle_id)
        return _json({"alert_id": alert_id, "handling": alert.handling})


def _policy(tiles: Tiles | None) -> str:
    """Content-Security-Policy: nothing inline, nothing from elsewhere but pictures of the map."""
    images = ["'self'", "data:"]
    if tiles:
        scheme, host = urlsplit(tiles.url)[:2]
        images.append(f"{scheme}://{host.replace('{s}', '*')}")
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
        f"form-action 'none'; frame-ancestors 'none'; img-src {' '.join(images)}"
    )


def _file(request: Request, path: str) -> Response:
    """A file; browsers ask each time whether theirs is still the one."""
    file = all_files()[path]
    headers = {"etag": file.tag, "cache-control": "no-cache"}
    if request.headers.get("if-none-match") == file.tag:
        return Response(status_code=304, headers=headers)
    return Response(file.packed, headers={**headers, "content-encoding": "gzip"}, media_type=file.kind)


def _packed(body: bytes) -> Response:
    headers = {"content-encoding": "gzip", "cache-control": "no-store"}
    return Response(body, headers=headers, media_type="application/json")


def _json(content: Any, status: int = 200) -> Response:
    body = msgspec.json.encode(content)
    return Response(body, status, {"cache-control": "no-store"}, media_type="application/json")
