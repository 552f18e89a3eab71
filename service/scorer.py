"""The scorer: one thread that alone owns the counters and the writing connection.

Everything that waits is taken together: scored in one batch, committed in one transaction, answered at once. So
micro-batches and group commit arise from load by themselves, and the state is folded in the order of ``seq``.
"""

from __future__ import annotations

import logging
import queue as queues
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy.exc import SQLAlchemyError

from features.alert import Alert
from features.label import Label
from models.bundle import Scored
from models.decision import Action, Decision
from models.engine import ScoringEngine
from models.policy_store import PolicyStore
from service.audit import RING, Auditor
from service.errors import OverloadedError, RateLimitedError, ServiceError
from service.jobs import AlertsJob, Answer, Job, LabelsJob, size
from service.live import LiveWatch
from service.metrics import ALERTS, BATCH_ALERTS, LABELS, WAITING
from service.pace import HOUR_SECONDS, Pace
from service.settings import ServiceSettings
from service.sorting import sort_out
from service.store import database as db
from service.store.responses import responses
from service.verdicts import record

log = logging.getLogger(__name__)

_ENCODER = msgspec.json.Encoder()


class Scorer:
    """Takes jobs from any thread, works them off in one. ``rebuild`` makes the engine again from what is stored."""

    def __init__(
        self, database: db.Database, engine: ScoringEngine, rebuild: Callable[[], ScoringEngine], settings: ServiceSettings
    ) -> None:
        self.database = database
        self.engine = engine
        self.seq = database.last_seq()
        self.failed = ""
        """Why nothing can be stored at present; empty when all is well."""
        self._rebuild = rebuild
        self._batch_alerts, self._most = settings.batch_alerts, settings.max_waiting_alerts
        self._labels_an_hour = settings.max_labels_an_hour
        self.live = LiveWatch(PolicyStore(settings.policy), lambda tenant, since: responses(database.writer, tenant, since))
        self._pace, self._auditor = self._recent_pace(), self._fresh_auditor()
        self._jobs: queues.SimpleQueue[Job | None] = queues.SimpleQueue()
        self._waiting = 0
        self._guard = threading.Lock()
        self._named = self._new_named = (len(engine.encoder.rules), len(engine.encoder.tenants))
        self._thread = threading.Thread(target=self._run, name="scorer", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Work off what waits, then end the thread."""
        self._jobs.put(None)
        self._thread.join()

    def submit(self, job: Job) -> None:
        """Hand a job over. Raises ``OverloadedError`` when too many alerts wait; then nothing of the job was taken."""
        if size(job):
            with self._guard:
                if self._waiting and self._waiting + size(job) > self._most:
                    raise OverloadedError(f"{self._waiting} alerts and labels are waiting")
                self._waiting += size(job)
                WAITING.set(self._waiting)
        self._jobs.put(job)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            batch, taken, stop = [job], size(job), False
            while taken < self._batch_alerts and not stop:
                try:
                    following = self._jobs.get_nowait()
                except queues.Empty:
                    break
                if following is None:
                    stop = True
                else:
                    batch.append(following)
                    taken += size(following)
            self._work(batch)
            if stop:
                return

    def _work(self, batch: list[Job]) -> None:
        """Do a batch of jobs in one transaction, then answer them."""
        total = sum(size(job) for job in batch)
        batch = [job for job in batch if job.future.set_running_or_notify_cancel()]  # from here on nobody can call it off
        answers: list[tuple[Job, object]] = []
        try:
            if self.failed:
                self._recover()
            run: list[AlertsJob] = []
            for job in batch:
                if isinstance(job, AlertsJob):
                    run.append(job)
                    continue
                answers += self._score(run)
                run = []
                answers.append((job, self._label(job) if isinstance(job, LabelsJob) else job.run()))
            answers += self._score(run)
            self._remember_names()
            self.database.writer.commit()
            self._named, self.failed = self._new_named, ""
        except Exception as error:  # noqa: BLE001 — whatever happened, every waiting request must be answered
            self._fail(batch, error)
        else:
            for job, answer in answers:
                if isinstance(answer, Exception):
                    job.future.set_exception(answer)
                else:
                    job.future.set_result(answer)  # type: ignore[arg-type]
        finally:
            with self._guard:
                self._waiting -= total
                WAITING.set(self._waiting)

    def _fail(self, batch: list[Job], error: Exception) -> None:
        """Nothing of the batch is stored; the state has run ahead of the records, so it is made again before the next batch."""
        log.error("a batch could not be stored", exc_info=error)
        self.failed = "storage" if isinstance(error, SQLAlchemyError) else "internal"
        try:
            self.database.writer.rollback()
        except SQLAlchemyError:
            log.exception("rollback failed")
        for job in batch:
            job.future.set_exception(OverloadedError("the records could not be written; nothing of this request was taken"))

    def _recover(self) -> None:
        self.engine = self._rebuild()
        self._pace, self._auditor = self._recent_pace(), self._fresh_auditor()
        self.live.forget()
        self.seq = self.database.last_seq()

    def _remember_names(self) -> None:
        encoder = self.engine.encoder
        count = self._new_named = (len(encoder.rules), len(encoder.tenants))
        if count != self._named:
            rules, tenants = list(encoder.rules.values()), list(encoder.tenants.values())
            self.database.insert_names(rules[self._named[0] :], tenants[self._named[1] :])

    # -- alerts ------------------------------------------------------------------------------------------------------

    def _score(self, jobs: list[AlertsJob]) -> list[tuple[Job, object]]:
        """Decide on the alerts of all jobs together; those stored before keep their decision."""
        fresh: list[Alert] = []
        digests: list[bytes] = []
        new: dict[tuple[str, str], int] = {}
        uids: dict[str, list[str]] = {}
        for job in jobs:
            uids.setdefault(job.tenant, []).extend(alert.uid for alert in job.alerts)
        known = {tenant: self.database.known(tenant, some) for tenant, some in uids.items()}
        plan = [(job, sort_out(job, known[job.tenant], new, fresh, digests)) for job in jobs]
        made = self._decide(fresh, digests) if fresh else []
        return [(job, self._answers(job, slots, made)) for job, slots in plan]

    def _fresh_auditor(self) -> Auditor:
        return Auditor(self.engine.encoder.secret, lambda tenant: db.lately_queued(self.database.writer, tenant, RING))

    def _answers(self, job: AlertsJob, slots: list[int | ServiceError], made: list[Decision]) -> list[Answer]:
        repeated = [-slot for slot in slots if isinstance(slot, int) and slot < 0]
        stored = db.find_seqs(self.database.writer, repeated) if repeated else {}
        return [slot if isinstance(slot, ServiceError) else made[slot] if slot >= 0 else stored[-slot].decision for slot in slots]

    def _decide(self, fresh: list[Alert], digests: list[bytes]) -> list[Decision]:
        block = self.engine.encoder.alerts(fresh)
        first, now = self.seq + 1, time.time()
        self.live.look()
        judged = self.live.judge(self.engine.score(block), fresh, block, self.engine, now)
        scored, shown = self._auditor.draw(fresh, judged, self.engine.bundle)
        self.seq += len(fresh)
        digest = self.engine.bundle.digest if self.engine.bundle else ""
        made = _decisions(fresh, scored, shown, first=first, now=now, bundle=digest, policy=self.live.digest)
        facts = block.pack()
        width = scored.features.shape[1] * 8
        rows = scored.features.tobytes()
        raw = scored.raw.tolist()
        self.database.insert(
            [
                (first + i, alert.tenant, alert.uid, now, digests[i], _ENCODER.encode(alert), facts[i])
                for i, alert in enumerate(fresh)
            ],
            [
                (
                    first + i, 1, now, d.action.value, d.priority, None if d.score is None else raw[i], d.score, d.anomaly_score,
                    " ".join(d.reason_codes), d.bundle, rows[i * width : (i + 1) * width], d.shown,
                    d.published_action.value, d.tier, d.policy, d.certificate,
                )
                for i, d in enumerate(made)
            ],
            [(first + i, d.tenant, d.priority) for i, d in enumerate(made) if d.published_action is not Action.SUPPRESS],
        )  # fmt: skip
        BATCH_ALERTS.observe(len(fresh))
        for action in Action:
            ALERTS.labels(action.value).inc(scored.published.count(action))
        return made

    # -- labels ------------------------------------------------------------------------------------------------------

    def _recent_pace(self) -> Pace:
        return Pace(self._labels_an_hour, db.recent_labels(self.database.writer, time.time() - HOUR_SECONDS))

    def _label(self, job: LabelsJob) -> list[Label | ServiceError] | ServiceError:
        """Record the labels of a request, or refuse it whole."""
        try:
            self._pace.admit(job.labels, lambda label: db.find_label(self.database.writer, label.tenant, label.uid) is not None)
        except RateLimitedError as error:
            return error
        return [self._record(label) for label in job.labels]

    def _record(self, label: Label) -> Label | ServiceError:
        answer, facts = record(self.database, label, self.seq + 1)
        if facts is not None:
            self.seq += 1
            self.engine.fold(facts)
            if isinstance(answer, Label):
                self._pace.note(answer)
            LABELS.labels(label.verdict.value).inc()
        return answer


def _decisions(
    fresh: list[Alert], scored: Scored, shown: NDArray[np.float64], *, first: int, now: float, bundle: str, policy: str
) -> list[Decision]:
    when, undecided = datetime.fromtimestamp(now, UTC), not bundle
    made = [
        Decision(
            uid=f"{first + i}.1",
            alert_uid=alert.uid,
            tenant=alert.tenant,
            time=when,
            revision=1,
            action=action,
            published_action=published,
            priority=priority,
            score=None if undecided else score,
            anomaly_score=None if undecided else surprise,
            reason_codes=codes,
            tier=tier,
            bundle=bundle,
            policy=policy,
            certificate=certificate,
        )
        for i, (alert, action, published, priority, score, surprise, codes, tier, certificate) in enumerate(
            zip(
                fresh,
                scored.actions,
                scored.published,
                scored.priority.tolist(),
                scored.score.tolist(),
                scored.anomaly.tolist(),
                scored.reason_codes,
                scored.tiers,
                scored.certificates,
                strict=True,
            )
        )
    ]
    for i in np.flatnonzero(shown < 1.0).tolist():
        made[i] = msgspec.structs.replace(made[i], shown=float(shown[i]))
    return made
