"""All checks in the order of the page.  Each returns findings; a problem names the next action."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tfx.measure.progress import Progress, silent
from tfx_cli.diagnosis.finding import Finding
from tfx_cli.diagnosis.installation import course, models, ownership, systems, unchanged, versions
from tfx_cli.diagnosis.machine import arithmetic, data, plots, terminal

#: in the order of the page
CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    versions,
    unchanged,
    ownership,
    data,
    course,
    models,
    systems,
    terminal,
    plots,
    arithmetic,
)


def diagnose(progress: Progress = silent) -> list[Finding]:
    """Every check, in the order in which a reader should mend things.  A check that breaks is itself a problem."""
    findings: list[Finding] = []
    for number, check in enumerate(CHECKS):
        progress(number, len(CHECKS), check.__name__)
        try:
            findings += check()
        except Exception as error:
            area = check.__name__.replace("_", " ")
            what = f"{type(error).__name__}: {error}"
            findings.append(
                Finding(area, "check", what, "problem", "Report this with the output of: tfx doctor --json")
            )
    return findings
