"""What Prometheus may scrape; label sets are fixed, so no sender can blow them up."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

ALERTS = Counter("tamis_alerts", "Alerts decided, by the action that was published", ["action"], registry=REGISTRY)
REJECTS = Counter("tamis_rejects", "Records that could not become an alert", registry=REGISTRY)
LABELS = Counter("tamis_labels", "Labels stored, by verdict", ["verdict"], registry=REGISTRY)
LABEL_BURSTS = Counter("tamis_label_bursts", "Times that one analyst gave verdicts in a burst", registry=REGISTRY)
EVENTS = Counter(
    "tamis_events", "Events sent, by what became of each: stored, duplicate, conflict, rejected", ["what"], registry=REGISTRY
)
EVENTS_WAITING = Gauge("tamis_waiting_events", "Events waiting to be stored", registry=REGISTRY)
WAITING = Gauge("tamis_waiting_alerts", "Alerts waiting to be scored", registry=REGISTRY)
BATCH_ALERTS = Histogram(
    "tamis_batch_alerts",
    "Alerts committed together",
    buckets=(1, 2, 5, 10, 50, 100, 500, 1000, 5000),
    registry=REGISTRY,
)
REQUEST_SECONDS = Histogram(
    "tamis_ingest_seconds", "Time from the last byte of a POST /v1/alerts to its durable answer",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5), registry=REGISTRY,
)  # fmt: skip
KEYS = Gauge("tamis_counter_keys", "Keys held by the decayed counters", registry=REGISTRY)
BUNDLE_SWAPS = Counter("tamis_bundle_swaps", "Bundles swapped in", registry=REGISTRY)
BUNDLE_REFUSALS = Counter("tamis_bundle_refusals", "Bundles refused", registry=REGISTRY)
OUTBOX_DELIVERIES = Counter(
    "tamis_outbox_deliveries", "Attempts to deliver a message, by what it is then: pending is one to be tried again; "
    "alarm on failed, disabled and unwanted", ["state"], registry=REGISTRY,
)  # fmt: skip
OUTBOX_PENDING = Gauge("tamis_outbox_pending", "Deliveries that have not arrived yet", registry=REGISTRY)
INCIDENTS = Gauge("tamis_incidents", "Incidents, by status", ["status"], registry=REGISTRY)
INCIDENTS_ENDED = Counter("tamis_incidents_ended", "Closures and escalations of incidents", ["status"], registry=REGISTRY)
RETURNED = Counter("tamis_alerts_returned", "Suppressed alerts that came back as new revisions", registry=REGISTRY)
WITHDRAWALS = Counter(
    "tamis_certificates_withdrawn", "Certificates withdrawn by their anytime test; alarm on any", registry=REGISTRY
)
INCIDENTS_RAISED = Counter("tamis_incidents_raised", "Incidents raised", registry=REGISTRY)
CORRELATION_BEHIND = Gauge("tamis_correlation_behind", "Alerts decided but not yet correlated", registry=REGISTRY)
POLICY_VERSION = Gauge("tamis_policy_version", "Version of the live policy that is in force", registry=REGISTRY)
POLICY_REFUSED = Gauge("tamis_policy_refused", "1 while the newest version of the live policy cannot be read", registry=REGISTRY)
BEHAVIOUR_BEHIND = Gauge("tamis_behaviour_behind", "Events stored but not yet observed", registry=REGISTRY)
