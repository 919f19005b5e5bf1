"""Who is at the other end of a request, and whether it comes from this page."""

import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

_BEARER = re.compile(r"bearer\s+[\w-]+\.([\w-]+)\.", re.IGNORECASE)
_CHECKED = ("x-serverless-authorization", "authorization")
"""Where Cloud Run looks for an identity token; it checks the first that is there."""
_IAP = "x-goog-authenticated-user-email"
_IAP_AGENT = "@gcp-sa-iap.iam.gserviceaccount.com"


class _Claims(msgspec.Struct):
    """What an identity token says that is of use here."""

    email: Annotated[str, Meta(min_length=1, max_length=320)] | None = None


def signed_in(headers: Mapping[str, str]) -> str | None:
    """The e-mail of whoever Google let through: of the identity token that Cloud Run has checked (it took the signature
    off), or what Identity-Aware Proxy says where that is the caller. None where nobody was asked to sign in, as on the
    laptop. A token wins, because who shows one could write the proxy's header as well."""
    email = _email(next((headers[name] for name in _CHECKED if name in headers), ""))
    if email is not None and not email.endswith(_IAP_AGENT):
        return email
    return headers.get(_IAP, "").rpartition(":")[2] or None


def _email(authorization: str) -> str | None:
    token = _BEARER.match(authorization)
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
