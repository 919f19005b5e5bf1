"""What people look at, as resources: log metrics, alarms, the dashboard, and BigQuery's tables over the exports."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from infra import plant
from infra.records import Alarm, Chart, LogMetric, Table
from infra.resource import Argument, Command, Existing, File, Output, Resource, flags
from infra.site import DATASET, PREFIX, Site

LABEL = "fleetline"
"""Google completes what it is given, so what was given is remembered by its hash, in a label."""
CHANNEL = "Fleetline operators"
ALARM = "Fleetline: "
BIGQUERY_TYPES = {"text": "STRING", "number": "FLOAT64", "integer": "INT64", "time": "TIMESTAMP", "flag": "BOOL"}
_OF_FUNCTIONS = 'resource.type="cloud_run_revision"'
_PERIOD = "60s"


def log_metrics(site: Site) -> Iterator[Resource]:
    return (log_metric(site, one) for one in plant.LOG_METRICS)


def alarms(site: Site) -> Iterator[Resource]:
    return (alarm(site, one) for one in plant.ALARMS)


def tables(site: Site) -> Iterator[Resource]:
    return (table(site, one) for one in plant.TABLES)


def fingerprint(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def log_metric(site: Site, metric: LogMetric) -> Resource:
    matches = f"{_OF_FUNCTIONS} AND {metric.matches}"
    kind = {"valueType": "DISTRIBUTION" if metric.field else "INT64", "metricKind": "DELTA"}
    config: dict[str, Any] = {
        "description": metric.says,
        "filter": matches,
        "metricDescriptor": {**kind, "labels": [{"key": "role", "valueType": "STRING"}]},
        "labelExtractors": {"role": "EXTRACT(jsonPayload.role)"},
    }
    if metric.field:
        config["valueExtractor"] = f"EXTRACT(jsonPayload.{metric.field})"
    name, project = f"{PREFIX}_{metric.name}", flags(project=site.project)
    given: Argument = ("--config-from-file=", _file(f"metric-{metric.name}.json", config))
    return Resource(
        "log metric",
        name,
        create=(("gcloud", "logging", "metrics", "create", name, given, *project),),
        update=(("gcloud", "logging", "metrics", "update", name, given, *project),),
        delete=(("gcloud", "logging", "metrics", "delete", name, *project, "--quiet"),),
        want={"says": metric.says, "matches": matches, "value": config.get("valueExtractor")},
    )


def channels(site: Site) -> Iterator[Resource]:
    """Where alarms go, if the environment says so."""
    if site.alert_email:
        yield channel(site)


def channel(site: Site) -> Resource:
    verbs, project = ("gcloud", "beta", "monitoring", "channels"), flags(project=site.project)
    labels = f"channel-labels=email_address={site.alert_email}"
    return Resource(
        "channel",
        CHANNEL,
        create=((*verbs, "create", f"--display-name={CHANNEL}", "--type=email", f"--{labels}", *project),),
        update=((*verbs, "update", (Existing(),), f"--update-{labels}", *project),),
        delete=((*verbs, "delete", (Existing(),), "--force", *project, "--quiet"),),
        want={"address": site.alert_email},
        sought=_channel_name(site).command,
    )


def _channel_name(site: Site) -> Output:
    named = (f'--filter=displayName="{CHANNEL}"', "--format=value(name)", *flags(project=site.project))
    return Output(("gcloud", "beta", "monitoring", "channels", "list", *named))


def alarm(site: Site, row: Alarm) -> Resource:
    title = f"{ALARM}{row.name}"
    conditions = [resource_filter(row.resource, row.metric), row.matches]
    threshold = {
        "filter": " AND ".join(filter(None, conditions)),
        "aggregations": [{"alignmentPeriod": _PERIOD, "perSeriesAligner": row.per_series}],
        "comparison": "COMPARISON_GT",
        "thresholdValue": row.above,
        "duration": f"{row.for_s}s",
    }
    policy: dict[str, Any] = {
        "displayName": title,
        "combiner": "OR",
        "conditions": [{"displayName": row.name, "conditionThreshold": threshold}],
        "documentation": {"content": row.advice, "mimeType": "text/markdown"},
    }
    hashed = fingerprint([policy, bool(site.alert_email)])
    policy["userLabels"] = {LABEL: hashed}
    policies, project = ("gcloud", "alpha", "monitoring", "policies"), flags(project=site.project)
    told: Command = (("--notification-channels=", _channel_name(site)),) if site.alert_email else ()
    heard: Command = (
        (("--set-notification-channels=", _channel_name(site)),) if told else ("--clear-notification-channels",)
    )
    given: Argument = ("--policy-from-file=", _file(f"alarm-{row.name.replace(' ', '-')}.json", policy))
    return Resource(
        "alarm",
        title,
        create=((*policies, "create", given, *told, *project),),
        update=(
            (*policies, "update", (Existing(),), given, *project),
            (*policies, "update", (Existing(),), *heard, *project),
        ),
        delete=((*policies, "delete", (Existing(),), *project, "--quiet"),),
        want={"content": hashed},
        sought=(*policies, "list", f'--filter=displayName="{title}"', "--format=value(name)", *project),
    )


def resource_filter(resource: str, metric: str) -> str:
    return f'resource.type="{resource}" AND metric.type="{metric}"'


def dashboard(site: Site) -> Resource:
    width, height = 24, 16
    tiles = [
        {"xPos": width * (n % 2), "yPos": height * (n // 2), "width": width, "height": height, "widget": _widget(chart)}
        for n, chart in enumerate(plant.CHARTS)
    ]
    board: dict[str, Any] = {"displayName": "Fleetline", "mosaicLayout": {"columns": 2 * width, "tiles": tiles}}
    hashed = fingerprint(board)
    board["labels"] = {LABEL: hashed}
    boards, project = ("gcloud", "monitoring", "dashboards"), flags(project=site.project)
    given: Argument = ("--config-from-file=", _file("dashboard.json", board))
    return Resource(
        "dashboard",
        "Fleetline",
        create=((*boards, "create", given, *project),),
        update=((*boards, "delete", (Existing(),), *project, "--quiet"), (*boards, "create", given, *project)),
        delete=((*boards, "delete", (Existing(),), *project, "--quiet"),),
        want={"content": hashed},
        sought=(*boards, "list", '--filter=displayName="Fleetline"', "--format=value(name)", *project),
    )


def _widget(chart: Chart) -> dict[str, Any]:
    aggregation = {
        "alignmentPeriod": _PERIOD,
        "perSeriesAligner": chart.per_series,
        "crossSeriesReducer": chart.over_series,
        "groupByFields": [chart.by],
    }
    matches = " AND ".join(filter(None, [f'metric.type="{chart.metric}"', chart.matches]))
    query = {
        "timeSeriesQuery": {"timeSeriesFilter": {"filter": matches, "aggregation": aggregation}},
        "plotType": "LINE",
    }
    return {"title": chart.title, "xyChart": {"dataSets": [query]}}


def dataset(site: Site) -> Resource:
    """Made with bq, which comes with gcloud: gcloud itself cannot make external tables."""
    bq, name = _bq(site), f"{site.project}:{DATASET}"
    make: Command = (*bq, f"--location={site.region}", "mk", "--dataset", "--description=Fleetline exports", name)
    remove: Command = (*bq, "rm", "--recursive", "--force", "--dataset", name)
    return Resource("dataset", DATASET, (make,), {"location": site.region}, delete=(remove,), fixed=("location",))


def _bq(site: Site) -> Command:
    return ("bq", f"--project_id={site.project}", "--headless")


def table(site: Site, row: Table) -> Resource:
    """The schema is written out: BigQuery cannot guess one as long as there is no file."""
    folder = f"{site.export_url}/pclass={row.pclass}"
    definition = {
        "sourceFormat": "PARQUET",
        "sourceUris": [f"{folder}/*"],
        "hivePartitioningOptions": {"mode": "CUSTOM", "sourceUriPrefix": f"{folder}/{{date:DATE}}"},
        "schema": {"fields": [{"name": name, "type": kind} for name, kind in columns(row).items()]},
    }
    bq, hashed, name = _bq(site), fingerprint(definition), f"{site.project}:{DATASET}.{row.pclass}"
    given: Argument = ("--external_table_definition=", _file(f"table-{row.pclass}.json", definition))
    make: Command = (*bq, "mk", "--table", given, f"--label={LABEL}:{hashed}", name)
    remove: Command = (*bq, "rm", "--force", "--table", name)
    return Resource("table", row.pclass, (make,), {"content": hashed}, (remove, make), (remove,))


def columns(table: Table) -> dict[str, str]:
    """The columns of a class's files and their BigQuery types."""
    return {
        name: big
        for one in (plant.EVERY_ROW, table)
        for kind, big in BIGQUERY_TYPES.items()
        for name in getattr(one, kind).split()
    }


def _file(name: str, content: Any) -> File:
    return File(name, json.dumps(content, indent=1))
