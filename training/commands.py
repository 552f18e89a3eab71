"""Training's commands: data, simulate, train, evaluate, score, promote, rollback, replay, demo."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from features.errors import FeaturesError
from features.hashing import load_or_create_secret
from models.bundle import ModelBundle
from models.bundle_store import BundleStore
from models.certificate import DEFAULT_OBJECTIVE
from models.errors import BundleStoreError, ModelsError
from training.errors import TrainingError
from training.settings import Settings

app = typer.Typer(no_args_is_help=True)
data_app = typer.Typer(no_args_is_help=True, help="Public data sets: list, fetch.")
app.add_typer(data_app, name="data")

console = Console(stderr=True)

Data = Annotated[Path, typer.Option("--data", help="A file, or a folder of files, of the format.")]
Format = Annotated[str, typer.Option("--format", help="ait-ads, wazuh, suricata, ocsf or history.")]


@contextmanager
def _working(what: str) -> Iterator[Callable[[str], None]]:
    """Show what is being done; turn our errors into one line on standard error and exit code 1."""
    try:
        with console.status(what) as status:
            yield status.update
    except (TrainingError, FeaturesError, ModelsError) as error:
        console.print(f"error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from error


@data_app.command("list")
def data_list() -> None:
    """List the data sets that Tamis knows how to get, with their licences."""
    from training.catalogue import table

    Console().print(table(Settings.from_env()))


@data_app.command("fetch")
def data_fetch(name: Annotated[str, typer.Argument(help="A name from `tamis data list`.")]) -> None:
    """Get a data set: the local copy under TAMIS_DATA_DIR if there is one, else by download (resumed, checked)."""
    from training.catalogue import fetch

    try:
        typer.echo(fetch(Settings.from_env(), name, console))
    except TrainingError as error:
        console.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from error


@app.command()
def simulate(
    out: Annotated[Path, typer.Option(help="Folder for history, context and truth.")],
    tenants: Annotated[int, typer.Option(min=1)] = 3,
    days: Annotated[int, typer.Option(min=1)] = 7,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 0,
) -> None:
    """Make up a world with known truth: tenants, habits, noise, campaigns, verdicts."""
    from training.simulator import simulate as run

    with _working("simulating"):
        made = run(tenants, days, seed, out)
    console.print(f"{out}: {made.alerts:,} alerts, {made.labels:,} labels, {made.incidents} incidents", highlight=False)


@app.command()
def train(
    data: Data,
    fmt: Format,
    objective: Annotated[str, typer.Option(help="What the suppression threshold must keep.")] = DEFAULT_OBJECTIVE,
    out: Annotated[Path | None, typer.Option(help="Also write the bundle to this directory.")] = None,
    also: Annotated[Path | None, typer.Option(help="A history to train on as well, such as `tamis export` writes.")] = None,
    without_labels_of: Annotated[
        list[str] | None, typer.Option(help="An analyst whose labels are taken as never given; may be given again.")
    ] = None,
    promote_it: Annotated[bool, typer.Option("--promote", help="Promote it at once if the gate says yes.")] = False,
) -> None:
    """Learn from labelled alerts; the new model is `challenger` in MLflow."""
    from training.pipeline import train as run
    from training.registry import promote as promote_version

    settings = Settings.from_env()
    with _working("training") as told:
        result = run(
            settings, data, fmt, objective=objective, out=out, also=also, without_labels_of=without_labels_of or (), told=told
        )
        promoted = promote_version(settings, result.version, by=getpass.getuser())[0] if promote_it else ""
    certificate = result.certificate
    console.print(
        f"version {result.version}, bundle {result.bundle_digest[:12]}, {result.alerts:,} alerts, {result.rejects} rejected"
    )
    for name in ("group_ap", "group_ap_worst", "step_recall", "calibration_error"):
        if name in result.metrics:
            console.print(f"  {name:18} {result.metrics[name]:.3f}")
    proof = (
        f"bound {certificate.bound:.3f} on {certificate.n} incidents, {certificate.k} missed; suppress below {certificate.threshold:.4f}"
        if certificate.threshold is not None
        else f"{certificate.n} incidents, {certificate.missing} more are needed; nothing is suppressed"
    )
    console.print(f"  certificate        {certificate.status.value}: {proof}")
    if promoted:
        console.print(f"promoted: {promoted[:12]}")


@app.command()
def assess(
    data: Data,
    fmt: Format,
    also: Annotated[Path | None, typer.Option(help="A history to look at as well, such as `tamis export` writes.")] = None,
    out: Annotated[Path | None, typer.Option(help="Parquet file for all labels that deserve a second look.")] = None,
) -> None:
    """Look at the labels before a retrain: who said what, what is left out and why, and which deserve a second look."""
    from training.assess import assess as run
    from training.dataset import load_dataset
    from training.fit import FitParameters
    from training.registry import serving_bundle

    settings = Settings.from_env()
    with _working("reading") as told:
        dataset = load_dataset(data, fmt, load_or_create_secret(settings.secret), labels=True, also=also)
        found = run(dataset, FitParameters(), serving_bundle(settings), told)
        if out is not None:
            out.parent.mkdir(parents=True, exist_ok=True)
            found.listed().to_parquet(out, index=False)
    for table in found.tables():
        Console().print(table.rich())


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
    feedback: Annotated[
        bool, typer.Option("--feedback", help="Months of feedback in simulated worlds instead; no data needed.")
    ] = False,
    seeds: Annotated[int, typer.Option(min=0, help="With --feedback: worlds lived through.")] = 3,
    trials: Annotated[int, typer.Option(min=0, help="With --feedback: poisoned challengers, and as many clean ones.")] = 50,
) -> None:
    """Measure on tenants that the model has not seen: look-up table, model, and model without rule identity side by side."""
    if leave_one_out != "tenant":
        raise typer.BadParameter("only `tenant` is known", param_hint="--leave-one-out")
    if feedback:
        if not seeds and not trials:
            raise typer.BadParameter("nothing is left to measure", param_hint="--seeds 0 --trials 0")
        _evaluate_feedback(report, seeds, trials)
        return
    if data is None or not fmt:
        raise typer.BadParameter("needed unless --feedback is given", param_hint="--data and --format")
    from training.dataset import load_dataset
    from training.evaluate import evaluate as run
    from training.evaluation_report import tables, write
    from training.fit import FitParameters

    settings = Settings.from_env()
    with _working("reading") as told:
        dataset = load_dataset(data, fmt, load_or_create_secret(settings.secret), labels=True)
        result = run(
            dataset, FitParameters(), leave_out_rule=leave_out_rule or _not_headline(fmt), unseen_kinds=unseen_kinds, told=told
        )
        page = write(report, result)
    for table in tables(result):
        Console().print(table.rich())
    console.print(f"report: {page}")


def _evaluate_feedback(report: Path, seeds: int, trials: int) -> None:
    from training.feedback.evaluation import Plan
    from training.feedback.evaluation import evaluate as run
    from training.feedback.report import tables, write

    settings = Settings.from_env()
    with _working("living through months of feedback") as told:
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
) -> None:
    """Score alerts in a batch by exactly the engine of the service."""
    from training.scoring import score_file

    settings = Settings.from_env()
    with _working("loading the bundle") as told:
        model = ModelBundle.load(_bundle_path(settings, bundle))
        scored, rejected = score_file(model, data, fmt, out, load_or_create_secret(settings.secret), history=history, told=told)
    console.print(f"{out}: {scored:,} alerts scored, {rejected} rejected")


def _bundle_path(settings: Settings, bundle: str) -> Path:
    if bundle != "champion":
        return Path(bundle)
    store = BundleStore(settings.bundles)
    digest = store.current()
    if digest is None:
        raise BundleStoreError(str(store.root), "no bundle has been promoted yet")
    return store.path(digest)


@app.command()
def promote(version: Annotated[str, typer.Argument(help="A version of the model; the challenger if not given.")] = "") -> None:
    """Make a version champion and publish its bundle, if the gate says yes."""
    from training.registry import promote as run

    with _working("promoting"):
        digest, report = run(Settings.from_env(), version, by=getpass.getuser())
    console.print(f"champion: bundle {digest[:12]}; " + "; ".join(report.remarks))


@app.command()
def rollback() -> None:
    """Serve the bundle that was champion before. Takes seconds and needs no MLflow."""
    from training.rollback import rollback as run

    with _working("rolling back"):
        digest = run(Settings.from_env(), getpass.getuser())
    console.print(f"champion: bundle {digest[:12]}")


@app.command()
def replay(
    data: Data,
    fmt: Format,
    url: Annotated[str, typer.Option(help="Where the service is.")] = "http://127.0.0.1:8321",
    key: Annotated[str, typer.Option(envvar="TAMIS_KEY", help="An API key of role pipeline.")] = "",
    speed: Annotated[float, typer.Option(help="Times as fast as life; 0 for as fast as it goes.")] = 0.0,
) -> None:
    """Play the alerts of a file to a running service, in order of time."""
    from training.replay import replay as run

    with _working("replaying") as told:
        counts = run(data, fmt, url, key, speed=speed, told=told)
    console.print(", ".join(f"{action} {count:,}" for action, count in sorted(counts.items())), highlight=False)


@app.command()
def demo() -> None:
    """The whole loop on real alerts: train, serve, replay, verdicts, retrain, swap. Fails unless a verdict changed something."""
    from training.demo import demo as run

    try:
        run(Settings.from_env(), Console())
    except (TrainingError, FeaturesError, ModelsError) as error:
        console.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from error
