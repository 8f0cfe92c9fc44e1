"""Whom Tierwise may call. A channel is an address that people type; it must not become a way into this network."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from pathlib import Path

from django.conf import settings

from tierwise.modules.exchange.transport.parcel import TransportFault

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def allowed_networks() -> list[Network]:
    """Networks beyond the public ones that the operator has opened, by ``TIERWISE_EXCHANGE_NETWORKS``."""
    return [ipaddress.ip_network(one.strip()) for one in settings.EXCHANGE_NETWORKS if one.strip()]


def is_open(address: Address, allowed: Iterable[Network]) -> bool:
    """Public addresses are open; private, local and special ones only where a network that holds them was opened."""
    address = getattr(address, "ipv4_mapped", None) or address
    if any(address.version == network.version and address in network for network in allowed):
        return True
    return address.is_global and not address.is_multicast


def resolve(host: str, port: int) -> str:
    """The address to connect to. Every address of the name must be open, or the one asked for last could differ.

    The caller connects to what is returned and never resolves again, so a name cannot change in between.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise TransportFault(f"{host} is not known: {error.strerror or error}") from None
    addresses = list(dict.fromkeys(str(one[4][0]).split("%")[0] for one in found))
    allowed = allowed_networks()
    for one in addresses:
        if not is_open(ipaddress.ip_address(one), allowed):
            raise TransportFault(
                f"{host} is at {one}, which is not a public address. If it is a system of your own, the operator opens "
                "its network with TIERWISE_EXCHANGE_NETWORKS.",
                again=False,
            )
    return addresses[0]


def private(host: str) -> bool:
    """Whether a host lies in an opened network, where plain http may do."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False


def folder(path: str) -> Path:
    """A folder that the operator has opened for exchange, or one below it; links are followed before it is judged."""
    roots = [Path(one).expanduser().resolve() for one in settings.EXCHANGE_FOLDERS if str(one).strip()]
    given = Path(path).expanduser()
    wanted = (roots[0] / given if roots and not given.is_absolute() else given).resolve()
    if not any(wanted == root or root in wanted.parents for root in roots):
        raise TransportFault(
            f"{wanted} lies outside the folders opened for exchange ({', '.join(map(str, roots))}); the operator adds "
            "one with TIERWISE_EXCHANGE_FOLDERS.",
            again=False,
        )
    return wanted
