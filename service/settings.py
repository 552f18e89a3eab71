"""Settings of the service, from the environment. The only place in ``service/`` that reads it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import msgspec

from service.errors import StartError

_Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
_Count = Annotated[int, msgspec.Meta(ge=1)]
_Seconds = Annotated[float, msgspec.Meta(ge=0.0, le=1e10)]
_Pause = Annotated[float, msgspec.Meta(gt=0.0, le=86_400.0)]
_Share = Annotated[float, msgspec.Meta(gt=0.0, lt=1.0)]


class ServiceSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Each field is ``TAMIS_<NAME>`` in the environment.

    ====================  =========  ====================================================================
    field                 default    meaning
    ====================  =========  ====================================================================
    var                   ``var``    folder under which everything is written
    host                  127.0.0.1  address to listen on
    port                  8321       port to listen on
    max_body_bytes        16777216   largest request body
    max_waiting_alerts    50000      alerts that may wait for the scorer; beyond that 503 with Retry-After
    max_waiting_events    50000      events that may wait to be stored; beyond that 503 with Retry-After
    max_labels            2000       verdicts in one request; beyond that 413, and nothing is taken
    max_labels_an_hour    2000       verdicts of one analyst in an hour, imports aside; beyond that 429 with Retry-After
    batch_alerts          4000       most alerts that are scored and committed together
    snapshot_facts        200000     facts between two snapshots of the counters, events between two of behaviour
    max_keys              4194304    most keys that the counters hold; then the most decayed are dropped
    poll_seconds          1.0        how often the bundle store, keys, context and the outbox are looked at
    webhook_seconds       20.0       longest that one attempt to deliver a message may take
    playbooks             None       folder of own playbooks, beside or in place of those that are shipped
    quiet_seconds         14400.0    without a suspicious alert on what was contained, before an incident closes
    outcome_seconds       3600.0     within which an outcome must be reported once the first has been
    settle_seconds        259200.0   after the last alert of an incident its verdicts count in the audit's tests
    look_back_seconds     2592000.0  how old alerts may be that a newly imported indicator brings back
    whatif_days           90         most days that a what-if may look back
    whatif_alerts         200000     most alerts that a what-if looks at, the latest first
    false_discovery       0.1        of a day's accounts that are called out, at most this share by chance
    late_seconds          21600.0    after its end a UTC day is closed and judged; past days that are imported, after a pause
    step_up_share         0.01       of benign entity-days, at most this share may be stepped up; else a person decides
    restrict_share        0.002      of benign entity-days, at most this share may be restricted; else a person decides
    keep_events_seconds   7776000.0  how long events are kept after they happened
    keep_anomalies_seconds 15552000.0 how long judgements of behaviour are kept
    keep_risk_seconds     34560000.0 how long risks and changes of controls are kept
    issuer                ``tamis``  who issues security event tokens, such as this service's URL
    ====================  =========  ====================================================================
    """

    var: Path = Path("var")
    host: str = "127.0.0.1"
    port: _Port = 8321
    max_body_bytes: _Count = 16 * 2**20
    max_waiting_alerts: _Count = 50_000
    max_waiting_events: _Count = 50_000
    max_labels: _Count = 2_000
    max_labels_an_hour: _Count = 2_000
    batch_alerts: _Count = 4_000
    snapshot_facts: _Count = 200_000
    max_keys: _Count = 2**22
    poll_seconds: _Pause = 1.0
    webhook_seconds: _Pause = 20.0
    playbooks: Path | None = None
    quiet_seconds: _Seconds = 4 * 3600.0
    outcome_seconds: _Seconds = 3600.0
    settle_seconds: _Seconds = 3 * 86_400.0
    look_back_seconds: _Seconds = 30 * 86_400.0
    whatif_days: _Count = 90
    whatif_alerts: _Count = 200_000
    false_discovery: _Share = 0.1
    late_seconds: _Seconds = 6 * 3600.0
    step_up_share: _Share = 0.01
    restrict_share: _Share = 0.002
    keep_events_seconds: _Seconds = 90 * 86_400.0
    keep_anomalies_seconds: _Seconds = 180 * 86_400.0
    keep_risk_seconds: _Seconds = 400 * 86_400.0
    issuer: str = "tamis"

    @classmethod
    def from_env(cls) -> ServiceSettings:
        """Read the environment. Raises ``StartError`` naming the variable that is wrong."""
        given = {
            name: os.environ[f"TAMIS_{name.upper()}"] for name in cls.__struct_fields__ if f"TAMIS_{name.upper()}" in os.environ
        }
        for name, text in given.items():
            try:
                msgspec.convert({name: text}, cls, strict=False, dec_hook=_other)
            except msgspec.ValidationError as error:
                raise StartError(f"TAMIS_{name.upper()}={text}: {str(error).partition(' - at ')[0]}") from error
        return msgspec.convert(given, cls, strict=False, dec_hook=_other)

    @property
    def database(self) -> Path:
        """The records."""
        return self.var / "service" / "tamis.db"

    @property
    def keys(self) -> Path:
        """The API keys, hashed."""
        return self.var / "service" / "keys.json"

    @property
    def anchors(self) -> Path:
        """Where the decision log ended, and when."""
        return self.var / "service" / "anchors.json"

    @property
    def receivers(self) -> Path:
        """The outbox's receivers, with their secrets."""
        return self.var / "service" / "receivers.json"

    @property
    def state(self) -> Path:
        """Snapshots of the counters and of behaviour."""
        return self.var / "service" / "state"

    @property
    def bundles(self) -> Path:
        """The bundle store."""
        return self.var / "bundles"

    @property
    def policy(self) -> Path:
        """The versions of the live policy."""
        return self.var / "policy"

    @property
    def context(self) -> Path:
        """Context versions."""
        return self.var / "context"

    @property
    def secret(self) -> Path:
        """The installation's hash secret."""
        return self.var / "secret.key"


def _other(kind: type[Any], value: Any) -> Any:
    return kind(value)
