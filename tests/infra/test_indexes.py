"""Every query of the roles has its index in the table, and every index its query: read from the code."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from functions.core.command import COMMANDS
from infra import plant

ROLES = sorted((Path(__file__).resolve().parents[2] / "functions/roles").rglob("*.py"))
CONSTANTS = {"COMMANDS": COMMANDS}


class Query(NamedTuple):
    """A query's fields: compared for equality, then ordered by or compared otherwise ("-" in front: descending)."""

    where: str
    collection: str
    everywhere: bool
    equal: frozenset[str]
    ordered: tuple[str, ...]


def queries(path: Path) -> Iterator[Query]:
    for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(function, ast.AsyncFunctionDef):
            known = dict(_assigned(function))
            loops = {ast.unparse(one.target): one.iter for one in ast.walk(function) if isinstance(one, ast.For)}
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "self._store.query":
                    for collection in _collections(node.args[0], loops):
                        yield _query(f"{path.name}:{node.lineno} {collection}", collection, node, known)


def _assigned(function: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    for one in ast.walk(function):
        if isinstance(one, ast.Assign):
            yield ast.unparse(one.targets[0]), one.value
        elif isinstance(one, ast.AnnAssign) and one.value:
            yield ast.unparse(one.target), one.value


def _collections(named: ast.expr, loops: dict[str, ast.expr]) -> list[str]:
    """The last name of a collection's path; several where a loop goes over them."""
    if isinstance(named, ast.JoinedStr):
        return [str(ast.literal_eval(named.values[-1])).rpartition("/")[2]]
    if isinstance(named, ast.Name):
        return [CONSTANTS[named.id]] if named.id in CONSTANTS else list(ast.literal_eval(loops[named.id]))
    return [ast.literal_eval(named)]


def _query(where: str, collection: str, call: ast.Call, known: dict[str, ast.expr]) -> Query:
    named = {one.arg: one.value for one in call.keywords}
    conditions = call.args[1] if len(call.args) > 1 else named.get("where", ast.List([]))
    conditions = known.get(ast.unparse(conditions), conditions)
    assert isinstance(conditions, ast.List), where
    tests = [[ast.literal_eval(one) for one in condition.elts[:2]] for condition in conditions.elts]  # type: ignore[attr-defined]
    equal = frozenset(name for name, test in tests if test in ("==", "in"))
    ranged = [name for name, test in tests if test not in ("==", "in")]
    order = ast.literal_eval(named["order_by"]) if "order_by" in named else ranged
    assert {name.lstrip("-") for name in order} >= set(ranged), where
    return Query(where, collection, "everywhere" in named, equal, tuple(name for name in order if name != "__name__"))


EVERY = [query for path in ROLES for query in queries(path)]


@pytest.mark.parametrize("query", EVERY, ids=lambda query: query.where)
def test_a_query_has_its_index(query: Query) -> None:
    """Fields that are compared or ordered by must be indexed; without any, documents are found by their names."""
    fields = (*query.equal, *query.ordered)
    if not fields:
        return
    if not query.everywhere and len(fields) <= 1:
        indexed = next((one.fields for one in plant.COLLECTIONS if one.name == query.collection), fields)
        assert set(fields) <= set(indexed)
        return
    assert any(
        index.everywhere == query.everywhere
        and index.collection == query.collection
        and frozenset(index.fields[: len(query.equal)]) == query.equal
        and index.fields[len(query.equal) :] == query.ordered
        for index in plant.INDEXES
    ), query
