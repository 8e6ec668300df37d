"""One small file per command: parse -> call tfx or lessons -> show.

Each module holds `app`, a typer.Typer with one command.  The table in tfx_cli.app names them; a module is imported
only when its command runs.
"""
