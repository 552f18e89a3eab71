"""The commands, in processes of their own."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import msgspec
import pytest
from click.testing import Result
from typer.testing import CliRunner

from service.commands import app
from tests.benchmarks.http_load import batches, singles
from tests.service.client import Service, finding
from tests.service.process import ROOT, Process, run_service


def run(*arguments: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(app, list(arguments))


def test_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAMIS_VAR", str(tmp_path))
    text = run("keys", "create", "--role", "analyst", "--tenant", "acme", "--name", "ann").stdout.strip()
    uid = text.split("_")[1]
    assert "ann" in run("keys", "list").stdout
    assert run("keys", "revoke", uid).exit_code == 0
    assert "revoked" in run("keys", "list").stdout
    again = run("keys", "revoke", uid)
    assert uid in again.stderr
    assert again.exit_code == 1


def test_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        child = run_service(tmp_path, "serve", "--port", str(taken.getsockname()[1]))
        _, told = child.communicate(timeout=300)
    assert child.returncode == 1
    assert "cannot listen" in told
    assert "Traceback" not in told


def test_a_second_service_says_why_it_does_not_start(service: Service) -> None:
    child = run_service(service.settings.var, "serve", "--port", "0")
    _, told = child.communicate(timeout=300)
    assert child.returncode == 1
    assert told.splitlines()[-1].startswith("error: ")
    assert "in use by another service" in told.splitlines()[-1]
    assert service.post(finding("a")).status_code == 201


def test_wrong_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAMIS_PORT", "many")
    done = run("serve")
    assert done.exit_code == 1
    assert "TAMIS_PORT=many" in done.stderr
    assert run("serve", "--port", "65536").exit_code == 2


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    child = run_service(tmp_path / "file" / "var", "serve", "--port", "0")
    _, told = child.communicate(timeout=60)
    assert child.returncode == 1
    assert told.splitlines()[-1].startswith(f"error: {tmp_path / 'file'}")


def test_context_import_names_the_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAMIS_VAR", str(tmp_path))
    file = tmp_path / "assets.csv"
    file.write_text("uid,criticality\nh1,9\n")
    done = run("context", "import", str(file), "--kind", "assets", "--tenant", "acme")
    assert "row 0" in done.stderr
    assert done.exit_code == 1


def test_over_a_real_socket(tmp_path: Path) -> None:
    with Process(tmp_path) as process:
        some = [msgspec.json.encode([finding(f"b{n}-{i}") for i in range(100)]) for n in range(5)]
        assert batches(process.url, process.key, some) > 0
        assert singles(process.url, process.key, [msgspec.json.encode(finding(f"s{i}")) for i in range(100)], 8) > 0
        head = {"authorization": f"Bearer {process.key}"}
        assert httpx.get(f"{process.url}/v1/decisions/s99", headers=head).status_code == 200
        assert "tamis_alerts_total" in httpx.get(f"{process.url}/metrics", headers=head).text


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    acknowledged: list[str] = []
    for life in range(5):
        with Process(tmp_path) as process:
            timer = threading.Timer(0.1 + 0.07 * life, process.kill)
            head = {"authorization": f"Bearer {process.key}"}
            with httpx.Client(base_url=process.url, headers=head) as client:
                try:
                    for n in range(100_000):
                        if n == 1:
                            timer.start()
                        answer = client.post("/v1/alerts", json=[finding(f"{life}-{n}-{i}", rule=f"r{i}") for i in range(5)])
                        acknowledged += [decision["alert_uid"] for decision in answer.json()["decisions"]]
                except httpx.TransportError:
                    pass
            timer.join()
    with Process(tmp_path) as process:
        head = {"authorization": f"Bearer {process.key}"}
        with httpx.Client(base_url=process.url, headers=head) as client:
            stored = {uid for uid in acknowledged if client.get(f"/v1/decisions/{uid}").status_code == 200}
    assert acknowledged
    assert stored == set(acknowledged)


@pytest.mark.parametrize("forbidden", ["mlflow,sklearn,joblib,pandas,cloudpickle,training"])
def test_the_scoring_path_runs_without_the_libraries_of_training(tmp_path: Path, forbidden: str) -> None:
    code = """
import json, sys
from pathlib import Path
for name in sys.argv[2].split(","):
    sys.modules[name] = None
from tests.service.client import Service, finding
from tests.service.bundles import publish
var = Path(sys.argv[1])
publish(var, var / "work")
with Service(var) as service:
    print(json.dumps(service.post(finding("a")).json()))
    assert service.send("GET", "/v1/decisions/a").json()["reasons"]
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), forbidden], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["bundle"]
