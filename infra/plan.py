"""The difference between what the table asks for and what there is."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from infra import existing, listing
from infra.desired import SERVICES
from infra.gcloud import MOST_AT_ONCE, Gcloud
from infra.resource import Commands, Found, Resource, naming
from infra.site import MARK, Site

Inventory = Mapping[str, Mapping[str, Found]]
"""Kind → name → what was found."""
Say = Callable[[str], None]


class Change(NamedTuple):
    """What has to be done about a resource; `differs` has (is, shall be).

    `action` is created, updated, unchanged or deleted; or impossible, where what differs cannot be changed; or foreign,
    where a thing of that name is there that deploy did not make.
    """

    resource: Resource
    action: str
    differs: Mapping[str, tuple[Any, Any]]
    commands: Commands


def inventory(gcloud: Gcloud, site: Site, say: Say) -> Inventory:
    """Everything that is there, listed once per kind; kinds whose API is not enabled yet have nothing."""
    enabled = {entry["config"]["name"] for entry in gcloud.listing(listing.services(site))}
    wanted = {
        name: command for name, (api, command) in listing.every(site).items() if f"{api}.googleapis.com" in enabled
    }
    say(f"listing what is there: {len(wanted)} kinds of things")
    first = _listed(gcloud, {name: command for name, command in wanted.items() if name not in listing.inner()})
    second = {name: wanted[name] for name in listing.possible(first) if name in wanted}
    nothing: dict[str, list[listing.Entry]] = {name: [] for name in listing.every(site)}
    found = nothing | first | _listed(gcloud, second)
    described = _listed(gcloud, listing.described(site, found))
    found["permits"] = [entry for entry in found["permits"] if entry.get("deleted")]
    found["permits"] += [entry for entries in described.values() for entry in entries]
    apis = {SERVICES: Found(dict.fromkeys(enabled, "enabled"))} if enabled else {}
    return {"services": apis} | {kind: read(found, site) for kind, read in existing.READERS.items()}


def _listed(gcloud: Gcloud, commands: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
        return dict(zip(commands, pool.map(gcloud.listing, commands.values()), strict=True))


def planned(waves: Iterable[Iterable[Resource]], there: Inventory, adopt: bool = False) -> list[list[Change]]:
    """The changes of each wave. What needs a thing that is made anew is made anew; with `adopt` nothing is foreign."""
    made: set[tuple[str, str]] = set()
    changes = []
    for wave in waves:
        found = [(one, None if one.needs & made else there[one.kind].get(one.name)) for one in wave]
        changes.append([_change(resource, thing, adopt) for resource, thing in found])
        made |= {(one.resource.kind, one.resource.name) for one in changes[-1] if one.action == "created"}
    return changes


def _change(resource: Resource, found: Found | None, adopt: bool) -> Change:
    if found is None:
        return Change(resource, "created", {}, resource.create)
    differs = {
        name: (found.fields.get(name), wanted)
        for name, wanted in resource.want.items()
        if (found.fields.get(name) or None) != (wanted or None)
    }
    if not differs:
        return Change(resource, "unchanged", {}, ())
    if MARK in differs and not adopt:
        return Change(resource, "foreign", differs, ())
    if not found.restore and any(name in differs for name in resource.fixed):
        return Change(resource, "impossible", differs, ())
    update = naming(resource.update or resource.create, found.called)
    return Change(resource, "created" if found.restore else "updated", differs, (*found.restore, *update))
