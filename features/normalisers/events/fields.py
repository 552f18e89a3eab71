"""Reading what products write in fields of no fixed type: texts inside dictionaries, lists of names and values, addresses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from typing import Any

_PORT = re.compile(r"^(?:\[(?P<six>[^\]]+)\](?::\d+)?|(?P<four>[0-9.]+):\d+)$")

_LARGEST = 2**64
"""Above it a whole number is not meant as a name, and Python refuses to write the largest ones."""


def text_at(value: object, *path: str) -> str:
    """Return the text, whole number or truth value at a path of keys; nothing where there is none."""
    for key in path:
        if not isinstance(value, Mapping):
            return ""
        value = value.get(key)
    return text_of(value)


def text_of(value: object) -> str:
    """Return a text, whole number or truth value as text; nothing for all else."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value) if isinstance(value, int) and abs(value) < _LARGEST else ""


def degrees_at(value: object, limit: float, *path: str) -> float | None:
    """Return the number at a path of keys, if it lies within ± ``limit`` degrees."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if -limit <= value <= limit else None


def named_values(pairs: object) -> dict[str, str]:
    """Return a list of ``{"Name": …, "Value": …}`` as a dictionary of its texts; what is not of that form is left out."""
    if not isinstance(pairs, list):
        return {}
    return {name: text_at(pair, "Value") for pair in pairs if (name := text_at(pair, "Name"))}


def first(*texts: str | None) -> str:
    """Return the first text that is there."""
    return next((text for text in texts if text), "")


def address_of(*texts: str | None) -> str:
    """Return the first of the texts that is an IP address, in its usual form, without port; nothing where none is."""
    for text in texts:
        found = _address(text) if text else ""
        if found:
            return found
    return ""


def _address(text: str) -> str:
    ported = _PORT.match(text) if len(text) < 64 else None
    bare = first(ported["six"], ported["four"]) if ported else text
    try:
        parsed = ip_address(bare)
    except ValueError:
        return ""
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return str(mapped or parsed)


def object_of(value: Any) -> Mapping[str, Any]:
    """Return the value if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}
