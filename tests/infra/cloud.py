"""Google's REST services as far as gcloud needs them to deploy: resources by path, policies, operations that are done.

It knows names and shapes, not rules: what is created can be read, listed, patched and deleted, and what a function's
deployment brings along (service, trigger, subscription) comes and goes with it.
"""

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

from tests.infra.recorder import Answer, Request

PROJECT, NUMBER, REGION = "fleet-test", "123456789012", "europe-west1"
Json = dict[str, Any]
Failure = Callable[[Request], Answer | None]

_NAMED_BY_BODY = {
    "serviceAccounts": lambda body: f"{body['accountId']}@{PROJECT}.iam.gserviceaccount.com",
    "roles": lambda body: body["roleId"],
    "metrics": lambda body: body["name"],
    "jobs": lambda body: body["name"].rpartition("/")[2],
    "datasets": lambda body: body["datasetReference"]["datasetId"],
    "tables": lambda body: body["tableReference"]["tableId"],
    "b": lambda body: body["name"],
}
"""What a new member of these collections is called; others say it in the query (`functionId=…`), or are numbered."""
_INNER = {"serviceAccounts": "serviceAccount", "roles": "role"}
_LISTED = {"b": "items", "serviceAccounts": "accounts"}
_UNLISTED = {"roles": ("includedPermissions",)}
"""What listings leave out."""
_AT_ONCE = ("iam", "pubsub", "secretmanager", "cloudscheduler", "monitoring", "logging", "storage", "bigquery")
"""Services whose changes are answered with the resource; the others answer with an operation."""


class Cloud:
    """One project. `fail` may answer a request before it is looked at; `uploads` are the zips that arrived."""

    def __init__(self) -> None:
        self.resources: dict[str, Json] = {}
        self.policies: dict[str, Json] = {}
        self.operations: dict[str, Json] = {}
        self.enabled: set[str] = set()
        self.uploads: list[bytes] = []
        self.fail: Failure = lambda _: None
        self.billed = True
        self._made = 0

    def answer(self, request: Request) -> Answer:
        return self.fail(request) or self._special(request) or self._generic(request)

    def named(self, kind: str) -> dict[str, Json]:
        """The resources of a collection ("topics"), by their last name."""
        return {key.rpartition("/")[2]: value for key, value in self.resources.items() if key.split("/")[-2] == kind}

    def bindings(self) -> set[tuple[str, str, str]]:
        """(resource, role, member) of every policy."""
        return {
            (resource, binding["role"], member)
            for resource, policy in self.policies.items()
            for binding in policy.get("bindings", [])
            for member in binding["members"]
        }

    def _special(self, request: Request) -> Answer | None:
        for pattern, method in self._SPECIALS:
            if found := re.fullmatch(pattern, f"{request.method} {_service(request)} {_key(request)}"):
                return method(self, request, *found.groups())
        return None

    def _generic(self, request: Request) -> Answer:  # noqa: PLR0911 one answer per kind of request
        key, body = _key(request), request.json or {}
        match request.method:
            case "GET" if key in self.resources:
                return 200, self.resources[key]
            case "GET" if _is_collection(key):
                kind = key.rpartition("/")[2]
                members = [
                    {k: v for k, v in one.items() if k not in _UNLISTED.get(kind, ())} for one in self._members(key)
                ]
                return 200, {_LISTED.get(kind, kind): members}
            case "POST":
                kind = key.rpartition("/")[2]
                created = body.get(_INNER.get(kind, ""), body)
                return self._created(request, f"{key}/{self._name(request, kind, body)}", created)
            case "PUT" if key not in self.resources:
                return self._created(request, key, body)
            case "PATCH" | "PUT" if key in self.resources:
                inner = next(
                    (body[name] for name in ("topic", "subscription") if isinstance(body.get(name), dict)), body
                )
                _merge(self.resources[key], inner, request.query.get("updateMask", body.get("updateMask", "")))
                return self._changed(request, self.resources[key])
            case "DELETE" if key in self.resources:
                gone = self.resources.pop(key)
                self._remove_below(key)
                self.policies.pop(key, None)
                return self._changed(request, {} if _service(request) in _AT_ONCE else gone)
        return 404, google_error(404, f"{key} not found", "NOT_FOUND")

    def _members(self, collection: str) -> Iterator[Json]:
        pattern = re.compile(re.escape(collection).replace("/\\-/", "/[^/]+/").replace("/-/", "/[^/]+/") + "/[^/]+")
        return (value for key, value in self.resources.items() if pattern.fullmatch(key))

    def _name(self, request: Request, kind: str, body: Json) -> str:
        if kind in _NAMED_BY_BODY:
            return str(_NAMED_BY_BODY[kind](body))
        self._made += 1
        given = [value for name, value in request.query.items() if name.endswith("Id")]
        return given[0] if given else f"made-{self._made}"

    def _created(self, request: Request, key: str, body: Json) -> Answer:
        if key in self.resources:
            says = "Your previous request to create the named bucket succeeded and you already own it."
            says = says if key.startswith("b/") else f"{key} already exists"
            return 409, google_error(409, says, "ALREADY_EXISTS")
        self.resources[key] = made = {**body, "name": key}
        match key.split("/")[-2]:  # what Google adds or writes in its own way
            case "serviceAccounts":
                made["email"] = key.rpartition("/")[2]
            case "metrics":
                made["name"] = key.rpartition("/")[2]
            case "b":
                made |= {"name": key.removeprefix("b/"), "location": made["location"].upper()}
            case "databases":
                made["uid"] = "u"
            case "indexes" | "secrets":
                made["state"] = "READY"
            case "jobs":
                made["state"] = "ENABLED"
                made["httpTarget"]["uri"] += "/"
        return self._changed(request, made)

    def _changed(self, request: Request, resource: Json) -> Answer:
        if _service(request) in _AT_ONCE:
            return 200, resource
        return 200, self.operation(request, resource)

    def operation(self, request: Request, response: Json) -> Json:
        """A long operation that is done already."""
        self._made += 1
        parent = f"projects/{PROJECT}/locations/{REGION}"
        if _service(request) == "firestore":
            parent = f"projects/{PROJECT}/databases/(default)"
        name = (
            f"{parent}/operations/made-{self._made}"
            if _service(request) != "serviceusage"
            else f"operations/{self._made}"
        )
        operation = {"name": name, "done": True, "response": response, "metadata": {}}
        self.operations[name] = operation
        return operation

    def _services(self, _: Request) -> Answer:
        return 200, {"services": [_enabled(name) for name in sorted(self.enabled)]}

    def _service_state(self, _: Request, name: str) -> Answer:
        return 200, {**_enabled(name), "state": "ENABLED" if name in self.enabled else "DISABLED"}

    def _enable(self, request: Request) -> Answer:
        self.enabled.update(request.json["serviceIds"])
        return 200, self.operation(request, {"services": [_enabled(name) for name in request.json["serviceIds"]]})

    def _enable_one(self, request: Request, name: str) -> Answer:
        self.enabled.add(name)
        return 200, self.operation(request, {"service": _enabled(name)})

    def _identity(self, request: Request, service: str) -> Answer:
        agent = {
            "email": f"service-{NUMBER}@gcp-sa-{service.partition('.')[0]}.iam.gserviceaccount.com",
            "uniqueId": "1",
        }
        return 200, self.operation(request, agent)

    def _get_policy(self, _: Request, key: str) -> Answer:
        return 200, self.policies.get(key, {"version": 1, "etag": "BwX="})

    def _set_policy(self, request: Request, key: str) -> Answer:
        self.policies[key] = request.json["policy"]
        return 200, self.policies[key]

    def _bucket_policy(self, request: Request, key: str) -> Answer:
        if request.method == "PUT":
            self.policies[key] = request.json
        return 200, self.policies.get(key, {"kind": "storage#policy", "etag": "CAE="})

    def _project(self, _: Request) -> Answer:
        return 200, {"projectId": PROJECT, "projectNumber": NUMBER, "lifecycleState": "ACTIVE", "name": PROJECT}

    def _billing(self, _: Request) -> Answer:
        return 200, {"projectId": PROJECT, "billingEnabled": self.billed}

    def _search_policies(self, _: Request) -> Answer:
        results = [{"resource": _full_name(key), "policy": policy} for key, policy in self.policies.items()]
        return 200, {"results": [one for one in results if one["policy"].get("bindings")]}

    def _runtimes(self, _: Request) -> Answer:
        python = {"name": "python313", "displayName": "Python 3.13", "stage": "GA", "environment": "GEN_2"}
        return 200, {"runtimes": [python]}

    def _upload_url(self, _: Request) -> Answer:
        url = f"https://storage.googleapis.com/upload/{len(self.uploads)}"
        return 200, {"uploadUrl": url, "storageSource": {"bucket": "gcf-v2-uploads", "object": "source.zip"}}

    def _upload(self, request: Request) -> Answer:
        zipfile.ZipFile(io.BytesIO(request.body)).testzip()
        self.uploads.append(request.body)
        return 200, b""

    def _field(self, request: Request, key: str) -> Answer:
        """Fields exist without being created."""
        field = self.resources.setdefault(key, {"name": key})
        _merge(field, request.json, request.query.get("updateMask", ""))
        if "ttlConfig" in field:
            field["ttlConfig"] = {"state": "ACTIVE"}
        return 200, self.operation(request, field)

    def _fields(self, request: Request, key: str) -> Answer:
        wanted = "ttlConfig" if "ttlConfig" in request.query.get("filter", "") else "indexConfig"
        return 200, {"fields": [field for field in self._members(key) if wanted in field]}

    def _add_version(self, request: Request, key: str) -> Answer:
        name = f"{key}/versions/{sum(one.startswith(f'{key}/versions/') for one in self.resources) + 1}"
        made = {"name": name, "state": "ENABLED", "createTime": f"2026-01-01T00:00:00.{name[-1]}Z"}
        self.resources[name] = {**made, **request.json}
        return 200, {**self.resources[name], "clientSpecifiedPayloadChecksum": True}

    def _function(self, request: Request, parent: str) -> Answer:
        """A function brings its service, and with a topic its trigger and that one's subscription."""
        name = request.query.get("functionId") or parent.rpartition("/")[2]
        key = parent if request.method == "PATCH" else f"{parent}/{name}"
        status, answer = self._generic(request)
        if status != 200:
            return status, answer
        function = self.resources[key]
        url = f"https://{name}-hash-ew.a.run.app"
        base = f"projects/{PROJECT}/locations/{REGION}"
        function.update(
            state="ACTIVE", url=f"https://{REGION}-{PROJECT}.cloudfunctions.net/{name}", environment="GEN_2"
        )
        function["serviceConfig"].update(uri=url, service=f"{base}/services/{name}")
        self.resources[f"{base}/services/{name}"] = {"name": f"{base}/services/{name}", "metadata": {"name": name}}
        if topic := function.get("eventTrigger", {}).get("pubsubTopic"):
            trigger, subscription = (
                f"{base}/triggers/{name}-123456",
                f"projects/{PROJECT}/subscriptions/eventarc-{name}",
            )
            function["eventTrigger"]["trigger"] = trigger
            transport = {"pubsub": {"topic": topic, "subscription": subscription}}
            self.resources[trigger] = {"name": trigger, "transport": transport}
            self.resources.setdefault(
                subscription, {"name": subscription, "topic": topic, "pushConfig": {"pushEndpoint": url}}
            )
        return 200, answer

    def _no_function(self, request: Request, name: str) -> Answer:
        for key in [
            key
            for key in self.resources
            if re.search(rf"/(services|triggers|subscriptions)/(eventarc-)?{name}(-123456)?$", key)
        ]:
            if not key.endswith("-dead"):
                self.resources.pop(key)
                self.policies.pop(key, None)
        return self._generic(request)

    def _objects(self, _: Request) -> Answer:
        return 200, {"items": []}

    def _latest_version(self, _: Request, key: str) -> Answer:
        return 200, [one for name, one in self.resources.items() if name.startswith(f"{key}/versions/")][-1]

    def _published(self, request: Request) -> Answer:
        self._made += 1
        return 200, {"messageIds": [str(self._made + n) for n, _ in enumerate(request.json["messages"])]}

    def _nothing(self, _: Request) -> Answer:
        return 200, {}

    def _remove_below(self, key: str) -> None:
        """Indexes go with their database, tables with their dataset, versions with their secret."""
        for below in [one for one in self.resources if one.startswith(key + "/")]:
            del self.resources[below]

    def _no_role(self, _: Request, key: str) -> Answer:
        """A deleted role stays for a while, marked."""
        self.resources[key]["deleted"] = True
        return 200, self.resources[key]

    def _role_again(self, _: Request, key: str) -> Answer:
        self.resources[key].pop("deleted", None)
        return 200, self.resources[key]

    def _operation(self, request: Request) -> Answer:
        return 200, self.operations[_key(request)]

    _SPECIALS: tuple[tuple[str, Any], ...] = (
        (r"GET serviceusage projects/[^/]+/services", _services),
        (r"GET serviceusage projects/[^/]+/services/(.+)", _service_state),
        (r"POST serviceusage projects/[^/]+/services:batchEnable", _enable),
        (r"POST serviceusage projects/[^/]+/services/(.+):enable", _enable_one),
        (r"POST serviceusage projects/[^/]+/services/(.+):generateServiceIdentity", _identity),
        (r"GET cloudresourcemanager projects/[^/]+", _project),
        (r"GET cloudbilling projects/[^/]+/billingInfo", _billing),
        (r"(?:GET|POST) \S+ (.+):getIamPolicy", _get_policy),
        (r"POST \S+ (.+):setIamPolicy", _set_policy),
        (r"(?:GET|PUT) storage (b/[^/]+)/iam", _bucket_policy),
        (r"GET storage b/[^/]+/(?:o|managedFolders)", _objects),
        (r"POST iam permissions:queryTestablePermissions", _nothing),
        (r"DELETE iam (.+/roles/[^/]+)", _no_role),
        (r"POST iam (.+/roles/[^/]+):undelete", _role_again),
        (r"GET \S+ (?:.+/)?operations/[^/]+", _operation),
        (r"(?:GET|POST) cloudasset projects/[^/]+:searchAllIamPolicies", _search_policies),
        (r"GET cloudfunctions .+/runtimes", _runtimes),
        (r"POST cloudfunctions .+:generateUploadUrl", _upload_url),
        (r"PUT storage /upload/\d+", _upload),
        (r"PATCH firestore (.+/fields/[^/]+)", _field),
        (r"GET firestore (.+/fields)", _fields),
        (r"POST secretmanager (.+):addVersion", _add_version),
        (r"GET secretmanager (.+)/versions/latest", _latest_version),
        (r"POST pubsub .+/topics/[^/]+:publish", _published),
        (r"(?:POST|PATCH) cloudfunctions (.+/functions(?:/[^/]+)?)", _function),
        (r"DELETE cloudfunctions .+/functions/([^/]+)", _no_function),
    )


def _service(request: Request) -> str:
    """ "run" for europe-west1-run.googleapis.com."""
    return request.host.removesuffix(".googleapis.com").removeprefix(f"{REGION}-")


def _key(request: Request) -> str:
    path = re.sub(r"^/(storage/v1|bigquery/v2|v\d\w*)/", "", request.path)
    path = path.replace("projects/-/", f"projects/{PROJECT}/")
    return path.replace("%28", "(").replace("%29", ")").replace("%2A", "*").replace("%40", "@")


def _is_collection(key: str) -> bool:
    return key == "b" or len(key.split("/")) % 2 == 1


def _merge(resource: Json, body: Json, mask: str) -> None:
    for path in filter(None, mask.split(",")) if mask else body:
        _put(resource, path.split("."), body)


def _put(resource: Json, path: list[str], body: Any) -> None:
    name, *rest = [re.sub(r"_(\w)", lambda found: found[1].upper(), one) for one in path]
    value = body.get(name) if isinstance(body, dict) else None
    if rest:
        _put(resource.setdefault(name, {}), rest, value)
    elif value is None:
        resource.pop(name, None)
    else:
        resource[name] = value


def _enabled(name: str) -> Json:
    return {"name": f"projects/{NUMBER}/services/{name}", "config": {"name": name}, "state": "ENABLED"}


def _full_name(key: str) -> str:
    """A resource's name as Cloud Asset Inventory writes it."""
    kind = key.split("/")[-2]
    service = {"topics": "pubsub", "subscriptions": "pubsub", "services": "run", "secrets": "secretmanager"}.get(kind)
    if kind == "b":
        return f"//storage.googleapis.com/{key.removeprefix('b/')}"
    return f"//{service or 'cloudresourcemanager'}.googleapis.com/{key}"


def google_error(code: int, message: str, status: str) -> Json:
    return {
        "error": {
            "code": code,
            "message": message,
            "status": status,
            "errors": [{"reason": {404: "notFound", 409: "duplicate"}.get(code, "backendError"), "message": message}],
        }
    }
