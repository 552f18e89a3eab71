"""Fetching over a real socket: whole, resumed, cut short, wrong, unreachable."""

from __future__ import annotations

import hashlib
import io
import socket
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from rich.console import Console

from training.archive import unpack
from training.catalogue import CATALOGUE, DataSet, fetch, locate, table
from training.errors import FetchError
from training.settings import Settings

HEADER = "time,name,ip,host,short,time_label,event_label\n"


def _zip(**files: str) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as packed:
        for name, text in files.items():
            packed.writestr(name.replace("__", "/"), text)
    return body.getvalue()


class Server(ThreadingHTTPServer):
    """Serves one body; ``stop_after`` cuts the answer short, ``ranges`` off ignores Range."""

    daemon_threads = True
    body = b""
    stop_after = 10**9
    ranges = True
    asked: list[str]


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range", "")
        self.server.asked.append(asked)
        body, start = self.server.body, 0
        if asked and self.server.ranges:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200 if self.path == "/a.zip" else 404)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        self.wfile.write(body[start : start + self.server.stop_after])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(("127.0.0.1", 0), _Handler)
    made.body = _zip(alerts_csv__fox_alerts=HEADER, **{"alerts_csv__acme_alerts.txt": HEADER + "1,a,b,c,d,e,-\n" * 9000})
    made.asked = []
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def _catalogue(server: Server, path: str = "/a.zip") -> dict[str, DataSet]:
    body = server.body
    return {
        "a": DataSet(
            name="a",
            what="",
            rows="",
            licence="",
            address=f"http://127.0.0.1:{server.server_address[1]}{path}",
            size=len(body),
            sha256=hashlib.sha256(body).hexdigest(),
        )
    }


QUIET = Console(quiet=True)


def test_fetch_unpacks_into_var_and_leaves_nothing_else(server: Server, settings: Settings) -> None:
    folder = fetch(settings, "a", QUIET, _catalogue(server))
    assert folder == settings.var / "data" / "a" == locate(settings, "a")
    assert sorted(file.name for file in folder.iterdir()) == ["acme_alerts.csv", "fox_alerts"]
    assert [file.name for file in folder.parent.iterdir()] == ["a"]
    fetch(settings, "a", QUIET, _catalogue(server))
    assert len(server.asked) == 1


def test_fetch_goes_on_where_it_stopped(server: Server, settings: Settings) -> None:
    server.stop_after = 300
    with pytest.raises(FetchError, match=r"300 of .* bytes are kept"):
        fetch(settings, "a", QUIET, _catalogue(server))
    assert locate(settings, "a") is None
    server.stop_after = 10**9
    fetch(settings, "a", QUIET, _catalogue(server))
    assert server.asked == ["", "bytes=300-"]


def test_fetch_starts_again_when_the_server_knows_no_ranges(server: Server, settings: Settings) -> None:
    (settings.var / "data").mkdir(parents=True)
    (settings.var / "data" / "a.zip.part").write_bytes(b"x" * 100)
    server.ranges = False
    assert (fetch(settings, "a", QUIET, _catalogue(server)) / "acme_alerts.csv").exists()


def test_fetch_starts_again_when_the_beginning_was_of_another_file(server: Server, settings: Settings) -> None:
    (settings.var / "data").mkdir(parents=True)
    (settings.var / "data" / "a.zip.part").write_bytes(b"x" * 100)
    fetch(settings, "a", QUIET, _catalogue(server))
    assert server.asked == ["bytes=100-", ""]


def test_fetch_refuses_another_file(server: Server, settings: Settings) -> None:
    catalogue = _catalogue(server)
    server.body = b"y" * len(server.body)
    with pytest.raises(FetchError, match="sha-256"):
        fetch(settings, "a", QUIET, catalogue)
    assert list((settings.var / "data").iterdir()) == []


@pytest.mark.parametrize("more", [b"", b"more"])
def test_fetch_refuses_another_size(server: Server, settings: Settings, more: bytes) -> None:
    catalogue = _catalogue(server)
    server.body = server.body[:-10] if not more else server.body + more
    with pytest.raises(FetchError, match="expected"):
        fetch(settings, "a", QUIET, catalogue)
    assert locate(settings, "a") is None


def test_fetch_says_what_the_server_says(server: Server, settings: Settings) -> None:
    with pytest.raises(FetchError, match="404") as caught:
        fetch(settings, "a", QUIET, _catalogue(server, "/b.zip"))
    assert caught.value.name == "a"
    assert caught.value.address.endswith("/b.zip")


def test_fetch_without_a_network_is_a_fetch_error(server: Server, settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    item = next(iter(_catalogue(server).values()))
    offline = DataSet(name="a", what="", rows="", licence="", address=f"http://127.0.0.1:{port}/", size=9, sha256=item.sha256)
    with pytest.raises(FetchError, match="refused"):
        fetch(settings, "a", QUIET, {"a": offline})


def test_local_copy_comes_first_and_is_not_copied(server: Server, tmp_path: Path) -> None:
    (tmp_path / "local" / "a").mkdir(parents=True)
    (tmp_path / "local" / "a" / "acme_alerts.csv").write_text(HEADER)
    settings = Settings(var=tmp_path / "var", data_dir=tmp_path / "local")
    assert fetch(settings, "a", QUIET, _catalogue(server)) == tmp_path / "local" / "a"
    assert server.asked == []
    assert not (tmp_path / "var").exists()


def test_sets_that_no_program_may_fetch_say_how_to_get_them(settings: Settings) -> None:
    with pytest.raises(FetchError, match="Kaggle"):
        fetch(settings, "guide", QUIET)
    with pytest.raises(FetchError, match="known: ait-ads"):
        fetch(settings, "nothing", QUIET)


def test_table_shows_every_set(settings: Settings) -> None:
    console = Console(width=300, record=True, quiet=False, file=io.StringIO())
    console.print(table(settings))
    text = console.export_text()
    assert all(name in text for name in CATALOGUE)


@pytest.mark.parametrize("entry", ["../evil.csv", "/etc/evil.csv", "a/../../evil.csv", "c:evil.csv", "..\\evil.csv"])
def test_unpack_refuses_paths_that_lead_out(tmp_path: Path, entry: str) -> None:
    (tmp_path / "a.zip").write_bytes(_zip(**{entry: "x"}))
    with pytest.raises(FetchError, match="unsafe"):
        unpack("a", "here", tmp_path / "a.zip", tmp_path / "out")
    assert not (tmp_path / "evil.csv").exists()


def test_unpack_refuses_links_bombs_and_damage(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as packed:
        packed.writestr(link, "/etc/passwd")
    whole = _zip(big="x" * 5000)
    (tmp_path / "big.zip").write_bytes(whole)
    (tmp_path / "cut.zip").write_bytes(whole[:-40])
    (tmp_path / "bad.zip").write_bytes(whole.replace(b"x" * 100, b"y" * 100, 1))
    (tmp_path / "none.zip").write_bytes(_zip())
    for name, words in (("link", "unsafe"), ("big", "more than"), ("cut", "sound"), ("bad", "sound"), ("none", "no file")):
        with pytest.raises(FetchError, match=words):
            unpack("a", "here", tmp_path / f"{name}.zip", tmp_path / f"out-{name}", most_bytes=4000 if name == "big" else 10_000)
