"""Normalisers: one product's record in, one alert out. The registry is the dictionary below; a new product is one entry."""

from __future__ import annotations

from features.errors import UnknownFormatError
from features.normalisers.ait_ads import AitAds
from features.normalisers.base import Normaliser, Place
from features.normalisers.ocsf import Ocsf, to_ocsf
from features.normalisers.suricata import Suricata
from features.normalisers.wazuh import Wazuh

NORMALISERS: dict[str, Normaliser] = {
    "ait-ads": AitAds(),
    "ocsf": Ocsf(),
    "suricata": Suricata(),
    "wazuh": Wazuh(),
}


def get_normaliser(name: str) -> Normaliser:
    """Return the normaliser of that format. Raises ``UnknownFormatError``."""
    if name not in NORMALISERS:
        raise UnknownFormatError(name, sorted(NORMALISERS))
    return NORMALISERS[name]


__all__ = ["NORMALISERS", "Normaliser", "Place", "get_normaliser", "to_ocsf"]
