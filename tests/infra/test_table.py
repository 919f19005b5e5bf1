"""The table against the code it deploys, and what needs no gcloud: help, plan, script, cost."""

import ast
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from functions.core.columns import INTEGERS, frame
from infra import cli, cost, plant
from infra.desired import SERVICES, waves
from infra.plan import planned
from infra.resource import Found, Resource
from infra.site import environments, site
from infra.watching import columns

ROOT = Path(__file__).resolve().parent.parent.parent
SITE = site("fleet-test", "europe-west1", "prod")


def resources() -> list[Resource]:
    return [resource for wave in waves(SITE, "hash") for resource in wave]


def test_every_function_has_its_entry_point_in_main_and_every_entry_point_its_function() -> None:
    module = ast.parse((ROOT / "main.py").read_text(encoding="utf-8"))
    entry_points = {
        one.name: ast.unparse(one.decorator_list[0]) for one in module.body if isinstance(one, ast.AsyncFunctionDef)
    }
    wanted = {one.name: "cloud_event" if one.topic else "http" for one in plant.FUNCTIONS}
    assert wanted == entry_points


def test_names_are_unique_within_their_kind() -> None:
    names = [(one.kind, one.name) for one in resources()]
    assert len(names) == len(set(names))


def test_account_names_fit() -> None:
    """6 to 30 characters, lower case, digits and dashes."""
    for one in resources():
        if one.kind == "account":
            assert re.fullmatch(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", one.name)


def test_every_right_on_a_topic_names_one_of_the_table() -> None:
    topics = {f"topics/{topic.name}" for topic in plant.TOPICS}
    for function in plant.FUNCTIONS:
        assert {one.on for one in function.rights if one.on.startswith("topics/")} <= topics
        assert set(function.secrets.values()) <= {one.name for one in plant.SECRETS}


def test_every_trigger_has_its_dead_letter_topic() -> None:
    assert {plant.dead_letter_topic(name) for name in plant.TRIGGERS} <= {topic.name for topic in plant.TOPICS}
    assert {one.topic for one in plant.FUNCTIONS if one.topic} == set(plant.TRIGGERS)


@pytest.mark.parametrize("table", plant.TABLES, ids=lambda table: table.pclass)
def test_the_columns_of_a_table_have_the_types_of_the_files(table: Any) -> None:
    """A column's type in the files follows from its values, and from its name where there are none."""
    examples = {"STRING": "a", "FLOAT64": 1.5, "INT64": 1, "BOOL": True, "TIMESTAMP": "2026-01-01T00:00:00Z"}
    typed = frame([{name: examples[kind] for name, kind in columns(table).items()}])
    kinds = {name: str(kind) for name, kind in typed.dtypes.items()}
    words = {"STRING": "string", "FLOAT64": "double", "INT64": "int64", "BOOL": "bool", "TIMESTAMP": "timestamp"}
    for name, kind in columns(table).items():
        assert words[kind] in kinds[name], name
        assert (kind == "INT64") == (name in INTEGERS)


def test_nothing_differs_from_itself() -> None:
    for one in resources():
        there = {one.kind: {one.name: Found(one.want)}}
        assert planned([[one]], there)[0][0].action == "unchanged"


def test_what_is_missing_is_created_and_what_differs_updated() -> None:
    topic = next(one for one in resources() if one.kind == "topic")
    assert planned([[topic]], {"topic": {}})[0][0].action == "created"
    ours = Found({"retention": "600s", "mark": "plant"})
    change = planned([[topic]], {"topic": {topic.name: ours}})[0][0]
    assert (change.action, change.differs) == ("updated", {"retention": ("600s", "86400s")})
    assert change.commands == topic.update


@pytest.mark.parametrize("kind", ["topic", "subscription", "function", "schedule"])
def test_what_deploy_did_not_make_is_not_taken_over_unasked(kind: str) -> None:
    one = next(one for one in resources() if one.kind == kind)
    there = {kind: {one.name: Found({**one.want, "mark": None})}}
    assert planned([[one]], there)[0][0][1:] == ("foreign", {"mark": (None, "plant")}, ())
    adopted = planned([[one]], there, adopt=True)[0][0]
    assert (adopted.action, adopted.commands) == ("updated", one.update or one.create)


@pytest.mark.parametrize("anew", [("account", "fleetline-gps"), ("topic", "alerts")])
def test_rights_of_and_on_what_is_made_anew_are_granted_anew(anew: tuple[str, str]) -> None:
    """Google lists rights minutes late: those of before are still there, and hold for nobody."""
    there: dict[str, dict[str, Found]] = {one.kind: {} for one in resources()}
    for one in resources():
        there[one.kind][one.name] = Found(one.want)
    del there[anew[0]][anew[1]]
    changes = [change for wave in planned(waves(SITE, "hash"), there) for change in wave]
    made = {
        change.resource.name for change in changes if change.action == "created" and change.resource.kind == "right"
    }
    assert "fleetline-gps is pubsub.publisher on topics/alerts" in made
    assert all(anew[1] in name for name in made)


def test_a_role_that_was_deleted_is_taken_back() -> None:
    permit = next(one for one in resources() if one.kind == "permit")
    back = (("gcloud", "iam", "roles", "undelete", permit.name),)
    change = planned([[permit]], {"permit": {permit.name: Found({}, "", back)}})[0][0]
    assert (change.action, change.commands) == ("created", (*back, *permit.update))


def test_more_enabled_apis_than_needed_are_as_they_shall_be() -> None:
    services = resources()[0]
    there = {"services": {SERVICES: Found({**services.want, "maps.googleapis.com": "enabled"})}}
    assert planned([[services]], there)[0][0].action == "unchanged"


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash on PATH")
def test_the_script_is_bash_and_names_every_thing(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["deploy", "--project", "fleet-test", "--region", "europe-west1", "--dry-run"]) == 0
    script = capsys.readouterr().out
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    assert script.count("gcloud functions deploy") == len(plant.FUNCTIONS)
    assert script.count("gcloud pubsub topics create") == len(plant.TOPICS)


@pytest.mark.parametrize("command", ["", "deploy", "status", "destroy", "cost", "doctor"])
def test_help_needs_nothing_installed(command: str) -> None:
    """-S and -I: no site-packages, no variables."""
    arguments = [command, "--help"] if command else ["--help"]
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from infra.cli import main; main({arguments})"
    line = [sys.executable, "-I", "-S", "-c", program]
    shown = subprocess.run(line, capture_output=True, text=True, check=True)
    assert "usage: python3 -m infra" in shown.stdout


def test_a_variable_may_have_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    """`gcloud topic escaping`: ^~^ makes ~ the separator."""
    function = replace(plant.FUNCTIONS[0], environment={"TELLING": '{"a": 1, "b": 2}'})
    monkeypatch.setattr(plant, "FUNCTIONS", (function,))
    deploy = next(one for one in resources() if one.kind == "function").create[0]
    assert any(str(word).startswith("--set-env-vars=^~^GOOGLE_CLOUD_PROJECT=fleet-test~") for word in deploy)


def test_the_dashboard_is_for_members_who_show_who_they_are() -> None:
    members = replace(SITE, members=("group:fleet@example.com", "user:ann@example.com"))
    found = {(one.kind, one.name): one for wave in waves(members, "hash") for one in wave}
    callers = [name for kind, name in found if kind == "right" and name.endswith("run.invoker on functions/dashboard")]
    assert [name.partition(" is ")[0] for name in callers] == ["fleet@example.com", "ann@example.com"]
    (deploy,) = found["function", "dashboard"].create
    assert {"--no-allow-unauthenticated", "--ingress-settings=all"} <= set(deploy)
    assert ("--member=", "group:fleet@example.com") in found["right", callers[0]].create[0]


def test_environments_differ_by_their_file_alone() -> None:
    assert environments() == ["dev", "prod"]
    assert site("p", "r", "dev").min_instances == 0
    assert site("p", "r", "prod").protected


def test_lists_of_one_vehicle_are_cheaper_than_single_readings() -> None:
    """As platform's arithmetic says: requests, writes and Pub/Sub go down with the readings in a message."""
    single, lists = (sum(one.dollars for one in cost.items(SITE, 500, 30, n)) for n in (1, 20))
    assert lists < single / 3


def test_the_bill_of_a_million_single_readings_is_what_was_derived() -> None:
    """A million readings in a regional database: $0.90 of worker writes, $0.80 of requests (line and stevedore)."""
    bill = {one.name: one.dollars for one in cost.items(site("p", "r", "dev"), 1000, 2628.0, 1)}
    readings = 1000 * cost.MONTH_S / 2628.0
    assert bill["requests"] == pytest.approx(0.80 * readings / 1e6)
    assert bill["Firestore writes"] == pytest.approx(2 * 0.90 * readings / 1e6)
