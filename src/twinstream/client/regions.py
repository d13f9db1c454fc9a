"""Where the vendor's cloud is: region, deployment and client type make the addresses of its services.

Owns the table of hosts of the documents, and the one setting that points the same names at one's own server. Knows
nothing of what is asked there.

Where the documents disagree:

* cn, dev, cloud: the older page has ``/stream/stream`` as its path, the newer one ``/stream`` as everywhere else. Taken
  is ``/stream``.
* cn, dev, mobile: ``mstream`` on the older page, ``mstream-dev`` on the newer. Taken is the newer, which fits its REST
  host (``mdss-dev``) and the other regions.
* us, staging: only the older page has it, and only its streams. A cloud client's REST host is everywhere the host of
  its streams, so it is taken to be so here; all other hosts of staging are unknown.
* eu, dev is on neither.

The users' and the devices' hosts are not in the documents. Source: the vendor's SDKs and public clients, which agree
but for the devices' host of eu (``ads-field-eu`` or ``ads-eu``); the one that is named like its neighbours is taken.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

CLOUD_VARIABLE = "TWINSTREAM_CLOUD"
"""Names one's own server, ``http[s]://host[:port]``, which then stands for every region."""


class Hosts(msgspec.Struct, frozen=True):
    """The addresses of a cloud's services: ``wss://.../stream``, and ``https://host`` for each REST API.

    None: not known.
    """

    stream: str
    subscriptions: str | None
    users: str | None
    devices: str | None


def find_hosts(
    region: str | None = None,
    deployment: str = "field",
    client_type: str = "cloud",
    *,
    environ: Mapping[str, str] = os.environ,
) -> Hosts:
    """Return the addresses of a row of `REGIONS`, or those of one's own server if `CLOUD_VARIABLE` is set.

    Raises:
        ValueError: there is no such row, no region while the variable is not set, or the variable holds no URL.
    """
    if region is not None and (region, deployment, client_type) not in REGIONS:
        known = "; ".join(", ".join(row) for row in REGIONS)
        raise ValueError(f"no cloud is known as {region}, {deployment}, {client_type}; known are: {known}")
    own = environ.get(CLOUD_VARIABLE)
    if own:
        try:
            return hosts_of(own)
        except ValueError as error:
            raise ValueError(f"{CLOUD_VARIABLE} is {own!r}: {error}") from None
    if region is None:
        raise ValueError(f"name a URL or a region, or set {CLOUD_VARIABLE} to your server's address")
    return REGIONS[region, deployment, client_type]


def hosts_of(url: str) -> Hosts:
    """Return the addresses of a server that is all services in one: ``http[s]://host[:port]``. Raises ValueError."""
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good, parts = False, urlsplit("")
    if not is_good:
        raise ValueError("that is no address of a server; expected http://host or https://host")
    base = f"{parts.scheme}://{parts.netloc}"
    return Hosts(f"{parts.scheme.replace('http', 'ws')}://{parts.netloc}/stream", base, base, base)


def _cloud(stream: str, place: str | None) -> Hosts:
    return Hosts(f"wss://{stream}/stream", f"https://{stream}", *_rest(place))


def _mobile(stream: str, subscriptions: str | None, place: str | None) -> Hosts:
    return Hosts(f"wss://{stream}/stream", subscriptions and f"https://{subscriptions}", *_rest(place))


def _rest(place: str | None) -> tuple[str | None, str | None]:
    return (f"https://user-{place}", f"https://ads-{place}") if place else (None, None)


REGIONS: Mapping[tuple[str, str, str], Hosts] = {
    ("cn", "dev", "cloud"): _cloud("stream.ayla.com.cn", "dev.ayla.com.cn"),
    ("cn", "dev", "mobile"): _mobile("mstream-dev.ayla.com.cn", "mdss-dev.ayla.com.cn", "dev.ayla.com.cn"),
    ("cn", "field", "cloud"): _cloud("stream-field.ayla.com.cn", "field.ayla.com.cn"),
    ("cn", "field", "mobile"): _mobile("mstream-field.ayla.com.cn", "mdss-field.ayla.com.cn", "field.ayla.com.cn"),
    ("eu", "field", "cloud"): _cloud("stream-field-eu.aylanetworks.com", "field-eu.aylanetworks.com"),
    ("eu", "field", "mobile"): _mobile(
        "mstream-field-eu.aylanetworks.com", "mdss-field-eu.aylanetworks.com", "field-eu.aylanetworks.com"
    ),
    ("us", "dev", "cloud"): _cloud("stream.aylanetworks.com", "dev.aylanetworks.com"),
    ("us", "dev", "mobile"): _mobile(
        "mstream-dev.aylanetworks.com", "mdss-dev.aylanetworks.com", "dev.aylanetworks.com"
    ),
    ("us", "staging", "cloud"): _cloud("staging-dss.ayladev.com", None),
    ("us", "staging", "mobile"): _mobile("staging-mstream.ayladev.com", None, None),
    ("us", "field", "cloud"): _cloud("stream-field.aylanetworks.com", "field.aylanetworks.com"),
    ("us", "field", "mobile"): _mobile(
        "mstream-field.aylanetworks.com", "mdss-field.aylanetworks.com", "field.aylanetworks.com"
    ),
}
"""For each region, deployment and client type: its addresses."""
