"""deploy, status and destroy: what a person asks for, in the words they get back."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from infra import plant
from infra.apply import Failure, apply
from infra.desired import waves
from infra.gcloud import RETRY_AFTER_S, Gcloud
from infra.leftover import leftovers
from infra.plan import Change, Inventory, inventory, planned
from infra.resource import Resource, naming
from infra.script import script
from infra.site import Site
from infra.source import source_hash, stage

_TAIL_LINES = 12
_NEXT = """
an event   gcloud pubsub topics publish gps --project={site.project} --message='{{"vehicle_id": …}}'
alerts     reach nobody before the address book is there: gcloud secrets versions add {contacts} --data-file=FILE
to watch   https://console.cloud.google.com/monitoring/dashboards?project={site.project}"""


@contextmanager
def session(retry_after_s: Sequence[float] = RETRY_AFTER_S) -> Iterator[Gcloud]:
    """gcloud, with a temporary folder for the files its commands read."""
    with TemporaryDirectory(prefix="fleetline-") as folder:
        yield Gcloud(Path(folder), retry_after_s)


def deploy(site: Site, gcloud: Gcloud, prune: bool) -> int:
    """Make the project what the table says; with `prune` delete what it no longer asks for. The exit status."""
    desired = waves(site, source_hash(gcloud.source()))
    there = inventory(gcloud, site, say)
    changes = [planned(wave, there) for wave in desired]
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


def _cannot_be(changes: Iterable[Change]) -> bool:
    """Say what cannot be made as the table asks, before anything is changed."""
    wrong = [change for change in changes if change.action == "impossible"]
    for change in wrong:
        say(f"{change.resource.kind} {change.resource.name} is there and cannot be changed: {_differences(change)}")
    if wrong:
        say("Nothing was changed. Deploy where it is (--region), or to another project.")
    return bool(wrong)


def print_script(site: Site) -> int:
    """What deploy would run on an empty project, as a bash script on standard output."""
    with TemporaryDirectory(prefix="fleetline-") as folder:
        hashed = source_hash(stage(Path(folder) / "source"))
    sys.stdout.write(script(site, waves(site, hashed), hashed))
    return 0


def status(site: Site, gcloud: Gcloud) -> int:
    """Compare the project with the table; 0 when they agree."""
    there = inventory(gcloud, site, say)
    changes = planned((one for wave in waves(site, source_hash(gcloud.source())) for one in wave), there)
    for change in changes:
        what = f"{change.resource.kind} {change.resource.name}"
        match change.action:
            case "unchanged":
                say(f"as it shall be  {what}")
            case "created":
                say(f"MISSING         {what}")
            case _:
                say(f"DIFFERS         {what}: {_differences(change)}")
    unasked = [change for wave in leftovers(site, there, (one.resource for one in changes)) for change in wave]
    for change in unasked:
        say(f"LEFT OVER       {change.resource.kind} {change.resource.name}: no row asks for it")
    found = Counter(change.action for change in (*changes, *unasked))
    said = f"{found['unchanged']} as they shall be, {found['updated']} differ, {found['created']} missing"
    say(said + (f", {len(unasked)} left over (deploy --prune deletes them)" if unasked else ""))
    return 0 if found["unchanged"] == len(changes) and not unasked else 1


def destroy(site: Site, gcloud: Gcloud, data: bool, confirmed: bool) -> int:
    """Delete what deploy made, last things first. Data is kept unless told; APIs stay enabled."""
    there = inventory(gcloud, site, say)
    desired = waves(site, "")
    changes = leftovers(site, there, chain.from_iterable(desired))
    changes += [list(_deletions(wave, there, data)) for wave in reversed(desired)]
    doomed = [change.resource for wave in changes for change in wave]
    if not doomed:
        say("there is nothing to delete")
        return 0
    say(f"{len(doomed)} things will be deleted" + (", all data with them" if data else "; database and bucket stay"))
    if not confirmed and input(f"type the project's name ({site.project}) to go on: ").strip() != site.project:
        say("nothing was deleted")
        return 1
    failures = apply(gcloud, changes, say, "deleted")
    if failures:
        return _tell_failures(failures, "destroy")
    kept = [one for wave in desired for one in wave if one.kept and one.name in there[one.kind] and not data]
    for resource in kept:
        say(f"kept {resource.kind} {resource.name} (delete it with --data)")
    say(f"{len(doomed)} deleted; the APIs stay enabled, other things may use them")
    return 0


def _deletions(wave: Sequence[Resource], there: Inventory, data: bool) -> Iterator[Change]:
    for resource in reversed(wave):
        found = there[resource.kind].get(resource.name)
        if found and not found.restore and resource.delete and (data or not resource.kept):
            yield Change(resource, "deleted", {}, naming(resource.delete, found.called))


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
