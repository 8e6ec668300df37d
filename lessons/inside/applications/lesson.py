"""Where Transformers are used: three shapes of task in language, and other data through the same blocks."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lessons.writing import (
    Lesson, Request, Said, See, Shown, Source, Try, agree, at_least, at_most, exactly, matrix, question, setting, table,
)  # fmt: skip
from tfx.claims.transfer_and_prompting import read, unit
from tfx.data.toys.series import REACH, Series
from tfx.lab.beyond_text.contact_map import coupling, partners, related_chains
from tfx.lab.beyond_text.four_kinds import Readers
from tfx.lab.beyond_text.kinds_of_data import KINDS
from tfx.measure.embedding_search import nearest
from tfx.models import DecoderOnly, Encoder, EncoderDecoder

WORDS, SIZES = 30, {"d_model": 16, "n_heads": 2, "d_ff": 32, "n_layers": 1}
LENGTH, PASSAGES = 10, 64


@dataclass(frozen=True)
class Settings:
    chains: int = setting(200, 100, 2000, "related chains whose contacts are read")


class Run:
    """chains: (n, LENGTH) letters.  readers: an encoder of each kind of data, all with the same blocks."""

    def __init__(self, request: Request) -> None:
        self.seed = request.seed
        self.chains = related_chains(request.settings.chains, LENGTH, 0.8, np.random.default_rng((request.seed, 1)))

    @cached_property
    def readers(self) -> Readers:
        return Readers(True, "learned", np.random.default_rng(self.seed))


lesson = Lesson(Run, Settings)


@lesson.step("Language: three shapes of task")
def three_shapes(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    ids, asked = rng.integers(WORDS, size=(1, 6)), rng.integers(WORDS, size=(1, 4))
    models = {"label": Encoder(WORDS, n_outputs=3, tied=False, **SIZES), "next": DecoderOnly(WORDS, **SIZES), "pair": EncoderDecoder(WORDS, **SIZES)}  # fmt: skip
    shapes = {"label": models["label"].forward(ids)[0][:, 0].shape, "next": models["next"].forward(ids)[0].shape, "pair": models["pair"].forward(ids, asked)[0].shape}  # fmt: skip
    rows = [{"shape": "encode, then classify", "uses": "spam, sentiment, search ranking", "out": str(shapes["label"])},
            {"shape": "generate", "uses": "assistants, code completion", "out": str(shapes["next"])},
            {"shape": "sequence to sequence", "uses": "translation, summaries", "out": str(shapes["pair"])}]  # fmt: skip
    yield "Lists of products are out of date in a year. Name the task and the shape of model. Nearly each use of text is one of three. Here a text of 6 tokens, 3 labels, 30 words, a target of 4 tokens:"
    yield table("a batch of one text", rows, shape="shape", uses="for example", out="output")
    yield question("The decoder gives how many scores for the text of 6 tokens?", int(np.prod(shapes["next"])), "6 places x 30 words.", 0)  # fmt: skip
    yield "A large generator does the other two as well, when asked in words. In hospitals, banks, courts and schools the tasks are these: find, classify, sum up, draft, translate; help desks and moderation too. What differs is who answers for a mistake."
    yield exactly("label", "scores when a whole text is classified", 3, int(np.prod(shapes["label"])))
    yield exactly("pair", "places that are scored of a target of 4", 4, int(shapes["pair"][1]))


@lesson.step("Retrieval: look it up, then write")
def retrieval(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    passages = unit(rng.standard_normal((PASSAGES, 32)))
    answers = rng.integers(16, size=PASSAGES)
    asked = unit(passages + 0.05 * rng.standard_normal(passages.shape))
    found = nearest(asked, passages)[:, 0]
    right = float((read(asked, passages, answers, found) == answers).mean())
    blind = float((read(asked, passages, answers, rng.permutation(PASSAGES)) == answers).mean())
    changed = (answers + 1) % 16
    follows = float((read(asked, passages, changed, found) == changed[found]).mean())
    yield "Search engines and assistants put text as vectors, fetch what lies nearest, and let a model read it. Here 64 passages, each with one of 16 answers in it; a question is the passage's vector with noise."
    rows = [{"way": "the nearest passage", "right": 100 * right}, {"way": "a passage by lot", "right": 100 * blind}, {"way": "nearest, all answers changed", "right": 100 * follows}]  # fmt: skip
    yield table("read by attention, percent as in the store", rows, way="reads", right="percent :3")
    yield question("16 answers, equally likely: percent right by guessing?", 100 / 16, "100 / 16.")
    yield "No weight holds an answer, so a changed store changes what is said: up to date, and wrong where the store is wrong."
    yield at_least("found", "right with the nearest passage", 0.95, right)
    yield at_most("lot", "right with a passage by lot", 0.3, blind)
    yield exactly("follows", "answers that follow the changed store", 1.0, follows)
    yield nearest
    yield Source("Lewis et al.", 2020, "Retrieval-Augmented Generation for Knowledge-Intensive NLP Tasks")


@lesson.step("Other data: a new tokenizer, the same blocks")
def four_kinds(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    rows = []
    for kind, reader in zip(KINDS, run.readers.readers, strict=True):
        out = reader.forward(kind.draw(2, rng, False).images)[0]
        rows.append({"kind": kind.name, "tokens": kind.tokens, "numbers": kind.patch**2 * kind.channels, "out": str(out.shape)})  # fmt: skip
    blocks, whole = run.readers.readers[0].stack.n_parameters, run.readers.n_parameters
    yield "Cut the data into pieces; a linear map makes a vector of each; positions say where it stood. The blocks know nothing of the source. Here one set of them reads words, squares of 2 x 2 pixels, frames of sound, letters of DNA:"
    yield table("two of each through it", rows, kind="kind", tokens="tokens", numbers="numbers in a piece", out="scores out")  # fmt: skip
    yield question("Squares of 2 x 2 in a picture of 8 x 8: how many tokens?", KINDS[1].tokens, "(8 / 2)^2.", 0)
    yield f"Own to each kind: the map at the entrance, positions, the head. The blocks, {blocks:,} of {whole:,} parameters, are shared."
    yield exactly("tokens", "squares of a picture of 8 x 8", (8 // 2) ** 2, KINDS[1].tokens)
    yield exactly("shared", "sets of blocks in four readers", 1, len({id(reader.stack) for reader in run.readers.readers}))  # fmt: skip
    yield Try("tfx experiment four-kinds")


@lesson.step("Proteins: what touches changes together")
def contacts(run: Run) -> Iterator[Shown]:
    scores = coupling(run.chains)
    found = partners(scores)
    hits = int((found == np.arange(LENGTH)[::-1]).sum())
    yield "Related proteins differ. Where two places touch in the folded chain, a change at one calls for one at the other. So a map of pairs can be read from many sequences. AlphaFold 2 does it with attention, in its Evoformer."
    yield f"A chain of {LENGTH}, folded like a hairpin: 1 touches {LENGTH}, 2 touches {LENGTH - 1}. Over {len(run.chains)} chains:"
    yield matrix("coupling, 0 for independent: first four places", scores[:4].round(2), "place, place")
    yield question("Which place is coupled with place 4?", int(found[3]) + 1, "The largest number of row 4.", 0)
    yield exactly("touch", "places whose strongest partner touches them", LENGTH, hits)
    yield agree("both-ways", "the map, against itself turned over", scores, scores.T)
    yield Source("Jumper et al.", 2021, "Highly accurate protein structure prediction with AlphaFold")


@lesson.step("Time series: values as tokens")
def time_series(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    errors = {}
    for bins in (8, 16, 64):
        toy = Series(n_bins=bins)
        values = np.clip(toy.values(50, np.random.default_rng((run.seed, 2))), -REACH, REACH)
        ids = np.clip(np.floor((values + REACH) * (bins / (2 * REACH))), 0, bins - 1).astype(int)
        errors[bins] = float(np.abs(toy.centres()[ids] - values).max())
    yield "A curve becomes a text when its values are cut into steps: each step is a token, and a decoder writes the next one. Chronos (2024) does so with models of the T5 kind. What the steps lose:"
    yield table(f"values from {-REACH} to {REACH}", [{"bins": bins, "error": error} for bins, error in errors.items()], bins="steps", error="largest error :3")  # fmt: skip
    yield question("At most how far is a value from the middle of its step, with 64 steps?", REACH / 64, "Half of 3.2 / 64.")  # fmt: skip
    yield at_most("half", "largest error with 64 steps, over half a step", 1.0 + 1e-9, errors[64] / (REACH / 64))
    yield at_least("coarse", "error of 8 steps over that of 64", 6.0, errors[8] / errors[64])
    yield Source("Ansari et al.", 2024, "Chronos: Learning the Language of Time Series")


@lesson.step("Who, what and when")
def known(run: Run) -> Iterator[Shown]:
    rows = [{"what": "pictures", "who": "ViT, Dosovitskiy et al. 2021", "cut": "squares of 16 x 16"},
            {"what": "speech", "who": "Whisper, Radford et al. 2022", "cut": "frames of a spectrogram"},
            {"what": "pictures from text", "who": "latent diffusion, Rombach et al. 2022", "cut": "cross-attention"},
            {"what": "proteins", "who": "AlphaFold 2, Jumper et al. 2021", "cut": "residues and pairs"}]  # fmt: skip
    yield "Papers:"
    yield table("beyond language", rows, what="data", who="by", cut="how")
    yield "Genomes, robots and recommendation are used alike: letters, actions, items bought. Stable Diffusion is no Transformer as a whole: a convolutional U-Net whose cross-attention reads the text. Multimodal models put pieces of pictures among the words, or let words attend to them."
    yield question("Whisper hears 30 seconds in frames of 10 ms; a convolution halves them. How many tokens?", 30 / 0.01 / 2, "3,000 / 2.", 0)  # fmt: skip


@lesson.step("What is often said")
def often_said(run: Run, rng: np.random.Generator) -> Iterator[Shown]:
    free = related_chains(len(run.chains), LENGTH, 0.0, rng)
    touching = coupling(run.chains)[np.arange(LENGTH), np.arange(LENGTH)[::-1]].mean()
    alone = coupling(free)[np.arange(LENGTH), np.arange(LENGTH)[::-1]].mean()
    yield Said("Transformers are better on any data.", "too strong", "Little is built in, so more data are needed than for an architecture made for them. ViT fell behind convolutions when trained on ImageNet alone.")  # fmt: skip
    yield Said("AlphaFold is a Transformer.", "true with conditions", "AlphaFold 2 (2021) uses attention, beside other maps of pairs. The first one (2020) was convolutional.")  # fmt: skip
    yield Said("The map of contacts is seen in one sequence.", "false", f"Here it is read from many related ones: {touching:.2f} on average where places touch, {alone:.2f} in chains that do not fold.")  # fmt: skip
    yield at_least("folded", "coupling of touching places, folded over free chains", 3.0, touching / alone)
    yield See("vit", "against_cnn")


@lesson.step("Say it in an interview")
def interview(run: Run) -> Iterator[Shown]:
    yield "In language each use is one of three shapes: encode and classify, generate, or map sequence to sequence; retrieval hands the model what it should read. I name task and model type, since products date."
    yield "Beyond language the recipe is: make a sequence of vectors, give it suitable positions, keep the blocks, change the head. Squares of pictures, frames of sound, residues, letters of DNA, values of a series. The price: weak built-in bias, so more data."
    yield Try("tfx quiz applications")
