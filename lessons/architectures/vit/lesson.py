"""ViT: a picture read as a row of squares, what positions do there, what squares cost, and what a CNN has built in."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, Shown, Source, Try, agree, at_least, at_most, between, by_hand, exactly, formula, question, setting, table,
)  # fmt: skip
from tfx.blas_threads import blas_threads
from tfx.data.digits import N_CLASSES, SIZE, draw
from tfx.lab.beyond_text.vit_digits import ASKED, BATCH, SIZES, learned
from tfx.lab.scale.published_sizes import count, vit
from tfx.measure.counting import attention_core, feed_forward, projections, total_matmul_flops
from tfx.measure.equivariance import shift_error
from tfx.models import VisionTransformer
from tfx.nn.patch_embedding import PatchEmbedding
from tfx.ops.grids.convolution import convolution_forward
from tfx.ops.grids.patches import patches_backward, patches_forward

#: Of ViT-Base: pixels of a picture and of a square, colours; blocks, width, heads.
PHOTO, SQUARE, COLOURS = 224, 16, 3
BASE = (12, 768, 12)
READ = 2  # side of the squares that the trained models read


@dataclass(frozen=True)
class Settings:
    digit: int = setting(3, 0, 9, "the digit that is cut into squares")
    side: int = setting(2, words=(2, 4), about="side of a square, pixels")
    steps: int = setting(100, 100, 300, "updates of the models that read digits")


class Run:
    """picture: (1, 8, 8, 1), from 0, paper, to 1, ink.  map: untrained, of each square."""

    def __init__(self, request: Request) -> None:
        self.settings, self.seed = request.settings, request.seed
        self.side, self.picture = self.settings.side, draw(self.settings.digit)[None, ..., None]
        self.squares, self.cut = patches_forward(self.picture, self.side)
        self.map = PatchEmbedding(self.side, 1, SIZES["d_model"], np.random.default_rng(request.seed), "float64")

    def model(self, size: int, positions: str) -> VisionTransformer:
        return VisionTransformer((size, size), self.side, N_CLASSES, channels=1, positions=positions, dtype="float64", seed=self.seed, **SIZES)  # fmt: skip

    @cached_property
    def read(self) -> dict[str, dict[str, float]]:
        with blas_threads(1):
            return {places: learned(self.settings.steps, READ, places, self.seed, 0) for places in ("learned", "none")}


lesson = Lesson(Run, Settings)


@lesson.step("A picture is a row of squares")
def row_of_squares(run: Run) -> Iterator[Shown]:
    side, n, across = run.side, run.squares.shape[1], SIZE // run.side
    ink = [["".join(".:+#"[min(3, int(4 * value))] for value in row[at : at + side]) for at in range(0, SIZE, side)] for row in run.picture[0, ..., 0]]  # fmt: skip
    rows = [{"which": f"{i // side * across + 1} to {i // side * across + across}" if i % side == 0 else "", **{f"c{j}": part for j, part in enumerate(row)}} for i, row in enumerate(ink)]  # fmt: skip
    other = 6 - side
    yield f"Attention reads a row of vectors and does not ask what they were. So cut a picture into squares (patches), and let each be a word: that is a Vision Transformer, ViT. Here the digit {run.settings.digit}, {SIZE} x {SIZE} grey pixels, in squares of {side} x {side}:"
    yield table(f"{n} squares, read line by line", rows, which="squares", **{f"c{j}": f"column {j + 1}" for j in range(across)})  # fmt: skip
    yield question(f"The same digit in squares of {other} x {other}: how many?", (SIZE // other) ** 2, f"{SIZE // other} in a line, {SIZE // other} lines.", 0)  # fmt: skip
    yield exactly("back", "pixels that differ when the squares are put together again", 0, int((patches_backward(run.squares, run.cut) != run.picture).sum()))  # fmt: skip
    yield patches_forward


@lesson.step("From a square to a vector, by hand")
def to_a_vector(run: Run) -> Iterator[Shown]:
    side, (w, b) = run.side, (run.map.parameters()[name].value for name in ("linear.w", "linear.b"))
    y, _ = run.map.forward(run.picture)
    dark = int(run.squares[0].sum(axis=-1).argmax())
    i, j = (side * at for at in divmod(dark, SIZE // side))
    pixels = run.picture[0, i : i + side, j : j + side, 0].ravel()
    kernel = w.reshape(side, side, 1, -1).transpose(3, 2, 0, 1)
    slid, _ = convolution_forward(run.picture.transpose(0, 3, 1, 2), kernel, b, stride=side)
    numbers = SQUARE * SQUARE * COLOURS
    yield "A square becomes a vector as a token id does: by one learned map, the same for each square. Its numbers are written in a row first."
    yield formula("N = (height / side) * (width / side)", "N: squares")
    yield formula("squares W + b", "(N, numbers) -> (N, C), numbers = side * side * channels")
    yield f"Square {dark + 1} holds the most ink, {side * side} numbers. The first number of its vector, with b = 0 and untrained W: {by_hand(pixels, w[:, 0])} = {y[0, dark, 0]:.2f}."  # fmt: skip
    yield question(f"A photo of {PHOTO} x {PHOTO} in squares of {SQUARE}: N?", (PHOTO // SQUARE) ** 2, f"{PHOTO // SQUARE} * {PHOTO // SQUARE}; in three colours each has {SQUARE} * {SQUARE} * {COLOURS} = {numbers} numbers.", 0)  # fmt: skip
    yield "This map is a convolution: a kernel as wide as a square, that jumps a whole square each time (its stride). Both give the same vectors."
    yield agree("first-square", "the vector of that square, from its pixels", y[0, dark], pixels @ w + b)
    yield agree("convolution", "map of the squares, and convolution", y[0], slid.reshape(w.shape[1], -1).T)
    yield Source("Dosovitskiy et al.", 2021, "An Image is Worth 16x16 Words", "section 3.1")


@lesson.step("The rest is an encoder")
def the_rest(run: Run) -> Iterator[Shown]:
    (layers, width, heads), small = BASE, run.model(SIZE, "learned")
    n = (PHOTO // SQUARE) ** 2
    c = count(vit(*BASE, n, SQUARE * SQUARE * COLOURS))
    own = count(vit(SIZES["n_layers"], SIZES["d_model"], SIZES["n_heads"], run.squares.shape[1], run.side**2, SIZES["d_ff"], class_token=False)).total  # fmt: skip
    head = SIZES["d_model"] * N_CLASSES + N_CLASSES
    yield "In front of the squares goes [CLS], a learned vector, as in BERT. Each place has its learned vector, added. Then come the blocks, pre-LN and without a mask: every square sees every other."
    yield formula("X = [CLS; squares W + b] + PE", "(places, C), N + 1 places")
    yield "The last vector of [CLS], normalised, goes to a linear head, that gives class scores (for pre-training, the paper's head has a hidden layer). The mean over squares can stand in for [CLS]; our small models take it."
    yield question(f"ViT-Base cuts {PHOTO} x {PHOTO} into squares of {SQUARE}. Rows of PE?", n + 1, f"{n} squares and [CLS].", 0)  # fmt: skip
    yield f"ViT-Base has {layers} blocks, C = {width}, {heads} heads. In millions: attention {c.attention / 1e6:.1f}, networks {c.feed_forward / 1e6:.1f}, PE {c.embedding / 1e6:.2f}, the rest {c.rest / 1e6:.2f}; without head {c.total / 1e6:.1f}, the paper prints 86. A small map of pixels replaces BERT's table of words."
    yield exactly("base", "ViT-Base, squares of 16, without head", 85_798_656, c.total)
    yield exactly("small", "a small model here, counted the same way", own + head, small.n_parameters)
    yield Source("Dosovitskiy et al.", 2021, "An Image is Worth 16x16 Words", "section 3.1, table 1")


@lesson.step("What breaks without positions")
def without_positions(run: Run) -> Iterator[Shown]:
    placed, bag = run.read["learned"], run.read["none"]
    rows = [{"places": name, "right": 100 * one["right"], "moved": one["moved"]} for name, one in (("learned", placed), ("none", bag))]  # fmt: skip
    yield f"Two small models learn to read digits in squares of {READ} x {READ}, {run.settings.steps} updates of {BATCH} pictures each. Then they read {ASKED} in styles that training never showed, whole, and with the squares put in one other order."
    yield question("No positions: by how much do the scores move with the order?", 0, "The same bag of squares goes in, and the mean comes out.")  # fmt: skip
    yield table("digits read", rows, places="positions", right="right, whole [%] :3", moved="scores move by :2")
    yield f"A bag of squares still says which strokes there are, and {bag['right']:.0%} are right, where guessing gives {1 / N_CLASSES:.0%}. Only positions say where they stood, counted line by line: that square {SIZE // READ + 1} lies below square 1 has to be learned."
    yield at_least("placed", "what positions add to the share right", 0.05, placed["right"] - bag["right"])
    yield at_most("bag", "no positions: scores move with the order by", 1e-3, bag["moved"])
    yield at_least("order", "with positions: they move by", 0.1, placed["moved"])
    yield Try("tfx experiment vit-digits")


@lesson.step("Squares half as wide")
def half_as_wide(run: Run) -> Iterator[Shown]:
    layers, width, heads = BASE
    sides, rows = (2 * SQUARE, SQUARE, SQUARE // 2), []
    for side in sides:
        n = patches_forward(np.zeros((1, PHOTO, PHOTO, 1), "float32"), side)[0].shape[1]
        maps = layers * total_matmul_flops((*projections(n, width), *feed_forward(n, width, 4 * width))) / 2e9
        core = layers * total_matmul_flops(attention_core(n, width, heads)) / 2e9
        rows.append({"side": side, "n": n, "pairs": n * n, "maps": maps, "core": core, "all": maps + core})
    wide, fine = rows[1], rows[2]
    pairs, work = fine["pairs"] / wide["pairs"], fine["all"] / wide["all"]
    yield "Finer squares cost more: half the side, twice as many in a line and twice the lines."
    yield question(f"From squares of {SQUARE} to {SQUARE // 2}: how many times the pairs?", pairs, "4 times the squares, and each attends to 4 times as many.", 0)  # fmt: skip
    yield table(f"{PHOTO} x {PHOTO} pixels, ViT-Base without [CLS], billions of multiply-adds", rows, side="side", n="N", pairs="pairs N^2 :6", maps="maps, networks :3", core="scores, P V :3", all="together :3")  # fmt: skip
    yield f"The work of the blocks grows {work:.1f} times: most is in maps and networks, the same for each square. The memory for P, where it is stored, grows {pairs:.0f} times."
    yield f"ViT-B/{SQUARE} is Base with squares of {SQUARE}. Single pixels would be {PHOTO**2:,} tokens."
    yield exactly("pairs", "pairs, as a multiple", 16, pairs)
    yield between("work", "work of the blocks, as a multiple", 4, 5, work)
    yield attention_core


@lesson.step("ViT against CNN: built in or learned")
def against_cnn(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    side, size, w = run.side, 2 * SIZE, rng.standard_normal((1, 1, 3, 3))
    margin = np.pad(run.picture[0, ..., 0], SIZE // 2)

    def slid(x: np.ndarray) -> np.ndarray:
        return np.asarray(convolution_forward(x[None, None], w, padding="same")[0][0, 0])

    def encoded(positions: str, x: np.ndarray) -> np.ndarray:
        model = run.model(size, positions)
        vectors, _ = model.positions.forward(model.patches.forward(x[None, ..., None])[0])
        return np.asarray(model.stack.forward(vectors)[0].reshape(size // side, size // side, -1))

    bare, placed = partial(encoded, "none"), partial(encoded, "learned")
    cnn, whole, kept = (shift_error(f, margin, by, moved, axis=1) for f, by, moved in ((slid, 1, 1), (bare, side, 1), (placed, side, 1)))  # fmt: skip
    pixel = min(shift_error(bare, margin, 1, moved, axis=1) for moved in (0, 1))
    rows = [{"what": "convolution, kernel 3", "shift": "1 pixel", "off": cnn}, {"what": "ViT, no positions", "shift": f"a square, {side} pixels", "off": whole}, {"what": "ViT, no positions", "shift": "1 pixel", "off": pixel}, {"what": "ViT, positions", "shift": f"a square, {side} pixels", "off": kept}]  # fmt: skip
    yield f"Move the {run.settings.digit}, with an empty margin, to the right. Does the output move along?"
    yield question("Convolution, moved by 1 pixel: how far off?", cnn, "The same kernel meets the same pixels, one further on.")  # fmt: skip
    yield table(
        "untrained: new output against the old one moved, in sizes of the old",
        rows,
        what="what reads",
        shift="moved by",
        off="off by :2",
    )
    yield "A CNN has built in that near pixels belong together, and that weights are shared, so the output moves along (stride 1, off the edges). What a place sees grows with depth. ViT shares weights between squares, but mixes all from block 1, and learns what is near."
    yield agree("cnn", "convolution, 1 pixel: off by", cnn)
    yield agree("square", "ViT without positions, a whole square", whole)
    yield at_least("pixel", "... and 1 pixel", 0.02, pixel)
    yield at_least("places", "with positions, a whole square", 0.02, kept)
    yield Source("Dosovitskiy et al.", 2021, "An Image is Worth 16x16 Words", "section 3.1")


@lesson.step("What is often said, and what came after")
def too_strong(run: Run) -> Iterator[Shown]:
    yield Said("ViT has no convolution.", "too strong", "The map of its squares is one. None slides by less than its kernel.")  # fmt: skip
    yield Said("ViT beats CNNs.", "true with conditions", "Pre-trained on 1.3 million pictures, large ViTs did worse than the CNNs of their study; on 300 million they passed them. On few, without many altered copies, CNNs led.")  # fmt: skip
    yield "DeiT trains a ViT on these 1.3 million alone (ImageNet), by such copies (augmentation); a CNN was the better teacher for it than a Transformer. Swin attends within windows of one size, shifted from block to block, and merges squares on the way: its cost grows with a picture's area, not with its square. A few small convolutions in place of the one map make training steadier."
    yield Source("Dosovitskiy et al.", 2021, "An Image is Worth 16x16 Words", "section 4.3")
    yield Source("Touvron et al.", 2021, "Training Data-efficient Image Transformers")
    yield Source("Liu et al.", 2021, "Swin Transformer", "section 3")
    yield Source("Xiao et al.", 2021, "Early Convolutions Help Transformers See Better")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "Cut the picture into squares, (height / side) * (width / side) of them; flatten each; map it to the model's width, which is a convolution with a stride of one square. Add learned positions, usually put [CLS] in front, run an encoder without a mask, and classify [CLS] or the mean."
    yield "A CNN has locality, shared weights and moving along with shifts built in; what it sees grows layer by layer. ViT mixes all squares from the first block and learns what is near. So with few pictures and no strong augmentation CNNs led in the study of 2021, and with large pre-training ViT caught up and passed. Squares half as wide are 4 times the tokens and 16 times the pairs."
    yield Try("tfx quiz vit")
