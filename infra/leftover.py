"""What deploy made once and no row asks for any more, known by the marks deploy leaves on what it makes.

Topics, subscriptions, indexes and whatever holds data are never called leftovers: somebody may still send to them, and
what is in them would be lost.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from infra import desired, plant, serving, watching
from infra.desired import INVOKER
from infra.plan import Change, Inventory
from infra.records import Alarm, Function, LogMetric, Permit, Right, Table
from infra.resource import Found, Resource, naming
from infra.site import PREFIX, Site


@dataclass(frozen=True)
class Mark:
    """How things of a kind are known as deploy's own, and the resource a row of that name would be."""

    is_ours: Callable[[Site, str, Found], bool]
    resource: Callable[[Site, str, Found], Resource | None]


def leftovers(site: Site, there: Inventory, asked: Iterable[Resource]) -> list[list[Change]]:
    """Their deletions, in waves: what needs another is gone before it."""
    names = {(one.kind, one.name) for one in asked}
    return [[change for kind in wave for change in _of(kind, site, there, names)] for wave in _WAVES]


def _of(kind: str, site: Site, there: Inventory, names: set[tuple[str, str]]) -> Iterator[Change]:
    mark = _MARKS[kind]
    for name, found in there[kind].items():
        if (kind, name) not in names and mark.is_ours(site, name, found):
            resource = mark.resource(site, name, found)
            if resource is not None:
                yield Change(resource, "deleted", {}, naming(resource.delete, found.called))


def _labelled(field: str) -> Callable[[Site, str, Found], bool]:
    return lambda _, __, found: bool(found.fields.get(field))


def _named(prefix: str) -> Callable[[Site, str, Found], bool]:
    return lambda _, name, found: name.startswith(prefix) and not found.restore


def _calls_as_ours(site: Site, _: str, found: Found) -> bool:
    return found.fields.get("caller") == site.account("scheduler")


def _is_our_right(site: Site, name: str, found: Found) -> bool:
    """Whatever an account of ours may do, and whoever may call a function of the table."""
    holder = site.holder(found.fields["member"])
    ours = holder.startswith(f"serviceAccount:{PREFIX}-") and "@" not in holder
    called = {f"functions/{one.name}" for one in plant.FUNCTIONS}
    return ours or (found.called == INVOKER and name.rpartition(" on ")[2] in called)


def _right(site: Site, name: str, found: Found) -> Resource | None:
    """A binding on something the table can name; any other was made by somebody else."""
    holder, _, rest = name.partition(" is ")
    on = rest.partition(" on ")[2]
    role = found.called.removeprefix(site.permit(""))
    if on.partition("/")[0] not in desired.TARGETS:
        return None
    return desired.right(site, Right(role, on), holder, (found.fields["member"],), alone=True)


_MARKS = {
    "right": Mark(_is_our_right, _right),
    "schedule": Mark(_calls_as_ours, lambda site, name, _: serving.schedule(site, Function(name), "* * * * *")),
    "alarm": Mark(
        _labelled("content"),
        lambda site, name, _: watching.alarm(site, Alarm(name.removeprefix(watching.ALARM), "", 0, 0, "")),
    ),
    "channel": Mark(lambda *_: True, lambda site, *_: watching.channel(site)),
    "function": Mark(_labelled("source"), lambda site, name, _: serving.function(site, Function(name), "")),
    "table": Mark(_labelled("content"), lambda site, name, _: watching.table(site, Table(name))),
    "log metric": Mark(
        _named(f"{PREFIX}_"),
        lambda site, name, _: watching.log_metric(site, LogMetric(name.removeprefix(f"{PREFIX}_"), "", "")),
    ),
    "account": Mark(
        _named(f"{PREFIX}-"), lambda site, name, _: desired.account(site, name.removeprefix(f"{PREFIX}-"), "")
    ),
    "permit": Mark(
        _named(f"{PREFIX}_"), lambda site, name, _: desired.permit(site, Permit(name.removeprefix(f"{PREFIX}_"), ()))
    ),
}
_WAVES = (("right", "schedule", "alarm"), ("channel", "function", "table"), ("log metric", "account", "permit"))
