"""Replay: play a history's alerts against a running service."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec

from features.alert import Alert
from features.normalisers import to_ocsf
from features.reading import read_chunks
from training.errors import ReplayError

BATCH = 1000
_DECODER = msgspec.json.Decoder()


class Client:
    """A client of the service for one key. Raises ``ReplayError`` when the service does not answer as it should."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60.0)

    def send(self, alerts: Sequence[Alert]) -> list[dict[str, Any]]:
        """Post alerts in the canonical form and return their decisions."""
        body = b"[" + b",".join(to_ocsf(alert) for alert in alerts) + b"]"
        answer = self._request("POST", "/v1/alerts", content=body, headers={"Content-Type": "application/json"})
        if answer["rejected"]:
            raise ReplayError(self.url, f"refused {answer['rejected'][0]}")
        return list(answer["decisions"])

    def get(self, path: str, **parameters: Any) -> Any:
        """Return what a GET gives."""
        return self._request("GET", path, params=parameters)

    def text(self, path: str) -> str:
        """Return what a GET gives that is not JSON."""
        return self._answer("GET", path).text

    def post(self, path: str, body: object) -> Any:
        """Post JSON and return the answer."""
        return self._request("POST", path, content=msgspec.json.encode(body), headers={"Content-Type": "application/json"})

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _request(self, method: str, path: str, **more: Any) -> Any:
        return _DECODER.decode(self._answer(method, path, **more).content)

    def _answer(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **more)
        except httpx.HTTPError as error:
            raise ReplayError(self.url, f"{method} {path}: {error}") from error
        if answer.is_error:
            raise ReplayError(self.url, f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer


def ordered_alerts(data: Path, fmt: str) -> list[Alert]:
    """Return the alerts at ``data`` in the order of time. Raises ``SourceError``."""
    alerts = [alert for chunk in read_chunks(data, fmt, labels=False) for alert in chunk.alerts]
    return sorted(alerts, key=lambda alert: alert.time)


def batches(alerts: Sequence[Alert], size: int = BATCH) -> Iterator[Sequence[Alert]]:
    """Cut alerts into batches."""
    for start in range(0, len(alerts), size):
        yield alerts[start : start + size]


def replay(data: Path, fmt: str, url: str, key: str, *, speed: float, told: Callable[[str], None]) -> Counter[str]:
    """Play the alerts at ``data`` to the service; return how many got which action."""
    client, counts, sent = Client(url, key), Counter[str](), 0
    alerts = ordered_alerts(data, fmt)
    try:
        for some in paced(alerts, speed) if speed > 0 else batches(alerts):
            counts.update(decision["action"] for decision in client.send(some))
            sent += len(some)
            told(f"replaying: {sent:,} of {len(alerts):,} alerts")
    finally:
        client.close()
    return counts


def paced(alerts: Sequence[Alert], speed: float) -> Iterable[Sequence[Alert]]:
    """Yield the alerts when they are due, ``speed`` times as fast as life."""
    started, first, at = time.monotonic(), alerts[0].time.timestamp(), 0
    while at < len(alerts):
        now = first + (time.monotonic() - started) * speed
        due = at
        while due < len(alerts) and due - at < BATCH and alerts[due].time.timestamp() <= now:
            due += 1
        if due > at:
            yield alerts[at:due]
            at = due
        else:
            time.sleep(min((alerts[at].time.timestamp() - now) / speed, 1.0))
