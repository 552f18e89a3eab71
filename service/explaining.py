"""Why, in words: every revision of the decision on an alert, from its record, the bundle and the live policy that decided."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
from sqlalchemy import Connection, select

from features.alert import Alert, main_entity
from models.bundle import ModelBundle
from models.bundle_store import BundleStore
from models.decision import Action, ReasonCode
from models.errors import ModelsError
from models.incidents.printable import printable
from models.policy_store import PolicyStore
from service.errors import InvalidError, NotFoundError
from service.settings import ServiceSettings
from service.store.decision_log import DecisionLog
from service.store.erasing import pseudonym_of
from service.store.tables import alerts, decisions, erasures, names

SENTENCES = {
    ReasonCode.BELOW_THRESHOLD: "its score is below the threshold that the certificate proves",
    ReasonCode.ABOVE_THRESHOLD: "its score is above a threshold for more than the queue",
    ReasonCode.BETWEEN_THRESHOLDS: "its score is neither low nor high enough for anything but a person",
    ReasonCode.NO_CERTIFICATE: "nothing is proven for alerts of its kind, so nothing may be automatic",
    ReasonCode.AUDIT: "it would have been suppressed, but was drawn for the audit of what suppression misses",
    ReasonCode.NOT_HABITUAL: "the rule is not habitual on the entity, and only the habitual is suppressed",
    ReasonCode.UNKNOWN_RULE: "the model does not know the rule",
    ReasonCode.MISSING_FEATURES: "too many of its features are missing",
    ReasonCode.GUARDRAIL_SEVERITY: "a guardrail keeps alerts of its severity before a person",
    ReasonCode.GUARDRAIL_ASSET: "a guardrail keeps alerts on so critical an asset before a person",
    ReasonCode.GUARDRAIL_INDICATOR: "a guardrail keeps it before a person: a known indicator matches",
    ReasonCode.GUARDRAIL_DECOY: "a guardrail keeps it before a person: a decoy was touched",
    ReasonCode.GUARDRAIL_TACTIC: "a guardrail keeps alerts of its tactic before a person",
    ReasonCode.GUARDRAIL_TECHNIQUE: "a guardrail keeps alerts of its technique before a person",
    ReasonCode.NEVER_TOUCH: "a guardrail: it names what no automation may touch",
    ReasonCode.RESPONSE_CAP: "a guardrail: as many responses as are allowed in the window were given already",
    ReasonCode.NO_MODEL: "no model was serving",
    ReasonCode.UNSCORED: "it could not be scored in time",
    ReasonCode.OUT_OF_DISTRIBUTION: "it is unlike what the model was trained on",
    ReasonCode.COSTS: "of what is proven, the costs that were given choose this",
    ReasonCode.SHADOW: "its tenant is in shadow: what is decided is recorded, and a person sees all",
    ReasonCode.ADVISE: "its tenant's mode is advise: what is decided is let out as a proposal",
    ReasonCode.WITHDRAWN: "a certificate on which it would rest is withdrawn",
    ReasonCode.KILL_SWITCH: "the kill switch was on",
    ReasonCode.POLICY_UNREADABLE: "the live policy could not be read",
    ReasonCode.INCIDENT_ESCALATED: "its incident escalated, so its suppressed alerts came back",
    ReasonCode.CERTIFICATE_WITHDRAWN: "the certificate on which it was suppressed was withdrawn later",
    ReasonCode.INDICATOR_MATCHED: "an indicator that was imported later matches it",
}
GUARDRAILS = frozenset(
    code
    for code in ReasonCode
    if code.startswith("guardrail_") or code in (ReasonCode.NEVER_TOUCH, ReasonCode.RESPONSE_CAP, ReasonCode.NOT_HABITUAL)
) | {ReasonCode.UNKNOWN_RULE, ReasonCode.MISSING_FEATURES}
"""Codes of guardrails, the bundle's own and those of the live policy."""
_SAID = {
    Action.SUPPRESS: "suppress",
    Action.QUEUE: "queue for a person",
    Action.APPROVE: "propose a response to a person",
    Action.RESPOND: "respond",
    Action.ESCALATE: "escalate to a person at once",
}
_MOST = 200


class Explainer:
    """Tells of alerts by uid, for a person who may read all records. ``tell`` yields lines without what a terminal would obey."""

    def __init__(self, connection: Connection, settings: ServiceSettings, secret: bytes) -> None:
        self._connection, self._log = connection, DecisionLog(secret)
        self._bundles, self._policies = BundleStore(settings.bundles), PolicyStore(settings.policy)
        self._loaded: dict[str, ModelBundle | None] = {}

    def tell(self, uid: str, tenant: str = "") -> Iterator[str]:
        """Yield what was decided on an alert and why. Raises ``NotFoundError``, ``InvalidError`` where several tenants have it."""
        found = self._find(uid, tenant)
        yield from self._alert(found)
        rows = self._connection.execute(
            select(decisions).where(decisions.c.alert_seq == found.seq).order_by(decisions.c.revision)
        ).all()
        for row in rows:
            yield ""
            yield from self._revision(row)

    def _find(self, uid: str, tenant: str) -> Any:
        tenants = [tenant] if tenant else self._connection.execute(select(names.c.tenant).distinct()).scalars().all()
        found: list[Any] = []
        for name in filter(None, tenants):
            called = (uid, pseudonym_of(self._log.subject(name, uid)))
            statement = select(alerts.c.seq, alerts.c.tenant, alerts.c.payload, erasures.c.time.label("erased"))
            statement = statement.outerjoin(erasures, erasures.c.alert_seq == alerts.c.seq)
            found += self._connection.execute(statement.where(alerts.c.tenant == name, alerts.c.uid.in_(called))).all()
        if not found:
            raise NotFoundError(f"no alert {printable(uid, _MOST)}")
        if len(found) > 1:
            raise InvalidError(
                "several tenants have an alert of that uid; name one: " + ", ".join(_clean(r.tenant) for r in found)
            )
        return found[0]

    @staticmethod
    def _alert(found: Any) -> Iterator[str]:
        alert = msgspec.json.decode(found.payload, type=Alert)
        entity = main_entity(alert)
        yield f"alert {_clean(alert.uid)} of {_clean(alert.tenant)}, number {found.seq}"
        yield f"  {_clean(alert.product)}: {_clean(alert.rule.name or alert.rule.uid)}, severity {alert.severity}, {_when(alert.time)}"
        if found.erased is not None:
            yield f"  what was personal of it was erased on {_when(datetime.fromtimestamp(found.erased, UTC))}"
        elif entity.uid:
            yield f"  {_clean(entity.kind)} {_clean(entity.uid)}"

    def _revision(self, row: Any) -> Iterator[str]:
        action, published = Action(row.action), Action(row.published_action)
        out = "" if published is action else f"; let out: {_SAID[published]}"
        yield f"revision {row.revision}, {_when(datetime.fromtimestamp(row.time, UTC))}: {_SAID[action]}{out}"
        if row.score is not None:
            yield f"  score {row.score:.4g} (probability of an attack), priority {row.priority} of 100, surprise {row.anomaly:.3g} bits"
        codes = [ReasonCode(code) for code in row.reason_codes.split()]
        yield from (f"  because {SENTENCES[code]} [{code.value}]" for code in codes)
        held = [code.value for code in codes if code in GUARDRAILS]
        yield f"  guardrails: {', '.join(held)} held it back" if held else "  guardrails: none held it back"
        yield from self._proof(row)
        yield f"  {_audit(row.shown, codes)}"
        yield f"  live policy: {self._policy(row.policy)}"
        yield from self._bundle_lines(row)
        yield f"  row {row.id} of the log, chain {row.chain.hex()[:16]}…"

    def _proof(self, row: Any) -> Iterator[str]:
        if not row.certificate:
            yield "  certificate: it rests on none"
            return
        bundle = self._load(row.bundle)
        known = {c.uid: c for c in bundle.policy.certificates} if bundle is not None else {}
        certificate = known.get(row.certificate)
        said = _clean(certificate.sentence()) if certificate is not None else "its bundle is no longer here to say what it proves"
        yield f"  certificate {_clean(row.certificate)}: {said}" + (
            f"; response of at most {row.tier} blast radius" if row.tier else ""
        )

    def _bundle_lines(self, row: Any) -> Iterator[str]:
        if not row.bundle:
            return
        bundle = self._load(row.bundle)
        yield f"  bundle {_clean(row.bundle)[:16]}" + ("" if bundle is not None else ", which is no longer here to give reasons")
        if bundle is not None:
            for reason in bundle.explain(np.frombuffer(row.features, np.float64)):
                yield f"    {'+' if reason.contribution > 0 else '−'} {_clean(reason.text)}"

    def _policy(self, digest: str) -> str:
        if not digest:
            return "none could be read"
        policy = self._policies.find(digest)
        if policy is None:
            return f"{_clean(digest)}, which is no longer here"
        if not policy.version:
            return f"{digest}, nothing was said yet: every tenant in shadow"
        made = f" of {_when(policy.time)}" if policy.time is not None else ""
        return f"{digest}, version {policy.version}{made} by {_clean(policy.by)}"

    def _load(self, digest: str) -> ModelBundle | None:
        if digest not in self._loaded:
            try:
                self._loaded[digest] = ModelBundle.load(self._bundles.path(digest)) if digest else None
            except ModelsError:
                self._loaded[digest] = None
        return self._loaded[digest]


def _audit(shown: float, codes: list[ReasonCode]) -> str:
    if ReasonCode.AUDIT in codes:
        return f"audit: drawn, as one in {1.0 / shown:.3g} of such alerts is (propensity {shown:.4g})"
    return f"audit: not drawn (propensity {shown:.4g})" if shown < 1.0 else "audit: no lot was to be drawn"


def _clean(text: str) -> str:
    return printable(text, _MOST)


def _when(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
