"""Owns how a name server is written in the settings."""

from __future__ import annotations

import ipaddress

PORT = 53
Server = tuple[str, int]


def parse_server(text: str) -> Server:
    """Address and port of `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`. Raises `ValueError`."""
    host, port = text, PORT
    if text.count(":") == 1 or text.startswith("["):
        host, _, number = text.rpartition(":") if not text.endswith("]") else (text, "", "")
        if number:
            if not (number.isascii() and number.isdecimal() and 0 < int(number) < 65_536):
                raise ValueError(f"{text} has no port from 1 to 65535 after the colon")
            port = int(number)
        host = host.removeprefix("[").removesuffix("]")
    try:
        return str(ipaddress.ip_address(host)), port
    except ValueError:
        raise ValueError(f"{text} is no address of a name server; write 192.0.2.1 or 192.0.2.1:53") from None
