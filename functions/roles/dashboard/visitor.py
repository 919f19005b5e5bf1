"""Who is at the other end of a request, and whether it comes from this page."""

import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

_IAP = "x-goog-authenticated-user-email"
_BEARER = re.compile(r"bearer\s+[\w-]+\.([\w-]+)\.", re.IGNORECASE)


class _Claims(msgspec.Struct):
    """What an identity token says that is of use here."""

    email: Annotated[str, Meta(min_length=1, max_length=320)] | None = None


def signed_in(headers: Mapping[str, str]) -> str | None:
    """The e-mail of whoever Google let through: of Identity-Aware Proxy, else of the identity token that Cloud Run has
    checked (and whose signature it took off). None where nobody was asked to sign in, as on the laptop."""
    if _IAP in headers:
        return headers[_IAP].rpartition(":")[2] or None
    token = _BEARER.match(headers.get("authorization", ""))
    if token is None:
        return None
    try:
        claims = urlsafe_b64decode(token[1] + "=" * (-len(token[1]) % 4))
        return msgspec.json.decode(claims, type=_Claims).email
    except (ValueError, msgspec.MsgspecError):
        return None


def is_from_here(headers: Mapping[str, str]) -> bool:
    """Whether this page sent the request. Browsers say so in Sec-Fetch-Site, which no script can set; an Origin is
    compared only without it, because a proxy in between (gcloud's is one) makes the host another. What is no browser
    (curl) sends neither, and carries nobody else's sign-in."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")
