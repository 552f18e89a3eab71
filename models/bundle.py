"""The bundle: one directory that holds everything a decision needs, without pickle, each byte accounted for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self, TypeVar

import lightgbm
import msgspec
import numpy as np
from numpy.typing import NDArray

from features.default_view import ANOMALY_FEATURES
from features.encode import FactBlock
from features.view import FeatureView
from models.audit import RULE_VOLUME, VOLUME
from models.behaviour.model import BehaviourModel
from models.bundle_files import Manifest, behaviour_of, model_digest, read_parts
from models.calibration import Calibrator, priority
from models.certificates.objective import TIERS
from models.certificates.units import Calibration
from models.decision import Action, Reason, ReasonCode
from models.errors import BundleError
from models.evidence import HABIT, anomaly, evidence
from models.incidents.model import IncidentModel
from models.ledger import LabelLedger
from models.limits import LimitTable
from models.policy import ACTIONS, ThresholdPolicy, codes
from models.reasons import sentences
from models.rule_encoder import RuleEncoder
from models.support import Support, SupportTable

_THREADED_ROWS = 256
"""From this many rows on, prediction is worth a second thread."""

T = TypeVar("T")


class Golden(msgspec.Struct, frozen=True):
    """Inputs with the exact outputs that they must give (bit for bit on the platform of the lock file)."""

    features: list[list[float | None]]
    raw: list[float]
    score: list[float]
    priority: list[int]


class Scored(NamedTuple):
    """What was found for n alerts. ``score`` is NaN where no model spoke; ``anomaly`` is in bits, higher is more abnormal.

    ``published`` is what the live policy lets out of ``actions``; the same where none was asked. ``tiers`` and ``certificates``
    are as in ``Decision``.
    """

    features: NDArray[np.float64]
    raw: NDArray[np.float64]
    score: NDArray[np.float64]
    priority: NDArray[np.int64]
    anomaly: NDArray[np.float64]
    actions: list[Action]
    reason_codes: list[tuple[ReasonCode, ...]]
    published: list[Action]
    tiers: list[str]
    certificates: list[str]


@dataclass(frozen=True)
class ModelBundle:
    """A model as it is deployed: booster, calibrator, rule encoder, support, view, policy, what became of the labels, what links and
    orders incidents, and, where events were learned from, what judges behaviour."""

    booster: lightgbm.Booster
    calibrator: Calibrator
    encoder: RuleEncoder
    support: Support
    view: FeatureView
    policy: ThresholdPolicy
    calibration: Calibration
    ledger: LabelLedger
    incidents: IncidentModel
    behaviour: BehaviourModel | None
    manifest: Manifest
    digest: str

    def raw(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the booster's margin (log-odds, higher is more likely an attack) of each row of ``features`` (n × F)."""
        if len(features) == 0:
            return np.zeros(0)
        threads = 1 if len(features) < _THREADED_ROWS else 0
        return np.asarray(self.booster.predict(features, raw_score=True, num_threads=threads), np.float64)

    def decide(
        self, features: NDArray[np.float64], block: FactBlock, known_rule: NDArray[np.bool_], limits: LimitTable
    ) -> Scored:
        """Judge n alerts: ``features`` as of then (n × F), the facts themselves, whether their rules are known, and the table of
        the limits that this bundle's certificates set."""
        raw = self.raw(features)
        score = self.calibrator(raw)
        within = limits.read(block)
        support = SupportTable(self.support, limits.rules)
        ruling = self.policy.decide(score, evidence(self.view, features, block, known_rule, support), within)
        decided = [ACTIONS[a] for a in ruling.actions.tolist()]
        tiers, certificates = [""] * len(decided), [""] * len(decided)
        for i in np.flatnonzero(ruling.automatic).tolist():
            tier = int(ruling.tiers[i])
            certificates[i] = limits.certificate(int(within.kind[i]), tier)
            tiers[i] = TIERS[tier - 1].value if tier else ""
        return Scored(
            features,
            raw,
            score,
            priority(score),
            anomaly(self.view, features),
            decided,
            [codes(b) for b in ruling.reasons.tolist()],
            decided,
            tiers,
            certificates,
        )

    def propensity(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return with which probability each row (n × F), were it suppressed, is drawn for the audit."""
        counts = (features[:, self.view.index(name)] for name in (VOLUME, HABIT, RULE_VOLUME))
        return self.policy.audit.propensity(*counts)

    def explain(self, features: NDArray[np.float64]) -> tuple[Reason, ...]:
        """Return at most five sentences on why this row (F,) scored as it did, strongest first (TreeSHAP, Lundberg 2020)."""
        added = np.array([self.view.index(name) for name in ANOMALY_FEATURES if name in self.view.names], np.intp)
        rows = features[np.newaxis]
        if not np.isnan(features[added]).all():  # held against nothing known, not against a mean of what is known of others
            rows = np.vstack([features, features])
            rows[1, added] = np.nan
        shares = np.asarray(self.booster.predict(rows, pred_contrib=True, num_threads=1))[:, :-1]
        shares[0, added] -= shares[-1, added]
        return sentences(self.view, features, shares[0])

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read and check a bundle. Raises ``BundleError`` on any mismatch.

        The booster's loader may crash the process on a damaged file, so the digests are checked first.
        """
        manifest, parts, digest = read_parts(path)
        if not manifest.judges_alerts:
            raise BundleError(str(path), "holds a model of behaviour only: it cannot judge alerts")
        view = _decode(path, "view.json", parts, FeatureView)
        if view.fingerprint != manifest.view:
            raise BundleError(str(path), f"made for view {manifest.view[:12]}, carries {view.fingerprint[:12]}")
        try:
            booster = lightgbm.Booster(model_str=parts["classifier.txt"].decode("utf-8"))
        except (lightgbm.basic.LightGBMError, UnicodeDecodeError) as error:
            raise BundleError(str(path / "classifier.txt"), f"unreadable: {error}") from error
        if booster.feature_name() != view.names:
            raise BundleError(str(path), "the classifier was trained on other features than the view names")
        bundle = cls(
            booster,
            _decode(path, "calibrator.json", parts, Calibrator),
            _decode(path, "encoder.json", parts, RuleEncoder),
            _decode(path, "support.json", parts, Support),
            view,
            _decode(path, "policy.json", parts, ThresholdPolicy),
            _decode(path, "units.json", parts, Calibration),
            _decode(path, "labels.json", parts, LabelLedger),
            _decode(path, "incidents.json", parts, IncidentModel),
            behaviour_of(manifest, parts, path),
            manifest,
            digest,
        )
        foreign = {c.group for c in bundle.policy.certificates if c.model != model_digest(manifest.files)}
        if foreign or bundle.calibration.model != model_digest(manifest.files):
            raise BundleError(str(path / "policy.json"), "its certificates were made for another model")
        bundle.check(_decode(path, "golden.json", parts, Golden), path)
        return bundle

    def check(self, golden: Golden, path: Path) -> None:
        """Raise ``BundleError`` unless the golden rows give the very bits that they gave in training."""
        try:
            rows = np.array(golden.features, np.float64).reshape(len(golden.features), len(self.view.features))
        except ValueError as error:
            raise BundleError(str(path / "golden.json"), "golden rows have other features than the view names") from error
        raw = self.raw(rows)
        score = self.calibrator(raw)
        same = raw.tolist() == golden.raw and score.tolist() == golden.score and priority(score).tolist() == golden.priority
        if not same or not len(rows):
            raise BundleError(str(path / "golden.json"), "golden rows give other results than in training")


def _decode(path: Path, name: str, parts: dict[str, bytes], kind: type[T]) -> T:
    try:
        return msgspec.json.decode(parts[name], type=kind)
    except msgspec.MsgspecError as error:
        raise BundleError(str(path / name), str(error)) from error
