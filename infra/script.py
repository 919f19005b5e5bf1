"""The plan as a bash script that one can read and run: it needs bash, gcloud and the repository, nothing else."""

import shlex
from collections.abc import Iterator, Sequence

from infra.resource import Argument, Command, File, Output, Part, Resource, Source, parts
from infra.site import Site
from infra.source import UPLOADED

_LONG = 100
_PASSING = (
    "429|503|UNAVAILABLE|does not exist|SERVICE_DISABLED|has not been used|Eventarc Service Agent|Cannot find metric"
)
_HEAD = """#!/usr/bin/env bash
# Fleetline in project {project}, region {region}, environment {environment}: everything that
# `python3 -m infra deploy` makes, from nothing. Needs bash and gcloud (bq comes with it); run it in the repository.
# It can be run again: what is there already is left as it is, functions and bindings are brought up to date.
set -euo pipefail
files="$(mktemp -d)"
trap 'rm -rf "$files"' EXIT

mkdir "$files/source"
cp -R {uploaded} "$files/source"
find "$files/source" '(' -name __pycache__ -o -name '*.md' ')' -prune -exec rm -rf {{}} +

# make COMMAND…: runs it; that the thing is there already is no failure, and what was just made may not be known
# everywhere at Google yet.
make() {{
  local said wait
  for wait in 10 30 60 ""; do
    if said="$("$@" 2>&1)"; then echo "done:          ${{*:1:6}}"; return
    elif grep -qiE 'already.?exists|already own' <<<"$said"; then echo "there already: ${{*:1:6}}"; return
    elif [ -z "$wait" ] || ! grep -qiE '{passing}' <<<"$said"; then
      printf 'FAILED: %s\\n%s\\n' "$*" "$said" >&2; return 1
    fi
    sleep "$wait"
  done
}}
"""


def script(site: Site, waves: Sequence[Sequence[Resource]], source_hash: str) -> str:
    """The whole script."""
    return "\n".join(_sections(site, waves, source_hash)) + "\n"


def _sections(site: Site, waves: Sequence[Sequence[Resource]], source_hash: str) -> Iterator[str]:
    where = {"project": site.project, "region": site.region, "environment": site.environment}
    yield (
        _HEAD.format(**where, uploaded=" ".join(UPLOADED), passing=_PASSING)
        + f"\n# The source's hash is {source_hash}."
    )
    kind = ""
    for wave in waves:
        for resource in wave:
            if resource.kind != kind:
                kind = resource.kind
                yield f"\n# --- {kind}"
            yield from _making(resource)


def _making(resource: Resource) -> Iterator[str]:
    for file in dict.fromkeys(part for command in resource.create for part in parts(command) if isinstance(part, File)):
        yield f"cat >{_quoted(file)} <<'END'\n{file.content}\nEND"
    unless = f'[ -n "$({_line(resource.sought)})" ] ||\n  ' if resource.sought else ""
    for command in resource.create:
        yield unless + "make " + _line(command)


def _line(command: Command) -> str:
    """On one line if it is short, else a flag a line."""
    shown = [_word(word) for word in command]
    line = " ".join(shown)
    if len(line) <= _LONG:
        return line
    verbs = next((n for n, word in enumerate(shown) if word.startswith("--")), len(shown))
    return " \\\n    ".join([" ".join(shown[:verbs]), *shown[verbs:]])


def _word(word: Argument) -> str:
    return shlex.quote(word) if isinstance(word, str) else "".join(map(_quoted, word))


def _quoted(part: Part) -> str:
    match part:
        case str():
            return shlex.quote(part)
        case File(name):
            return f'"$files/{name}"'
        case Source():
            return '"$files/source"'
        case Output(command):
            return f'"$({" ".join(map(_word, command))})"'
    raise AssertionError("a script makes things, so none is there")
