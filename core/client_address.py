"""The one function that decides which address a request comes from.

Audit, sessions and limits all use it. ``X-Forwarded-For`` is believed only for as many hops as
there are proxies of ours, counted from the right; anything unparsable means the peer's address.
"""

from __future__ import annotations

import functools
import ipaddress
from typing import Final

from django.conf import settings
from django.http import HttpRequest

IPV6_CUSTOMER_BITS: Final = 64
_BITS_KEPT: Final = {4: 24, 6: 48}


def of(request: HttpRequest) -> str:
    """Return the client's address in canonical text; empty for a Unix-socket peer."""
    peer = _canonical(request.META.get("REMOTE_ADDR", ""))
    proxies: int = settings.ENV.trusted_proxy_count
    if not proxies:
        return peer
    hops = request.headers.get("X-Forwarded-For", "").split(",")
    if len(hops) < proxies:
        return peer
    return _canonical(hops[-proxies].strip()) or peer


def neighbourhood(address: str) -> str:
    """Return what limits count by: an IPv4 address, or the /64 that one IPv6 customer gets whole.

    A peer without an address (a Unix socket without a proxy of ours) is one neighbourhood.
    """
    if ":" not in address:
        return address
    return str(ipaddress.ip_network((address, IPV6_CUSTOMER_BITS), strict=False))


def network(address: str) -> str:
    """Return the network of an address: enough to see where from, too little to see who."""
    if not address:
        return ""
    bits = _BITS_KEPT[ipaddress.ip_address(address).version]
    return str(ipaddress.ip_network((address, bits), strict=False))


# The same peers and proxies come again and again.
@functools.lru_cache(maxsize=1_024)
def _canonical(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(address)
