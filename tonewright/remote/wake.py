"""Wakes a machine that sleeps: the "magic packet" of AMD's white paper 20213 (1995), as most network cards know it."""

from __future__ import annotations

import re
import socket

from tonewright.errors import ConfigError

BROADCAST, PORT = "255.255.255.255", 9  # 9: "discard", so that nothing that listens is disturbed


def magic_packet(address: str) -> bytes:
    """Six bytes 0xFF, then the card's address sixteen times. Raises `ConfigError` when `address` is none."""
    digits = re.sub(r"[:.-]", "", address)
    if not re.fullmatch(r"[0-9A-Fa-f]{12}", digits):
        raise ConfigError(f"wake: {address!r} is no address of a network card", 'write it as "aa:bb:cc:dd:ee:ff"')
    return b"\xff" * 6 + bytes.fromhex(digits) * 16


def send(wake: str) -> None:
    """Send the packet for `wake`: ADDRESS[@BROADCAST[:PORT]]. Whether anybody heard it cannot be known.

    Raises `ConfigError` when it makes no sense. A network that is down is no error: the machine just sleeps on.
    """
    address, _, target = wake.partition("@")
    packet = magic_packet(address)
    place, _, port = target.partition(":")
    if port and not port.isdigit():
        raise ConfigError(f"wake: {port!r} is no port", 'write it as "aa:bb:cc:dd:ee:ff@192.168.1.255:9"')
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        try:
            out.sendto(packet, (place or BROADCAST, int(port or PORT)))
        except OSError:
            return
