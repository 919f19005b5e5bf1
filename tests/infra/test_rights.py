"""No account may do what its role does not need: what is needed is read from the code, and compared with the table."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra import plant
from infra.records import Function

ROOT = Path(__file__).resolve().parent.parent.parent
STORE = {"get": {"get"}, "query": {"get", "list"}}
"""Firestore's permissions, as its reference states them per call."""
BUCKET = {"put": {"create", "delete"}, "read": {"get"}, "open": {"get"}, "list": {"list"}}
"""Cloud Storage's; replacing an object is deleting the one before."""
ADAPTERS: dict[tuple[str, str], set[tuple[str, str]]] = {
    **{("store", call): {(f"datastore.entities.{one}", "project") for one in asks} for call, asks in STORE.items()},
    **{("files", call): {(f"storage.objects.{one}", "bucket") for one in asks} for call, asks in BUCKET.items()},
    ("profiles", "of"): {("datastore.entities.get", "project")},
    ("backlog", "unanswered_s"): {("monitoring.timeSeries.list", "project")},
    ("counter", "traffic"): {("monitoring.timeSeries.list", "project")},
}
"""What each call of a port needs, and on what."""
TOPICS = {"TRANSPORTATION": "transportation", "ALERTS": "alerts", "COMMANDS": "commands"}
CARRIES = {"functions.core.employment": ("transportation", "alerts"), "functions.core.finding": ("alerts",)}
"""Topics of what these hand to a role that has a bus."""
HELPERS = {"functions.core.revision", "functions.core.unload", "functions.core.erase"}
"""They decide, but a role hands them its store or its files."""
ROLE_IN_A_PACKAGE = "functions.roles.dashboard.web".count(".")
_DEFINITIONS = (ast.AsyncFunctionDef, ast.FunctionDef)


def parsed(module: str) -> ast.Module:
    """A module; of a role that is a package, all of it."""
    if module.count(".") == ROLE_IN_A_PACKAGE:
        files = sorted((ROOT / module.replace(".", "/")).parent.glob("*.py"))
        return ast.Module([one for file in files for one in ast.parse(file.read_text(encoding="utf-8")).body], [])
    return ast.parse((ROOT / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8"))


def hired(function: Function) -> dict[str, set[str]]:
    """Modules of the roles that a function's entry point hires, and what it has them do, followed through bootstrap."""
    bootstrap = {one.name: one for one in parsed("functions.bootstrap").body if isinstance(one, _DEFINITIONS)}
    main = {one.name: one for one in parsed("main").body if isinstance(one, _DEFINITIONS)}
    found: dict[str, set[str]] = {}
    for name in [name for _, name in _calls(main[function.name]) if name in bootstrap]:
        for node in ast.walk(bootstrap[name]):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Call):
                factory = bootstrap.get(ast.unparse(node.value.func))
                for module in _imported(factory) if factory else ():
                    if module.startswith("functions.roles."):
                        found.setdefault(module, set()).add(node.attr)
    return found


def needed(role: str, methods: set[str]) -> set[tuple[str, str]]:
    """(permission, on what) that these methods of a role ask for, and what they hand their ports to."""
    module = parsed(role)
    reached = _reached(module, methods)
    names = {node.id for one in reached for node in ast.walk(one) if isinstance(node, ast.Name)}
    helpers = [parsed(one) for one in HELPERS if _names_from(module, one) & names]
    asked: set[tuple[str, str]] = set()
    for tree in (*reached, *helpers):
        for call in _calls(tree):
            asked |= ADAPTERS.get(call, set())
        asked |= {(f"datastore.entities.{one}", "project") for one in _writes(tree)}
    if any(call == ("bus", "publish") for one in reached for call in _calls(one)):
        asked |= {("pubsub.topics.publish", f"topics/{topic}") for topic in _topics(module)}
    return asked


def _reached(module: ast.Module, methods: set[str]) -> list[ast.AST]:
    """Functions and methods of a module that these lead to, by name."""
    defined = {one.name: one for one in ast.walk(module) if isinstance(one, _DEFINITIONS)}
    wanted, reached = set(methods), {}
    while wanted:
        name = wanted.pop()
        reached[name] = body = defined[name]
        used = {
            node.attr if isinstance(node, ast.Attribute) else node.id
            for node in ast.walk(body)
            if isinstance(node, ast.Attribute | ast.Name)
        }
        wanted |= (used & set(defined)) - set(reached)
    return list(reached.values())


def _names_from(module: ast.Module, source: str) -> set[str]:
    """What a module imports from another."""
    found = [one for one in ast.walk(module) if isinstance(one, ast.ImportFrom) and one.module == source]
    return {alias.name for one in found for alias in one.names}


def _topics(module: ast.Module) -> set[str]:
    named = {TOPICS[node.id] for node in ast.walk(module) if isinstance(node, ast.Name) and node.id in TOPICS}
    return named.union(*(CARRIES.get(one, ()) for one in _imported(module)))


def _imported(tree: ast.AST) -> set[str]:
    return {one.module for one in ast.walk(tree) if isinstance(one, ast.ImportFrom) and one.module}


def _calls(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """(port, method) of self._port.method and port.method, called or handed on."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute | ast.Name):
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else node.value.id
            yield owner.lstrip("_"), node.attr


def _writes(module: ast.AST) -> set[str]:
    """What a role's writes are: `expects=False` creates, None instead of fields deletes, any other may do both."""
    kinds: set[str] = set()
    for node in ast.walk(module):
        if not isinstance(node, ast.Call):
            continue
        named = ast.unparse(node.func)
        expects = next((ast.unparse(one.value) for one in node.keywords if one.arg == "expects"), "")
        if named == "Write" and len(node.args) > 1 and ast.unparse(node.args[1]) == "None":
            kinds.add("delete")
        elif named == "Write" and expects == "False":
            kinds.add("create")
        elif named == "Write" and expects == "True":
            kinds.add("update")
        elif named == "Write" or named.endswith("codec.write"):
            kinds |= {"create", "update"}
    return kinds


def granted(function: Function) -> set[tuple[str, str]]:
    permits = {permit.name: permit.permissions for permit in plant.PERMITS}
    permits["roles/pubsub.publisher"] = ("pubsub.topics.publish",)
    permits["roles/secretmanager.secretAccessor"] = ("secretmanager.versions.access",)
    return {(permission, right.on) for right in function.rights for permission in permits[right.role]}


@pytest.mark.parametrize("function", plant.FUNCTIONS, ids=lambda function: function.name)
def test_a_role_may_do_what_its_code_does_and_nothing_else(function: Function) -> None:
    secrets = {("secretmanager.versions.access", f"secrets/{name}") for name in function.secrets.values()}
    assert granted(function) == set.union(*(needed(*one) for one in hired(function).items())) | secrets


def test_every_permit_is_somebodys() -> None:
    used = {right.role for function in plant.FUNCTIONS for right in function.rights}
    assert {permit.name for permit in plant.PERMITS} == {name for name in used if "/" not in name}


def test_nobody_has_a_role_on_the_project_that_could_grant_itself_more() -> None:
    for account in (*plant.FUNCTIONS, *plant.ACCOUNTS):
        for right in account.rights:
            assert not right.role.endswith(("owner", "editor", "admin", "Admin", "serviceAccountUser"))
