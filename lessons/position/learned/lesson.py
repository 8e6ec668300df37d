"""Learned position tables: a row for each place, its gradient, where it ends, and what languages share of it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, exactly, formula, matrix, proof, question, setting, table,
)  # fmt: skip
from tfx.lab.attention.shape_mistakes import provoke
from tfx.lab.position.two_languages import Looked, look
from tfx.nn.positions import Positions
from tfx.ops.positions.positions import add_positions_backward, add_positions_forward

#: name: rows and width of the learned table, as published (GPT-2: the smallest).
PUBLISHED = {"BERT-base": (512, 768), "GPT-2": (1024, 768)}


@dataclass(frozen=True)
class Settings:
    rows: int = setting(8, 2, 512, "N, the rows of the table: the longest text")
    width: int = setting(6, 2, 256, "C, the numbers in a token's vector")


class Run:
    """layer: a table of N rows, as it is before training; x: (2, T, C), two texts of T = N - 1 tokens, dy: (2, T, C)."""

    def __init__(self, request: Request) -> None:
        settings: Settings = request.settings
        self.rows, self.width = settings.rows, settings.width
        rng = np.random.default_rng(request.seed)
        self.layer = Positions("learned", self.rows, self.width, rng, "float64")
        self.model_seed = int(rng.integers(2**31))
        self.x, self.dy = rng.standard_normal((2, 2, self.rows - 1, self.width))


lesson = Lesson(Run, Settings)


@lesson.step("A table with a row for each place")
def a_row_each(run: Run) -> Iterator[Shown]:
    shown, c = min(run.rows, 5), min(run.width, 6)
    y, _ = run.layer.forward(run.x)
    start = run.layer.table.value
    yield "Instead of computing a vector for each place, let training find it: a table of N rows, one for each place, as words have theirs. Row t is added to the token at place t. It begins random."
    yield formula("z_t = x_t + table_t", "table: (N, C), learned")
    yield matrix(f"the table before training, the first {shown} of {run.rows} rows", start[:shown, :c], "place, number")
    yield agree("added", "row t is added to token t", y - run.x, np.broadcast_to(start[: run.rows - 1], y.shape))
    yield Source("Gehring et al.", 2017, "Convolutional Sequence to Sequence Learning", "section 3.1")


@lesson.step("How many numbers that adds")
def how_many(run: Run) -> Iterator[Shown]:
    start = run.layer.table.value
    sizes = [{"model": name, "places": n, "width": width, "numbers": n * width} for name, (n, width) in PUBLISHED.items()]  # fmt: skip
    yield "Each row has C numbers, and all of them are learned. Sinusoids would add none."
    yield question(f"How many numbers does a table for {run.rows} places at C = {run.width} add to what is learned?", start.size, "N times C.", 0)  # fmt: skip
    yield table("as published", sizes, model="model", places="N", width="C", numbers="N C :12")
    yield exactly("size", "numbers of the table", run.rows * run.width, start.size)
    yield Source("Devlin et al.", 2019, "BERT", "section 3, appendix A.2")


@lesson.step("Its gradient: all texts that used the row")
def the_gradient(run: Run) -> Iterator[Shown]:
    value = run.layer.table.value
    _, cache = add_positions_forward(run.x, value)
    dx, dtable = add_positions_backward(run.dy, cache)
    first = run.dy[:, 0, 0]
    yield "Addition passes a gradient on as it comes, to both sides. Every text of a batch used the same row, so their gradients add up there. Let dy be what comes back, b count texts and t places:"
    yield formula("dx_bt = dy_bt        dtable_t = sum_b dy_bt")
    yield f"By hand, row 1, number 1, two texts: {first[0]:.3f} + ({first[1]:.3f}) = {dtable[0, 0]:.3f}. The texts have {run.rows - 1} token{'s' * (run.rows > 2)}, so row {run.rows} was not used, and its gradient is {abs(dtable[-1]).max():g}."
    yield agree("sum", "row 1 by hand", first.sum(), dtable[0, 0])
    yield exactly("unused", "numbers of the unused row that have a gradient", 0, int((dtable[-1] != 0).sum()))
    yield agree("passes", "the token's gradient is unchanged", dx, run.dy)
    yield proof("positions added", add_positions_forward, add_positions_backward, {"x": run.x[:, :3, :3], "table": value[:, :3]})  # fmt: skip
    yield add_positions_backward


@lesson.step("Rows far back are seldom trained")
def seldom(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    n, texts = 64, 1000
    lengths = np.minimum(rng.geometric(1 / 16, size=texts), n)
    reach = (np.arange(n)[None, :] < lengths[:, None]).astype(float)
    _, cache = add_positions_forward(np.zeros((texts, n, 1)), np.zeros((n, 1)))
    counts = add_positions_backward(reach[..., None], cache)[1][:, 0]
    rows = [{"place": place, "texts": float(counts[place - 1])} for place in (1, 2, 8, 16, 32, 64)]
    yield f"A row learns only from texts that reach it. Here are {texts:,} texts of random length, {lengths.mean():.0f} tokens on average, and the gradient of each row where every token sends back a 1:"
    yield question("How many of these texts train row 1?", counts[0], "Every text has a first token.", 0)
    yield table("texts that train the row of a place", rows, place="place", texts="texts")
    yield f"Row 1 is trained by all, row {n} by {counts[-1]:.0f}. What was trained seldom stays near its random beginning. Training on full windows of N tokens avoids that."
    yield agree("counts", "the gradient counts the texts that reach a row", counts, [(lengths > t).sum() for t in range(n)])  # fmt: skip
    yield at_least("seldom", "texts that train row 1, over those that train the last", 5, float(counts[0] / max(counts[-1], 1)))  # fmt: skip


@lesson.step("One place too many")
def one_too_many(run: Run) -> Iterator[Shown]:
    longer = np.zeros((1, run.rows + 1, run.width))
    asked = provoke("N + 1 tokens", lambda: run.layer.forward(longer))
    fits = provoke("N tokens", lambda: run.layer.forward(longer[:, :-1]))
    yield f"The table has {run.rows} rows. Give it a text of {run.rows + 1} tokens:"
    yield table("really called", [{"tried": f"{run.rows} tokens", "message": fits.message if fits.kind else "read"}, {"tried": f"{run.rows + 1} tokens", "message": asked.message if asked.kind else "read"}], tried="a text of", message="tfx answers")  # fmt: skip
    yield "There is no vector for that place. A longer table with fresh rows would run, and its fresh rows would be noise. So texts are cut, or the table is enlarged and trained further. Vision Transformers, whose tokens are squares of a picture (patches), interpolate theirs for larger ones: between rows, not beyond."
    yield Said("Learned positions end at the training length.", "true", "There is no row beyond the table, and rows that were never trained are noise.", "C085")  # fmt: skip
    yield exactly("refused", "texts that were refused: N tokens, N + 1 tokens", "0, 1", f"{int(bool(fits.kind))}, {int(bool(asked.kind))}")  # fmt: skip
    yield Source("Dosovitskiy et al.", 2021, "An Image is Worth 16x16 Words", "section 3.2")


@lru_cache(maxsize=8)
def looked(seed: int) -> Looked:
    return look(seed)


@lesson.step("One table for two languages")
def two_languages(run: Run) -> Iterator[Shown]:
    found = looked(run.model_seed)
    yield "A multilingual model has one table for all its languages. Here a small one reads two toy languages, marked in front. Subjects and objects are the same nouns: only places tell them apart. At the verb it has to name the object."
    yield matrix("where the verb looks, mean weights after training", found.weights, "language, place", ("verb object", "object verb"), ("mark", "place 2", "place 3", "place 4"))  # fmt: skip
    yield f"It names {found.accuracy:.0%} of the objects. With the same four rows verbs look on in the first language and back in the second. The rows say which place it is; what to do with that is in the learned maps of attention."
    yield Said("Position embeddings tell the sentence patterns of languages apart.", "false", "They mark places, alike in all languages. Which language it is comes from the tokens, and its grammar from the weights.")  # fmt: skip
    yield at_least("named", "share of objects named", 0.9, found.accuracy)
    yield at_least("on", "language 1: weight on the place after the verb", 0.6, float(found.weights[0, 3]))
    yield at_least("back", "language 2: weight on the place before it", 0.6, float(found.weights[1, 2]))


@lesson.step("How alike are its rows?")
def alike(run: Run) -> Iterator[Shown]:
    found = looked(run.model_seed)
    unit = found.table / np.linalg.norm(found.table, axis=1, keepdims=True)
    cosines = unit @ unit.T
    off = cosines[~np.eye(len(cosines), dtype=bool)]
    moved = float(np.linalg.norm(found.table - found.before) / np.linalg.norm(found.before))
    yield "Likeness of two rows is the cosine of the angle between them: 1 for the same direction, 0 for a right angle. Here for a small model of the two languages, after training:"
    yield matrix("cosines of the learned rows", cosines, "place, place")
    yield f"Random rows of C = {found.table.shape[1]} numbers have cosines of {1 / math.sqrt(found.table.shape[1]):.2f} by size, as a root mean square. Training moved the table by {moved:.0%} of its size. In Vision Transformers near patches come out alike (Dosovitskiy et al. 2021, section 4.5); nothing in the table asks for it."
    yield agree("own", "the cosine of a row with itself", np.diag(cosines), 1.0)
    yield look
    yield at_least("moved", "training moved the table by", 0.02, moved)
    yield at_least("below-one", "1 less the largest cosine of two rows", 1e-3, float(1 - off.max()))


@lesson.step("A table or sinusoids?")
def against_sinusoids(run: Run) -> Iterator[Shown]:
    n, width = PUBLISHED["GPT-2"]
    layers = {kind: Positions(kind, n, width, np.random.default_rng(0)) for kind in ("learned", "sinusoidal")}
    owned = {kind: sum(p.value.size for p in layer.parameters().values()) for kind, layer in layers.items()}
    rows = [
        {"what": f"learned numbers, N = {n}, C = {width}", "learned": f"{owned['learned']:,}", "sinusoidal": f"{owned['sinusoidal']:,}"},
        {"what": "a place beyond N", "learned": "no row", "sinusoidal": "a vector, not understood"},
    ]  # fmt: skip
    yield "A table can take any form that the data asks for; sinusoids have a fixed one. BERT, GPT-2 and GPT-3 have tables."
    yield table("one against the other", rows, what="what", learned="table", sinusoidal="sinusoids")
    yield Said("Inside the training length a learned table does as well as sinusoids.", "true", "For translation in 2017 (section 6.2, table 3, row E), and here on a local task.", "C086")  # fmt: skip
    yield Said("Sinusoids go beyond the training length better than a learned table.", "false", "Both fail: a vector never met helps as little as a row never trained.", "C084")  # fmt: skip
    yield exactly("owned", "learned numbers: table, sinusoids", f"{n * width}, 0", f"{owned['learned']}, {owned['sinusoidal']}")  # fmt: skip
    yield Try("tfx experiment length-extrapolation")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "A learned table has a trainable vector for each place, added to the token's embedding. It fits the data, and inside its length it does as well as sinusoids."
    yield "It ends at its last row, and rows that few texts reach are poorly trained. In a multilingual model all languages share it: it gives the place, and the weights learn each language's order."
    yield exactly("closing", "rows of the table", run.rows, run.layer.table.value.shape[0])
    yield Try("tfx quiz positional-learned")
