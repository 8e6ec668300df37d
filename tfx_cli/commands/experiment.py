"""`tfx experiment`: lists the experiments, or runs one and shows its table, checks and plot."""

from __future__ import annotations

from typing import Annotated

import typer

from tfx_cli import options
from tfx_cli.options import Face
from tfx_cli.render.show import show_document, show_list

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
    from tfx.lab import experiment_module
    from tfx_cli.measurement import Files, measure_and_show

    files = Files(plot, csv, html)
    module = experiment_module(name)
    measure_and_show(module, f"tfx experiment {name}", settings or [], seed, quick, device.value, files, face)


def list_experiments(face: Face) -> None:
    from tfx.lab import EXPERIMENTS

    if face is Face.json:
        show_document({"experiments": [{"name": name, "about": about} for name, about in EXPERIMENTS.items()]})
    else:
        show_list("Experiments", EXPERIMENTS, "run one: tfx experiment " + next(iter(EXPERIMENTS)), face)
