"""Training's commands that read alerts and write an answer: assess, evaluate, score, queue."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from features.hashing import load_or_create_secret
from models.bundle import ModelBundle
from models.bundle_store import BundleStore
from models.certificates.objective import DEFAULT_OBJECTIVE, Objective
from models.errors import BundleStoreError
from models.policy_store import PolicyStore
from training.settings import Settings
from training.terminal import Data, Format, console, working

if TYPE_CHECKING:
    from training.behaviour.fitting import Source
    from training.outlook import Outlook
    from training.report import Table
    from training.survey import Survey

app = typer.Typer(no_args_is_help=True)


@app.command()
def assess(
    data: Data,
    fmt: Format,
    also: Annotated[Path | None, typer.Option(help="A history to look at as well, such as `tamis export` writes.")] = None,
    out: Annotated[Path | None, typer.Option(help="Parquet file for all labels that deserve a second look.")] = None,
    report: Annotated[Path | None, typer.Option(help="Folder for the page, its plots and the numbers as JSON.")] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0.0, max=1e4, help="Minutes of a person for an alert; else as verdicts tell, else 10.")
    ] = None,
    window: Annotated[
        float, typer.Option(min=0.0, max=1e6, help="Minutes within which repeats of an alert are one line.")
    ] = 60.0,
    objective: Annotated[str, typer.Option(help="What suppression must keep.")] = DEFAULT_OBJECTIVE,
    quick: Annotated[bool, typer.Option("--quick", help="Count only, fit nothing.")] = False,
) -> None:
    """Look at alerts before anything is trained: how many, how often for nothing, how fast, and what would be saved.

    Needs neither labels nor a model. With enough labels models are fitted to estimate what suppression and ordering would do; of
    people's labels it says who gave them, what is left out and why, and which deserve a second look.
    """
    from training.assess import listed
    from training.outlook import QUICK, read
    from training.savings_report import savings_tables, write
    from training.survey import survey
    from training.survey_report import survey_tables

    if quick and out is not None:
        raise typer.BadParameter("labels cannot be doubted without models", param_hint="--quick and --out")
    settings = Settings.from_env()
    with working("reading") as told:
        aim = Objective.parse(objective)
        dataset = read(data, fmt, load_or_create_secret(settings.secret), also=also, told=told)
        told("counting")
        found = survey(dataset, minutes=minutes, window=window)
    _show(survey_tables(found, 20))
    with working("looking at labels") as told:
        further = QUICK if quick else _look_further(found, aim, settings, told)
        if out is not None:
            out.parent.mkdir(parents=True, exist_ok=True)
            listed(further.people).to_parquet(out, index=False)
        page = write(report, found, *further) if report is not None else None
    _show([*savings_tables(found, further.saved), *(further.people.tables() if further.people else [])])
    if page is not None:
        console.print(f"report: {page}")


def _look_further(found: Survey, aim: Objective, settings: Settings, told: Callable[[str], None]) -> Outlook:
    from training.fit import FitParameters
    from training.outlook import outlook
    from training.registry import serving_bundle  # seconds to load: what was counted is shown by now

    return outlook(found, aim, FitParameters(), serving_bundle(settings), told)


def _show(tables: Sequence[Table]) -> None:
    for table in tables:
        Console().print(table.rich(), "")


@app.command()
def evaluate(
    report: Annotated[Path, typer.Option(help="Folder for the page, its plots and the numbers as JSON.")],
    data: Annotated[Path | None, typer.Option("--data", help="A file, or a folder of files, of the format.")] = None,
    fmt: Annotated[str, typer.Option("--format", help="ait-ads, wazuh, suricata, ocsf or history.")] = "",
    leave_one_out: Annotated[
        str, typer.Option(help="What to leave out in turn; `tenant` is the only protocol so far.")
    ] = "tenant",
    leave_out_rule: Annotated[str, typer.Option(help="Text of rules left out of the headline figures (printed beside).")] = "",
    unseen_kinds: Annotated[bool, typer.Option(help="Also leave each kind of attack out (a model more for each).")] = True,
    objective: Annotated[
        str, typer.Option(help="Certify on the others of each left out, and see what happens there (a model for each two).")
    ] = "",
    feedback: Annotated[
        bool, typer.Option("--feedback", help="Months of feedback in simulated worlds instead; no data needed.")
    ] = False,
    incidents: Annotated[
        bool, typer.Option("--incidents", help="How alerts are joined in simulated worlds instead; no data needed.")
    ] = False,
    seeds: Annotated[int, typer.Option(min=0, help="With --feedback or --incidents: worlds lived through.")] = 3,
    trials: Annotated[int, typer.Option(min=0, help="With --feedback: poisoned challengers, and as many clean ones.")] = 50,
    events: Annotated[
        Path | None, typer.Option(help="Events: the model with and without its entities' anomaly as of then.")
    ] = None,
    events_format: Annotated[str, typer.Option(help="The events' format.")] = "",
) -> None:
    """Measure on tenants that the model has not seen: look-up table, model, and model without rule identity side by side."""
    if leave_one_out != "tenant":
        raise typer.BadParameter("only `tenant` is known", param_hint="--leave-one-out")
    if feedback:
        if not seeds and not trials:
            raise typer.BadParameter("nothing is left to measure", param_hint="--seeds 0 --trials 0")
        _evaluate_feedback(report, seeds, trials)
    elif incidents:
        _evaluate_incidents(report, seeds)
    elif data is None or not fmt:
        raise typer.BadParameter("needed unless --feedback or --incidents is given", param_hint="--data and --format")
    else:
        told = events_of(events, events_format)
        _evaluate_tenants(report, data, fmt, leave_out_rule or _not_headline(fmt), objective, unseen=unseen_kinds, events=told)


def events_of(path: Path | None, fmt: str) -> Source | None:
    """Return the events named by a command's options, ``None`` if none are."""
    from training.behaviour.fitting import Source

    if (path is None) == bool(fmt):
        raise typer.BadParameter("one needs the other", param_hint="--events and --events-format")
    return None if path is None else Source(path, fmt)


def _evaluate_tenants(
    report: Path, data: Path, fmt: str, leave_out_rule: str, objective: str, *, unseen: bool, events: Source | None
) -> None:
    from training.behaviour.entities import learned_entities
    from training.dataset import load_dataset
    from training.evaluate import IDENTITY
    from training.evaluate import evaluate as run
    from training.evaluation_report import tables, write
    from training.fit import FitParameters
    from training.incidents.windows import read_windows
    from training.incidents.windows import tables as window_tables

    settings = Settings.from_env()
    with working("reading") as told:
        aim = Objective.parse(objective) if objective else None
        entities = learned_entities(events, told)[1]
        dataset = load_dataset(data, fmt, load_or_create_secret(settings.secret), labels=True, anomalies=entities)
        result = run(dataset, FitParameters(), leave_out_rule=leave_out_rule, unseen=unseen, objective=aim, told=told)
        told("joining alerts into incidents")
        windows = read_windows(dataset, data) if fmt == "ait-ads" else None
        ours = result.scorer(IDENTITY)
        more = [] if windows is None else window_tables(dataset, ours.score, ours.oof.anomaly, windows, data)
        page = write(report, result, more)
    for table in (*tables(result), *more):
        Console().print(table.rich())
    console.print(f"report: {page}")


def _evaluate_incidents(report: Path, seeds: int) -> None:
    from training.incidents.correlation import measured, tables
    from training.report import write_report

    settings = Settings.from_env()
    with working("joining alerts in simulated worlds") as told:
        worlds = measured(settings.var / "incidents", load_or_create_secret(settings.secret), range(seeds), told)
        facts = {"worlds": [world._asdict() for world in worlds]}
        page = write_report(report, "Tamis: alerts joined into incidents", tables(worlds), [], facts)
    for table in tables(worlds):
        Console().print(table.rich())
    console.print(f"report: {page}")


def _evaluate_feedback(report: Path, seeds: int, trials: int) -> None:
    from training.feedback.evaluation import Plan
    from training.feedback.evaluation import evaluate as run
    from training.feedback.report import tables, write

    settings = Settings.from_env()
    with working("living through months of feedback") as told:
        secret = load_or_create_secret(settings.secret)
        plan = Plan(seeds=tuple(range(seeds)), trials=trials)
        result = run(settings.var / "feedback", secret, plan, told, keep=lambda so_far: write(report, so_far))
    for table in tables(result):
        Console().print(table.rich())
    console.print(f"report: {report / 'report.html'}")


def _not_headline(fmt: str) -> str:
    """Return the rule that a data set's protocol leaves out of the headline figures."""
    return "Observed DNS Query to .biz TLD" if fmt == "ait-ads" else ""


@app.command()
def score(
    bundle: Annotated[str, typer.Option(help="A bundle directory, or `champion` for the one that serves.")],
    data: Data,
    fmt: Format,
    out: Annotated[Path, typer.Option(help="Parquet file to write; rejects go beside it.")],
    history: Annotated[Path | None, typer.Option(help="An earlier part to fold in first (a history, or ait-ads).")] = None,
    events: Annotated[
        Path | None, typer.Option(help="Events, judged by the bundle: its entities' anomaly as of each alert.")
    ] = None,
    events_format: Annotated[str, typer.Option(help="The events' format.")] = "",
) -> None:
    """Score alerts in a batch by exactly the engine of the service."""
    from training.behaviour.entities import judged_entities
    from training.scoring import LiveRun, score_file

    settings = Settings.from_env()
    with working("loading the bundle") as told:
        path, source = bundle_path(settings, bundle), events_of(events, events_format)
        model, entities = ModelBundle.load(path), judged_entities(source, path, told)
        policy, refusal = PolicyStore(settings.policy).last_good()
        live = LiveRun(policy, time.time())
        secret = load_or_create_secret(settings.secret)
        scored, rejected = score_file(model, data, fmt, out, secret, history=history, told=told, live=live, anomalies=entities)
    if refusal:
        console.print(
            f"[yellow]{escape(refusal)}; {'the last good one was used' if policy else 'nothing is published'}[/]", soft_wrap=True
        )
    console.print(f"{out}: {scored:,} alerts scored, {rejected} rejected")


class By(StrEnum):
    """What a queue consists of."""

    FAMILY = "family"
    INCIDENT = "incident"


@app.command()
def queue(
    data: Data,
    fmt: Format,
    out: Annotated[Path, typer.Option(help="Parquet file to write; rejects go beside it.")],
    budget: Annotated[int, typer.Option(min=1, help="So many a day and tenant.")],
    bundle: Annotated[str, typer.Option(help="A bundle directory, or `champion` for the one that serves.")] = "champion",
    by: Annotated[By, typer.Option(help="A family is all alerts of one rule on one host in one UTC day.")] = By.FAMILY,
) -> None:
    """Name for each day what to look at first, so that a short day sees every different thing worth seeing."""
    from training.incident_queue import incident_queue_file
    from training.queue import queue_file

    settings = Settings.from_env()
    with working("loading the bundle") as told:
        model = ModelBundle.load(bundle_path(settings, bundle))
        secret = load_or_create_secret(settings.secret)
        if by is By.FAMILY:
            families = queue_file(model, data, fmt, out, secret, budget=budget, told=told)
            chosen, some, alerts, rejects = len(families.rows), families.families, families.alerts, families.rejects
        else:
            incidents = incident_queue_file(model, data, fmt, out, secret, budget=budget, told=told)
            chosen, some, alerts, rejects = len(incidents.rows), incidents.incidents, incidents.alerts, incidents.rejects
    things = {By.FAMILY: "families", By.INCIDENT: "incidents of a day"}[by]
    console.print(f"{out}: {chosen:,} of {some:,} {things} of {alerts:,} alerts, {rejects} rejected")


def bundle_path(settings: Settings, bundle: str) -> Path:
    """Return the directory of a bundle given as one or as ``champion``. Raises ``BundleStoreError`` where nothing serves."""
    if bundle != "champion":
        return Path(bundle)
    store = BundleStore(settings.bundles)
    digest = store.current()
    if digest is None:
        raise BundleStoreError(str(store.root), "no bundle has been promoted yet")
    return store.path(digest)
