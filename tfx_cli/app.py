"""The root command: commands are imported only when they run (command_table.py), and the help page is its own fast one.

`tfx -h`, a typing mistake and completion of command names read the table and import no command module.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from tfx.errors import BadInput, unknown_name
from tfx_cli import options
from tfx_cli.command_table import COMMANDS
from tfx_cli.render.pages.help import help_page
from tfx_cli.terminal.console import ColorChoice, choose_color, prose_width

HELP_NAMES = {"help_option_names": ["-h", "--help"]}


class LazyGroup(TyperGroup):
    """Shows COMMANDS as stubs and imports a command when it is entered."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, entry in COMMANDS.items():
            self.commands[name] = TyperCommand(name=name, help=entry.help, add_help_option=False)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The only way by which a call or completion enters a command."""
        name = args[0] if args else None
        if name in COMMANDS:
            self.commands[name] = load_command(name)
        elif name is not None and not name.startswith("-") and not ctx.resilient_parsing:
            raise unknown_name("command", name, COMMANDS, "tfx -h")
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The root help page, without typer.rich_utils, which would double the start-up."""
        formatter.write(help_page({name: entry.help for name, entry in COMMANDS.items()}, prose_width()))


def root_command() -> Any:
    """The whole command line."""
    command = get_command(app)
    command.params.extend(shared_parameters())
    return command


def load_command(name: str) -> Any:
    """Imports a command of the table and gives it the options that every command has."""
    command = get_command(importlib.import_module(COMMANDS[name].module).app)
    command.name = name
    command.context_settings = {**HELP_NAMES, **command.context_settings}
    command.params.extend(shared_parameters())
    return command


def load_all() -> dict[str, Any]:
    """Every command, imported: for documentation and tests."""
    return {name: load_command(name) for name in COMMANDS}


def shared_parameters() -> Sequence[Any]:
    """`--color` and `--debug`, which act by themselves and are not handed to the command."""

    def holder(
        color: Annotated[
            ColorChoice | None,
            typer.Option("--color", callback=set_color, help="Colour in the output; auto unless told."),
        ] = None,
        debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    ) -> None: ...

    app = typer.Typer(add_completion=False)
    app.command()(holder)
    shared = [parameter for parameter in get_command(app).params if parameter.name in ("color", "debug")]
    for parameter in shared:
        parameter.expose_value = False
    return shared


def set_color(choice: ColorChoice | None) -> ColorChoice | None:
    if choice is not None:
        choose_color(choice)
    return choice


app = typer.Typer(
    cls=LazyGroup, rich_markup_mode=None, pretty_exceptions_enable=False, context_settings=HELP_NAMES, name="tfx"
)


@app.callback(invoke_without_command=True)
def root(ctx: typer.Context, json: options.Json = False, plain: options.Plain = False) -> None:
    """Transformers, explained by measurement."""
    face = options.face(json, plain)
    if ctx.invoked_subcommand is None:
        from tfx_cli.commands.dashboard import show_dashboard

        show_dashboard(face)
    elif face is not options.Face.terminal:
        raise BadInput(f"--{face} belongs after the command.", f"For example: tfx {ctx.invoked_subcommand} --{face}")
