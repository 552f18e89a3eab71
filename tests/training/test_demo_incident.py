"""What the demo shows of an incident, from answers as the service gives them."""

from __future__ import annotations

import io
from typing import Any

import httpx
import pytest
from rich.console import Console

from training.demo_incident import most_urgent, wait_for_correlation
from training.errors import ReplayError, TrainingError
from training.replay import Client

STEP = {
    "name": "Isolate host", "action": "approve", "reasons": ["The host is held.", "It worked before."],
    "targets": [{"variable": "h", "kind": "host", "uid": f"ws-{i}[red]"} for i in range(5)],
}  # fmt: skip
ANSWERS: dict[str, Any] = {
    "/v1/queue": {"incidents": [{"rank": 1, "incident": {"uid": "i1", "priority": 91, "alerts": 1234, "lines": 56}}]},
    "/v1/incidents/i1/report": {"title": "malware on a host"},
    "/v1/incidents/i1/chain": {"text": "It got in by host ws-1.\n\n" + "\n".join(f"{i}. step" for i in range(1, 8))},
    "/v1/incidents/i1/recommendations": {"recommendations": [STEP]},
}


def _client(answers: dict[str, Any], metrics: str = "") -> Client:
    """Return a client of a service that gives these answers."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/metrics":
            return httpx.Response(200, text=metrics)
        return httpx.Response(200, json=answers[request.url.path])

    client = Client("http://demo", "key")
    client._http = httpx.Client(base_url="http://demo", transport=httpx.MockTransport(answer))
    return client


def test_the_first_of_the_queue_is_told_in_a_few_lines() -> None:
    found = most_urgent(_client(ANSWERS))
    assert (found.title, found.priority, found.alerts, found.lines) == ("malware on a host", 91, 1234, 56)
    assert found.chain == ("It got in by host ws-1.", "1. step", "2. step", "3. step", "4. step", "… and 3 more")
    assert found.step == "Isolate host (approve) on host ws-0[red], host ws-1[red], host ws-2[red] and 2 more"
    assert found.reason == "The host is held. It worked before."


def test_names_are_no_markup() -> None:
    shown = io.StringIO()
    Console(file=shown, width=200).print(most_urgent(_client(ANSWERS)).panel())
    assert "ws-0[red]" in shown.getvalue()
    assert "1,234 alerts in 56 lines, priority 91" in shown.getvalue()


@pytest.mark.parametrize(
    ("path", "nothing", "why"),
    [
        ("/v1/queue", {"incidents": []}, "no incident waits"),
        ("/v1/incidents/i1/recommendations", {"recommendations": []}, "nothing is recommended"),
    ],
)
def test_nothing_to_show_is_an_error(path: str, nothing: dict[str, Any], why: str) -> None:
    with pytest.raises(TrainingError, match=why):
        most_urgent(_client({**ANSWERS, path: nothing}))


def test_correlation_that_does_not_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    wait_for_correlation(_client({}, "tamis_x 1.0\ntamis_correlation_behind 0.0\n"))
    monkeypatch.setattr("training.demo_incident._WAIT_SECONDS", 0.3)
    with pytest.raises(ReplayError, match="correlation"):
        wait_for_correlation(_client({}, "tamis_correlation_behind 20.0\n"))
