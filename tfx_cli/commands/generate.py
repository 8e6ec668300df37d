"""`tfx generate`: the language model that ships goes on with your text, and says how sure it was of each token."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, cast

import typer

from tfx.errors import BadInput
from tfx_cli import options
from tfx_cli.options import Face
from tfx_cli.render.show import show_document, show_records
from tfx_cli.terminal.lines import show_line

if TYPE_CHECKING:
    from tfx.generate import Shaping
    from tfx_cli.render.pages.generation import Generation

app = typer.Typer(add_completion=False, rich_markup_mode=None)

PROMPT = "the function returns"

#: Every beam costs as much as a text of its own.
MOST_BEAMS = 200


@app.command()
def generate(
    prompt: Annotated[str, typer.Option("--prompt", metavar="TEXT", help="What to go on with.")] = PROMPT,
    max_new: Annotated[int, typer.Option("--max-new", min=1, metavar="N", help="The most new tokens.")] = 20,
    temperature: Annotated[
        float, typer.Option("--temperature", metavar="T", help="0: always the most likely token; above 1: wilder.")
    ] = 1.0,
    top_k: Annotated[
        int | None, typer.Option("--top-k", metavar="K", help="Draw from the K most likely tokens.")
    ] = None,
    top_p: Annotated[
        float, typer.Option("--top-p", metavar="P", help="Draw from the most likely tokens that sum to P.")
    ] = 1.0,
    beams: Annotated[
        int | None,
        typer.Option("--beams", min=1, max=MOST_BEAMS, metavar="W", help="Search, with W beams; no drawing."),
    ] = None,
    seed: options.Seed = 0,
    json: options.Json = False,
    plain: options.Plain = False,
) -> None:
    """Let a small language model go on with your text.

    It has two layers and learned from the documentation inside Python, so it writes like a torn-out page.  What counts
    is the table: how likely each token was, and what the settings left to choose from.  Stored keys and values spare
    the model from reading its own text again, and the check shows that they change nothing.

    \b
    examples
      tfx generate
      tfx generate --prompt "the list is" --temperature 0
      tfx generate --top-p 0.9 --seed 3 --json
      tfx generate --beams 5
    """
    from tfx_cli.render.pages import generation as page

    face = options.face(json, plain)
    if beams is not None and (temperature != 1.0 or top_k is not None or top_p != 1.0):
        raise BadInput(
            "--beams searches and draws nothing, so --temperature, --top-k and --top-p have nothing to do.",
            f"Search: tfx generate --beams {beams}   or draw: leave --beams out",
        )
    from tfx.generate import Shaping

    began = time.perf_counter()
    done = run(prompt, max_new, Shaping(temperature, top_k, top_p), beams, seed)
    elapsed = time.perf_counter() - began
    if face is Face.json:
        show_document(page.document_of(done, elapsed))
    else:
        show_records(page.records_of(done), face)
        if face is Face.terminal:
            show_line(f"\nseed {seed}, {elapsed:.1f} s" + f"   another: --seed {seed + 1}" * page.is_drawn(done))
    if not page.check_of(done).holds:
        raise typer.Exit(1)


def run(prompt: str, max_new: int, shaping: Shaping, beams: int | None, seed: int) -> Generation:
    """Reads the prompt, writes, and takes account of it."""
    import numpy as np

    from tfx.generate import Stopping, WholePass, beam_search, sample
    from tfx.generate.account import account
    from tfx.generate.beam import log_probability
    from tfx.generate.stored_keys import logits_of
    from tfx.models import DecoderOnly
    from tfx.shipped import load as shipped
    from tfx.tokenizers.word import END
    from tfx_cli.render.pages.generation import Generation

    model = shipped.load("language")
    language = cast(DecoderOnly, model.model)
    ids = model.tokenizer.encode(prompt)
    if not ids:
        raise BadInput("the prompt is empty: there is nothing to go on with.", f'Give a few words: --prompt "{PROMPT}"')
    n_tokens = len(model.vocabulary)
    if shaping.top_k is not None and shaping.top_k > n_tokens:  # the library would keep all; here it is a slip
        raise BadInput(
            f"top-k keeps 1 to {n_tokens} of {n_tokens} tokens, not {shaping.top_k}.", "Help: tfx generate -h"
        )
    try:
        shaping(np.zeros((1, n_tokens)), [[]])
    except ValueError as error:
        raise BadInput(f"{error}.", "Help: tfx generate -h") from None
    stopping = Stopping(model.vocabulary.index(END))
    hypotheses = []
    if beams is None:
        written = sample(language, ids, max_new, seed, shaping, stopping)
        new, reason = [int(token) for token in written.ids[0]], written.reasons[0]
    else:
        hypotheses = beam_search(language, ids, max_new, beams, stopping, "gnmt", n_best=beams)
        new, reason = list(hypotheses[0].ids), hypotheses[0].reason
    whole = log_probability(WholePass(logits_of(language), language.config["max_len"]), ids, new)
    accounts = account(language, ids, new, shaping)
    return Generation(model, prompt, ids, new, reason, accounts, whole, hypotheses, max_new, shaping, beams, seed)
