"""``make bench``: speeds in one run on one machine, as ratios to bare ``Booster.predict`` and to ``mlflow models serve``.

Trains on all of AIT-ADS found through TAMIS_DATA_DIR, everything in a temporary folder. Speeds are printed, never asserted.
"""

from __future__ import annotations

import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import httpx
import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.alert import Alert
from features.counters import CounterState
from features.default_view import DEFAULT_VIEW, ENCODINGS
from features.encode import FactBlock, FactEncoder
from features.normalisers import to_ocsf
from models.bundle import ModelBundle
from models.bundle_store import BundleStore
from models.engine import ScoringEngine
from tests.benchmarks.behaviour import behaviour
from tests.benchmarks.certifying import certifying
from tests.benchmarks.correlation import correlation
from tests.benchmarks.http_load import batches, singles
from training.dataset import load_dataset
from training.demo import service_key, serving
from training.pipeline import train
from training.registry import promote
from training.replay import ordered_alerts
from training.scoring import score_file
from training.settings import Settings

REPEATS = 3
BATCHES, BATCH, SINGLES, CONNECTIONS = 60, 1000, 4000, 64


def main() -> None:
    """Run everything and print it."""
    given = Settings.from_env()
    if given.data_dir is None or not (given.data_dir / "ait-ads").is_dir():
        sys.exit("error: set TAMIS_DATA_DIR to a folder that holds ait-ads")
    data = given.data_dir / "ait-ads"
    with tempfile.TemporaryDirectory() as folder:
        home = msgspec.structs.replace(given, var=Path(folder), tracking_uri="")
        bundle = _training(home, data)
        _kernel(data, home)
        _scoring(bundle, data, home)
        _http(home, bundle, data)
        correlation()
        certifying()
        behaviour()


def say(what: str, value: str) -> None:
    """Print one line."""
    sys.stdout.write(f"{what:58} {value}\n")
    sys.stdout.flush()


def _training(home: Settings, data: Path) -> ModelBundle:
    stages: list[tuple[str, float]] = []
    result = train(home, data, "ait-ads", told=lambda text: stages.append((text.split(":")[0], time.perf_counter())))
    stages.append(("", time.perf_counter()))
    total = stages[-1][1] - stages[0][1]
    spent: dict[str, float] = {}
    for (name, start), (_, end) in pairwise(stages):
        spent[name] = spent.get(name, 0.0) + end - start
    say(f"train, {result.alerts:,} alerts, out-of-fold models included", f"{total:.0f} s")
    for name, seconds in spent.items():
        say(f"  after '{name}'", f"{seconds:.1f} s, {seconds / total:.0%}")
    say("  peak memory", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")
    promote(home, result.version, by="bench")
    store = BundleStore(home.bundles)
    return ModelBundle.load(store.path(store.current() or ""))


def _facts(data: Path, home: Settings) -> FactBlock:
    dataset = load_dataset(sorted(data.glob("santos_alerts.csv*"))[0], "ait-ads", home.secret.read_bytes(), labels=False)
    block = dataset.timeline([]).block
    return block.widen(np.zeros((len(block), len(ENCODINGS))))


def _kernel(data: Path, home: Settings) -> None:
    block = _facts(data, home)

    def once() -> None:
        DEFAULT_VIEW.read(CounterState(DEFAULT_VIEW.spec, bytes(32)), block)

    say(
        f"kernel, {len(block):,} alerts, {len(DEFAULT_VIEW.features)} features, one core",
        f"{len(block) / _median(once):,.0f} alerts/s",
    )


def _scoring(bundle: ModelBundle, data: Path, home: Settings) -> None:
    file = sorted(data.glob("santos_alerts.csv*"))[0]
    counted: list[int] = []

    def once() -> None:
        out = home.var / "scored.parquet"
        counted.append(
            score_file(bundle, file, "ait-ads", out, home.secret.read_bytes(), history=None, told=lambda text: None)[0]
        )

    seconds = _median(once)
    say(f"score, {counted[0]:,} alerts, file to file", f"{counted[0] / seconds:,.0f} alerts/s")


def _http(home: Settings, bundle: ModelBundle, data: Path) -> None:
    alerts = ordered_alerts(sorted(data.glob("santos_alerts.csv*"))[0], "ait-ads")
    rows = _rows(bundle, alerts[: BATCHES * BATCH], home)
    bare = BATCHES * BATCH / _median(lambda: [bundle.booster.predict(rows[i : i + BATCH]) for i in range(0, len(rows), BATCH)])
    say(f"bare Booster.predict, batches of {BATCH:,}", f"{bare:,.0f} rows/s")
    with serving(home) as url:
        rates = []
        for repeat in range(REPEATS):
            key = service_key(home, "pipeline", f"bench-{repeat}", "bench")
            payloads = _payloads(alerts[: BATCHES * BATCH], f"bench-{repeat}", BATCH)
            rates.append(batches(url, key, payloads))
        batched = statistics.median(rates)
        key = service_key(home, "pipeline", "bench-single", "bench")
        single = statistics.median(
            singles(url, key, _payloads(alerts[i * SINGLES : (i + 1) * SINGLES], "bench-single", 1), CONNECTIONS)
            for i in range(REPEATS)
        )
    say(f"HTTP, durable, batches of {BATCH:,}", f"{batched:,.0f} alerts/s, {batched / bare:.0%} of the bare booster")
    served = _mlflow_serve(home, rows[:300])
    say("mlflow models serve, same model, single rows", f"{served:,.0f} rows/s")
    say(
        f"HTTP, durable, singles over {CONNECTIONS} connections",
        f"{single:,.0f} alerts/s, {single / served:.1f} × mlflow models serve",
    )


def _rows(bundle: ModelBundle, alerts: list[Alert], home: Settings) -> NDArray[np.float64]:
    engine = ScoringEngine(bundle, FactEncoder(home.secret.read_bytes()))
    return engine.score(engine.encoder.alerts(alerts)).features


def _payloads(alerts: list[Alert], tenant: str, size: int) -> list[bytes]:
    records = [to_ocsf(msgspec.structs.replace(alert, tenant=tenant)) for alert in alerts]
    if size == 1:
        return records
    return [b"[" + b",".join(records[i : i + size]) + b"]" for i in range(0, len(records), size)]


def _mlflow_serve(home: Settings, rows: NDArray[np.float64]) -> float:
    """Return single rows a second over as many connections as ours, from MLflow's own server on the champion."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    uri = f"sqlite:///{(home.var / 'mlflow' / 'mlflow.db').absolute()}"
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", "models:/tamis@champion", "--env-manager", "local"]
    command += ["-p", str(port), "-h", "127.0.0.1"]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": uri, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait(url)
        frame = pd.DataFrame(rows, columns=DEFAULT_VIEW.names)
        bodies = [
            f'{{"dataframe_split": {frame.iloc[[i]].to_json(orient="split", index=False)}}}'.encode() for i in range(len(frame))
        ]
        return singles(url, "none", bodies, 8, path="/invocations")
    finally:
        process.terminate()
        process.wait(30)


def _wait(url: str) -> None:
    until = time.monotonic() + 120.0
    while time.monotonic() < until:
        try:
            if httpx.get(f"{url}/ping", timeout=2.0).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.5)
    sys.exit("error: mlflow models serve did not start")


def _median(call: Callable[[], object]) -> float:
    spent = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        call()
        spent.append(time.perf_counter() - start)
    return statistics.median(spent)


if __name__ == "__main__":
    main()
