"""`tfx experiment`: lists the experiments, or runs one and shows its table, checks and plot."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tfx_cli import options
from tfx_cli.files import require_writable, write_whole
from tfx_cli.options import Face
from tfx_cli.progress import progress_on_stderr
from tfx_cli.show import show_document, show_experiment, show_list, tell

if TYPE_CHECKING:
    from tfx.records import Result

app = typer.Typer(add_completion=False, rich_markup_mode=None)


def complete_name(incomplete: str) -> list[tuple[str, str]]:
    """Names for TAB, from the list and not from the modules."""
    from tfx.lab import EXPERIMENTS

    return [(name, about) for name, about in EXPERIMENTS.items() if name.startswith(incomplete)]


@app.command()
def experiment(
    name: Annotated[str | None, typer.Argument(autocompletion=complete_name, help="Without it: the list.")] = None,
    seed: options.Seed = 0,
    quick: Annotated[bool, typer.Option("--quick/--full", help="Fewer samples, same checks.")] = False,
    settings: options.Settings = None,
    plot: options.PlotPath = None,
    csv: options.CsvPath = None,
    html: options.HtmlPath = None,
    device: options.OnDevice = options.Device.cpu,
    json: options.Json = False,
    plain: options.Plain = False,
) -> None:
    """Measure a claim: table, checks and a saved plot.

    Every number is computed now; equal seeds give equal numbers.  Exit code 1 when a check fails.

    \b
    examples
      tfx experiment scaling
      tfx experiment scaling --quick --plot scaling.svg --csv scaling.csv
      tfx experiment scaling --set mean=0.5 --json
    """
    face = options.face(json, plain)
    if name is None:
        list_experiments(face)
        return
    for path, endings in ((plot, options.PICTURES), (csv, (".csv",)), (html, (".html",))):
        require_writable(path, endings)
    result = measure(name, settings or [], seed, quick, device.value)
    if result is None:
        return
    picture = save_files(result, plot, csv, html, by_default=face is Face.terminal)
    if face is Face.json:
        from tfx_cli.render.json import experiment_fields

        show_document(experiment_fields(result))
    else:
        show_experiment(result, face, [path for path in (picture, csv, html) if path])
    if not all(check.holds for check in result.checks):
        raise typer.Exit(1)


def list_experiments(face: Face) -> None:
    from tfx.lab import EXPERIMENTS

    if face is Face.json:
        show_document({"experiments": [{"name": name, "about": about} for name, about in EXPERIMENTS.items()]})
    else:
        show_list("Experiments", EXPERIMENTS, "run one: tfx experiment " + next(iter(EXPERIMENTS)), face)


def measure(name: str, settings: list[str], seed: int, quick: bool, device: str) -> Result | None:
    """Runs an experiment with the reader's settings, showing progress on stderr; None for `--set help`."""
    from tfx.lab import experiment_module
    from tfx.settings import apply_settings
    from tfx_cli.settings_list import asks_for_list, show_settings

    module = experiment_module(name)
    command = f"tfx experiment {name}"
    if asks_for_list(settings):
        show_settings(module.Settings(), command)
        return None
    chosen = apply_settings(module.Settings(), settings, f"{command} --set help")
    with progress_on_stderr() as progress:
        return module.run(chosen, seed, quick=quick, device=device, progress=progress)


def save_files(result: Result, plot: Path | None, csv: Path | None, html: Path | None, by_default: bool) -> Path | None:
    """Saves what was asked for; returns the picture's path.  On a terminal the picture is saved unasked, in the
    current folder, and not being able to is then no failure."""
    if csv:
        from tfx_cli.render.csv import table_as_csv

        write_whole(csv, table_as_csv(result.columns, result.rows).encode("utf-8"))
    if html:
        from tfx_cli.render.html import experiment_page

        write_whole(html, experiment_page(result).encode("utf-8", "replace"))
    if not result.plots or not (plot or by_default):
        return None
    from tfx.errors import EnvironmentProblem
    from tfx_cli.plots import picture_of_plots

    path = plot or Path(f"{result.name}.png")
    try:
        require_writable(path)
        write_whole(path, picture_of_plots(result.plots, path.suffix))
    except EnvironmentProblem as problem:
        if plot:
            raise
        tell(f"no plot saved: {problem.message}  Choose a place: --plot PATH")
        return None
    return path
