"""Which network addresses may be reached: public ones, judged by the address actually connected to.

A name or a spelling proves nothing (`127.1`, `0x7f.1`, a name that resolves to a private address, or
to another one each time), so names are resolved here, each address is judged, and the connection is
made to that very address.
"""

import socket
import threading
import time
from collections.abc import Callable, Collection, Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from collector.errors import Forbidden, TooSlow, Unreachable

PORTS = frozenset({80, 443})

# IPv6 ranges that carry an IPv4 address, and the byte at which it starts:
# RFC 6052 and 8215 (NAT64), RFC 3056 (6to4), RFC 4291 2.5.5 (compatible, mapped), RFC 2765 (translated).
_CARRIERS = (
    (IPv6Network("64:ff9b::/96"), 12),
    (IPv6Network("64:ff9b:1::/48"), 12),
    (IPv6Network("2002::/16"), 2),
    (IPv6Network("::/96"), 12),
    (IPv6Network("::ffff:0:0/96"), 12),
    (IPv6Network("::ffff:0:0:0/96"), 12),
)

# What Python's `is_global` lets through although nothing public lives there (IANA special-purpose
# registries), and ranges only some Python versions know.
_NOT_PUBLIC = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "224.0.0.0/3",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)
_GLOBAL_UNICAST = IPv6Network("2000::/3")

Resolve = Callable[..., list[tuple[Any, ...]]]


def is_public(address: str) -> bool:
    """Whether a numeric address is one that anyone on the internet may be reached at.

    An IPv4 address carried inside an IPv6 one is judged itself. Raises ValueError for what is not an address.
    """
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        carried = _carried(found)
        if carried is not None:
            return _is_well_known_nat64(found) and is_public(str(carried))
        if found not in _GLOBAL_UNICAST:
            return False
    if any(found.version == network.version and found in network for network in _NOT_PUBLIC):
        return False
    return found.is_global and not found.is_multicast


def connect_checked(
    host: str,
    port: int,
    *,
    allow: Collection[str] = (),
    timeout: float = 10.0,
    ports: Collection[int] = PORTS,
    resolve: Resolve | None = None,
) -> socket.socket:
    """A connected TCP socket to a public address of a host, or to any address if `host:port` is allowed.

    `timeout` (seconds) covers resolving and connecting together. `resolve` replaces the system's resolver and
    answers as `socket.getaddrinfo`; what it says is judged all the same. Raises Forbidden when none of the
    host's addresses may be reached, Unreachable when none answers, TooSlow when time runs out.
    """
    until = time.monotonic() + timeout
    allowed = is_allowed(host, port, allow)
    if not allowed and port not in ports:
        listed = " and ".join(map(str, sorted(ports)))
        raise Forbidden(f"{host}:{port}: only ports {listed} are fetched from")
    addresses = list(_resolve(host, port, timeout, resolve or socket.getaddrinfo))
    fit = [each for each in addresses if allowed or is_public(each[1][0])]
    if not fit:
        raise Forbidden(f"{host}:{port}: none of its addresses is public")
    return _first_that_answers(host, port, fit, until)


def is_allowed(host: str, port: int, allow: Collection[str]) -> bool:
    """Whether `host:port` is in the operator's own list. IPv6 hosts may stand in brackets there."""
    bare = host.strip("[]").lower().rstrip(".")
    return f"{bare}:{port}" in _all_plain(tuple(allow))


@lru_cache(maxsize=16)
def _all_plain(listed: tuple[str, ...]) -> frozenset[str]:
    return frozenset(_plain(each) for each in listed)


def _plain(listed: str) -> str:
    host, _, port = listed.strip().lower().rpartition(":")
    return f"{host.strip('[]').rstrip('.')}:{port}"


def _carried(address: IPv6Address) -> IPv4Address | None:
    for network, start in _CARRIERS:
        if address in network:
            return IPv4Address(address.packed[start : start + 4])
    return None


def _is_well_known_nat64(address: IPv6Address) -> bool:
    """The one carrier that is a real way to a public IPv4 host: IPv6-only networks reach the old net by it."""
    return address in _CARRIERS[0][0]


def _resolve(host: str, port: int, timeout: float, resolve: Resolve) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """The host's addresses. The system's resolver knows no deadline, so it is asked in a thread of its own."""
    found: list[Any] = []
    failed: list[OSError | UnicodeError] = []

    def ask() -> None:
        try:
            found.extend(resolve(host.strip("[]"), port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            failed.append(error)

    asking = threading.Thread(target=ask, daemon=True, name="resolve")
    asking.start()
    asking.join(timeout)
    if asking.is_alive():
        raise TooSlow(f"{host}: its name was not resolved within {timeout:.0f} s")
    if failed:
        raise Unreachable(f"{host}: its name cannot be resolved ({failed[0]})") from failed[0]
    for family, _, _, _, address in found:
        yield family, address


def _first_that_answers(
    host: str, port: int, addresses: list[tuple[int, tuple[Any, ...]]], until: float
) -> socket.socket:
    last: OSError | None = None
    for number, (family, address) in enumerate(addresses):
        left = until - time.monotonic()
        if left <= 0:
            break
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.settimeout(left / (len(addresses) - number))
        try:
            sock.connect(address)
        except OSError as error:
            sock.close()
            last = error
            continue
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock
    if last is None or isinstance(last, TimeoutError):
        raise TooSlow(f"{host}:{port}: no connection in time") from last
    raise Unreachable(f"{host}:{port}: no connection ({last.strerror or last})") from last
