"""deploy, status and destroy: what a person asks for, in the words they get back."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from infra import plant
from infra.apply import Failure, apply
from infra.desired import waves
from infra.gcloud import RETRY_AFTER_S, Gcloud
from infra.leftover import leftovers
from infra.plan import Change, Inventory, inventory, planned
from infra.resource import Resource, naming
from infra.script import script
from infra.site import MARK, Site
from infra.site import site as site_of
from infra.source import source_hash, stage

FIRST = "dev"
"""The environment of a project nobody has deployed to."""
_TAIL_LINES = 12
_NEXT = """
an event   gcloud pubsub topics publish gps --project={site.project} --message='{{"vehicle_id": …}}'
alerts     reach nobody before the address book is there: gcloud secrets versions add {contacts}
           --project={site.project} --data-file=FILE, and then deploy again
to watch   https://console.cloud.google.com/monitoring/dashboards?project={site.project}"""


class Place(NamedTuple):
    """Where to deploy; without an environment, the one that was deployed there before."""

    project: str
    region: str
    environment: str | None


@contextmanager
def session(retry_after_s: Sequence[float] = RETRY_AFTER_S) -> Iterator[Gcloud]:
    """gcloud, with a temporary folder for the files its commands read."""
    with TemporaryDirectory(prefix="fleetline-") as folder:
        yield Gcloud(Path(folder), retry_after_s)


def deploy(at: Place, gcloud: Gcloud, *, adopt: bool = False, prune: bool = False) -> int:
    """Make the project what the table says; the exit status.

    With `adopt` things of the table's names that deploy did not make become its own; with `prune` what the table no
    longer asks for is deleted.
    """
    there, site = _looked_at(at, gcloud)
    desired = waves(site, source_hash(gcloud.source()))
    changes = planned(desired, there, adopt)
    if _cannot_be(chain.from_iterable(changes)):
        return 1
    unasked = leftovers(site, there, chain.from_iterable(desired))
    every = [change for wave in (*changes, *(unasked if prune else ())) for change in wave]
    for change in every:
        if change.action == "unchanged":
            say(f"unchanged {change.resource.kind} {change.resource.name}")
    failures = apply(gcloud, [*changes, *(unasked if prune else ())], say)
    if failures:
        return _tell_failures(failures, "deploy")
    _tell_counts(every)
    if any(change.resource.kind == "function" and change.action == "created" for change in every):
        say(_NEXT.format(site=site, contacts=plant.CONTACTS["CONTACTS"]))
    left = [change.resource for wave in unasked for change in wave]
    if left and not prune:
        say(f"{len(left)} left over, no row of the table asks for them; --prune deletes them:")
        for resource in left:
            say(f"  {resource.kind} {resource.name}")
    return 0


def _looked_at(at: Place, gcloud: Gcloud) -> tuple[Inventory, Site]:
    """What is there, and the site: of the environment that was asked for, else of the one it was deployed as."""
    first = site_of(at.project, at.region, at.environment or FIRST)
    there = inventory(gcloud, first, say)
    bucket = there["bucket"].get(first.bucket)
    before = bucket and bucket.fields["environment"]
    site = site_of(at.project, at.region, at.environment or before or FIRST)
    was = "" if before in (None, site.environment) else f" (it was {before})"
    say(f"environment {site.environment}{was}")
    return there, site


def _cannot_be(changes: Iterable[Change]) -> bool:
    """Say what cannot be made as the table asks, before anything is changed."""
    changes = list(changes)
    fixed = [change for change in changes if change.action == "impossible"]
    foreign = [change for change in changes if change.action == "foreign"]
    for change in fixed:
        say(f"{change.resource.kind} {change.resource.name} is there and cannot be changed: {_differences(change)}")
    for change in foreign:
        say(f"{change.resource.kind} {change.resource.name} is there, and deploy did not make it")
    if fixed:
        say("Nothing was changed. Take the region where it is (--region), or another project.")
    if foreign:
        say("Nothing was changed. Take a project of its own, or let deploy have what is there (deploy --adopt).")
    return bool(fixed or foreign)


def print_script(site: Site) -> int:
    """What deploy would run on an empty project, as a bash script on standard output."""
    with TemporaryDirectory(prefix="fleetline-") as folder:
        hashed = source_hash(stage(Path(folder) / "source"))
    sys.stdout.write(script(site, waves(site, hashed), hashed))
    return 0


def status(at: Place, gcloud: Gcloud) -> int:
    """Compare the project with the table; 0 when they agree."""
    there, site = _looked_at(at, gcloud)
    desired = waves(site, source_hash(gcloud.source()))
    changes = list(chain.from_iterable(planned(desired, there)))
    for change in changes:
        what = f"{change.resource.kind} {change.resource.name}"
        match change.action:
            case "unchanged":
                say(f"as it shall be  {what}")
            case "created":
                say(f"MISSING         {what}")
            case "foreign":
                say(f"NOT OURS        {what}: deploy did not make it")
            case _:
                say(f"DIFFERS         {what}: {_differences(change)}")
    unasked = [change for wave in leftovers(site, there, chain.from_iterable(desired)) for change in wave]
    for change in unasked:
        say(f"LEFT OVER       {change.resource.kind} {change.resource.name}: no row asks for it")
    agree, missing = (sum(change.action == action for change in changes) for action in ("unchanged", "created"))
    said = f"{agree} as they shall be, {len(changes) - agree - missing} differ, {missing} missing"
    say(said + (f", {len(unasked)} left over (deploy --prune deletes them)" if unasked else ""))
    return 0 if agree == len(changes) and not unasked else 1


def destroy(at: Place, gcloud: Gcloud, data: bool, confirmed: bool) -> int:
    """Delete what deploy made, last things first. Data is kept unless told; APIs stay enabled."""
    there, site = _looked_at(at, gcloud)
    desired = waves(site, "")
    if _cannot_be(chain.from_iterable(planned(desired, there, adopt=True))):
        return 1
    changes = leftovers(site, there, chain.from_iterable(desired))
    changes += [list(_deletions(wave, there, data)) for wave in reversed(desired)]
    doomed = [change.resource for wave in changes for change in wave]
    if not doomed:
        say("there is nothing to delete")
        return 0
    kept = [one for wave in desired for one in wave if one.kept and _is_there(one, there)]
    for resource in kept:
        say(f"{'DELETED, with all that is in it:' if data else 'kept:'} {resource.kind} {resource.name}")
    say(f"{len(doomed)} things will be deleted" + ("" if data or not kept else "; --data deletes those kept too"))
    if not confirmed and not _confirmed(site):
        say("nothing was deleted")
        return 1
    failures = apply(gcloud, changes, say)
    if failures:
        return _tell_failures(failures, "destroy")
    say(f"{len(doomed)} deleted; the APIs stay enabled, other things may use them")
    return 0


def _confirmed(site: Site) -> bool:
    try:
        return input(f"type the project's id ({site.project}) to go on: ").strip() == site.project
    except EOFError:
        say("\nthere is nobody to ask: --yes goes on without")
        return False


def _is_there(resource: Resource, there: Inventory) -> bool:
    """Whether a thing of that name is there, made by deploy and not deleted already."""
    found = there[resource.kind].get(resource.name)
    return found is not None and not found.restore and (MARK not in resource.want or bool(found.fields.get(MARK)))


def _deletions(wave: Sequence[Resource], there: Inventory, data: bool) -> Iterator[Change]:
    for resource in reversed(wave):
        if _is_there(resource, there) and resource.delete and (data or not resource.kept):
            called = there[resource.kind][resource.name].called
            yield Change(resource, "deleted", {}, naming(resource.delete, called))


def _tell_counts(changes: Sequence[Change]) -> None:
    found = Counter(change.action for change in changes)
    say(
        ", ".join(
            f"{found[action]} {action}"
            for action in ("created", "updated", "deleted", "unchanged")
            if found[action] or action != "deleted"
        )
    )


def _tell_failures(failures: Sequence[Failure], command: str) -> int:
    for change, error in failures:
        shown = " ".join(str(word) for word in error.command)
        tail = "\n".join(f"    {line}" for line in error.text.splitlines()[-_TAIL_LINES:])
        say(f"\nfailed: {change.resource.kind} {change.resource.name}\n  {shown}\n{tail}")
        if error.meaning:
            say(f"  {error.meaning}")
    say(f"\nWhat is done stays. Run `python3 -m infra {command}` with the same options again: it goes on from here.")
    return 1


def _differences(change: Change) -> str:
    return "; ".join(f"{name} is {old}, shall be {new}" for name, (old, new) in change.differs.items())


def tell(lines: Iterable[str]) -> int:
    """Print what succeeded by having something to say."""
    for line in lines:
        say(line)
    return 0


def say(text: str) -> None:
    print(text, flush=True)
