"""The catalogue of public data sets: what there is, where from, and a copy under ``TAMIS_VAR`` on demand."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from training.archive import unpack
from training.download import download
from training.errors import FetchError
from training.settings import Settings


class DataSet(msgspec.Struct, frozen=True, kw_only=True):
    """One public data set. Only sets with a ``sha256`` are fetched; for the others ``how`` says how to get them.

    ``format`` is the name to give to ``--format``, ``""`` where no reader takes the set as it is. ``size`` in bytes.
    """

    name: str
    what: str
    rows: str
    licence: str
    address: str
    format: str = ""
    size: int = 0
    sha256: str = ""
    how: str = "download from the address"


_SETS = (
    DataSet(
        name="ait-ads",
        what="Wazuh, Suricata and AMiner alerts of eight networks, each attacked in many steps; labelled by step",
        rows="2.6 million",
        licence="CC BY 4.0",
        address="https://raw.githubusercontent.com/ait-aecid/alert-data-set/HEAD/alerts_csv/alerts_csv.zip",
        format="ait-ads",
        size=3_429_496,
        sha256="2bf1a81527a3fe15d92079a7834c9d77c5305546e15569657d2097d6294825c3",
        how="tamis data fetch ait-ads",
    ),
    DataSet(
        name="wazuh",
        what="raw Wazuh alerts of small networks (AIT-LDSv1.1); attack time windows only",
        rows="thousands",
        licence="CC BY 4.0",
        address="https://zenodo.org/record/4264796",
        format="wazuh",
    ),
    DataSet(
        name="suricata-eve",
        what="Suricata alerts of a red-team competition (CPTC 2017), as exported by Splunk; unlabelled",
        rows="three teams",
        licence="MIT",
        address="https://github.com/tudelft-cda-lab/SAGE",
        format="suricata",
    ),
    DataSet(
        name="guide",
        what="Microsoft GUIDE: evidence of incidents, graded by customers' analysts",
        rows="13 million",
        licence="CDLA-Permissive-2.0",
        address="https://www.kaggle.com/datasets/Microsoft/microsoft-security-incident-prediction",
        how="needs a Kaggle account; unpack the CSV files",
    ),
    DataSet(
        name="nids-alert-data",
        what="TalTech: groups of Suricata alerts, labelled by people",
        rows="1.4 million groups",
        licence="CC BY 4.0",
        address="https://github.com/ristov/nids-alert-data",
        how="clone the repository",
    ),
    DataSet(
        name="cert",
        what="CERT insider threat r4.2, r5.2, r6.2: synthetic user activity",
        rows="32 million (r4.2)",
        licence="may not be redistributed",
        address="https://doi.org/10.1184/R1/12841247",
    ),
    DataSet(
        name="lanl",
        what="LANL cyber1: 58 days of authentication and network events with red-team logins",
        rows="1.6 billion",
        licence="CC0",
        address="https://csr.lanl.gov/data/cyber1",
        how="ask on the page for the links",
    ),
    DataSet(
        name="clue-lds",
        what="CLUE-LDS: five years of cloud storage events of real users",
        rows="50 million",
        licence="CC BY 4.0",
        address="https://zenodo.org/record/7119953",
    ),
    DataSet(
        name="o365",
        what="a Microsoft 365 unified audit log with attacks by hand; unlabelled",
        rows="9,611",
        licence="see the repository",
        address="https://github.com/invictus-ir/o365_dataset",
        how="clone the repository",
    ),
)

CATALOGUE: dict[str, DataSet] = {item.name: item for item in _SETS}


def locate(settings: Settings, name: str) -> Path | None:
    """Return where a data set lies here: the local copy under ``TAMIS_DATA_DIR``, else a fetched one, else ``None``."""
    for root in (settings.data_dir, settings.var / "data"):
        if root is not None and (root / name).is_dir() and any((root / name).iterdir()):
            return root / name
    return None


def fetch(settings: Settings, name: str, console: Console, catalogue: Mapping[str, DataSet] = CATALOGUE) -> Path:
    """Return the folder of a data set, fetched if it is not here yet. An interrupted download is taken up where it stopped.

    Raises ``FetchError`` when the set is unknown, cannot be fetched by a program, or what comes is not what it should be;
    then there is no such folder.
    """
    if name not in catalogue:
        raise FetchError(name, "the catalogue", f"no such data set; known: {', '.join(catalogue)}")
    item = catalogue[name]
    found = locate(settings, name)
    if found is not None:
        console.print(f"{name}: using the copy in {found}", highlight=False, markup=False)
        return found
    if not item.sha256:
        raise FetchError(name, item.address, f"not fetched by Tamis: {item.how}, and put it into TAMIS_DATA_DIR/{name}")
    folder = settings.var / "data"
    archive = download(name, item.address, folder / f"{name}.zip", size=item.size, sha256=item.sha256, console=console)
    draft = folder / f"{name}.unpacking"
    shutil.rmtree(draft, ignore_errors=True)
    try:
        unpack(name, item.address, archive, draft)
        draft.rename(folder / name)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    archive.unlink()
    return folder / name


def table(settings: Settings) -> Table:
    """Return the catalogue as a table for people, with what is here already."""
    shown = Table("name", "what", "rows", "licence", "--format", "here", "how to get it", title="Public data sets")
    for item in CATALOGUE.values():
        here = locate(settings, item.name)
        how = item.how if item.sha256 else f"{item.how}: {item.address}"
        shown.add_row(item.name, item.what, item.rows, item.licence, item.format or "–", str(here or "–"), how)
    return shown
