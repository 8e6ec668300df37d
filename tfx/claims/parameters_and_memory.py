"""Claims about sizes of models, and what their weights and activations take."""

from __future__ import annotations

import numpy as np

from tfx.caches import arrays_by_name
from tfx.claims.claim import Evidence, Trial, claim, contradicts, not_measurable, supports
from tfx.claims.feed_forward import SECTION as SECTION
from tfx.lab.scale.published_sizes import PUBLISHED, Sizes, count
from tfx.measure.counting_array import counting_in
from tfx.measure.verdicts import at_least, at_most, exactly, within
from tfx.nn.block_settings import StackSettings
from tfx.nn.patch_embedding import PatchEmbedding
from tfx.nn.stacks import EncoderStack


def sizes_of(name: str) -> Sizes:
    return next(model.sizes for model in PUBLISHED if model.name == name)


@claim(
    "C134", "Sharing its layers shrinks a model.", verdict="holds", where="D1:644 D0:1102",
    why="twelve uses of one block store a twelfth. They multiply as much as twelve blocks: it saves no work.",
    paper="Lan et al. 2020, ALBERT, section 3.1",
)  # fmt: skip
def shared_layers(trial: Trial) -> Evidence:
    stored, work = [], []
    x = trial.generator(0).standard_normal((1, 4, 16)).astype("float32")
    for shared in (False, True):
        stack = EncoderStack(StackSettings(16, 4, 64, 12, shared=shared, norm_place="post"), trial.generator(1))
        stored.append(stack.n_parameters)
        with counting_in(stack) as counted:
            stack.forward(x)
            work.append(counted.multiply_adds)
    yield supports(exactly("parameters", "parameters of 12 blocks over 12 uses of one", 12.0, stored[0] / stored[1]))
    yield exactly("work", "their multiply-adds, the same way", 1.0, work[0] / work[1])


def bytes_of_gpt3(bytes_each: float, tokens: int = 0) -> float:
    """Weights, and keys and values of so many tokens in 16 bits."""
    sizes = sizes_of("GPT-3")
    return count(sizes).total * bytes_each + tokens * 2 * sizes.layers * sizes.width * 2.0


@claim(
    "C135", "Running GPT-3 takes more than 350 GB.", verdict="holds when", where="D0:2472",
    why="weights have 16 bits and a text is being read: 349 GB of weights, and 4.7 MB of keys and values for each "
    "token. With 4 bits the weights take 87 GB.",
    experiment="memory-bytes",
    paper="Brown et al. 2020, table 2.1",
)  # fmt: skip
def bytes_to_run(trial: Trial) -> Evidence:
    yield supports(at_least("whole", "GB with 2,048 tokens, 16 bits", 350.0, bytes_of_gpt3(2, 2048) / 1e9))
    yield contradicts(at_most("small", "GB of weights of 4 bits", 350.0, bytes_of_gpt3(0.5, 2048) / 1e9))
    yield within("weights", "GB of weights of 16 bits", 350.0, bytes_of_gpt3(2) / 1e9, 3.5)
    yield within(
        "token", "MB of keys and values for a token", 4.72, (bytes_of_gpt3(2, 1) - bytes_of_gpt3(2)) / 1e6, 0.01
    )


@claim(
    "C136", "The base model has 6 layers, width 512, 8 heads and an inner width of 2,048.", verdict="holds",
    where="D0:57 D0:74 D0:3094", experiment="published-models", paper="Vaswani et al. 2017, table 3",
    why="these sizes, on both sides and with a shared vocabulary of 37,000, have 63 million parameters; the paper "
    "says 65, and its vocabulary is given as about that.",
)  # fmt: skip
def base_model(trial: Trial) -> Evidence:
    sizes = Sizes("encoder and decoder", 6, 512, 2048, 8, 37_000, final_norm=False)
    millions = count(sizes).total / 1e6
    yield supports(within("parameters", "million parameters, reported as 65", 65.0, millions, 0.05 * 65))
    deeper = count(sizes._replace(layers=12)).total / 1e6
    yield at_least("told-apart", "... of twice as many layers", 1.05 * 65, deeper)
    narrow = count(sizes._replace(inner=1024)).total / 1e6
    yield at_most("inner", "... of half the inner width", 0.95 * 65, narrow)


not_measurable(
    "C137", "GPT-4 has 96 layers.", where="D1:239", section=SECTION,
    why="its sizes are not published; 96 is the number of GPT-3.",
)  # fmt: skip


@claim(
    "C139", "ViT cuts an image into patches of 16 x 16 and reads them as tokens.", verdict="holds",
    where="D4:99 D1:424", why="an image of 224 x 224 gives 196, each of 768 numbers; their count grows with the area.",
    paper="Dosovitskiy et al. 2021, An Image is Worth 16x16 Words, section 3.1",
)  # fmt: skip
def patches(trial: Trial) -> Evidence:
    layer = PatchEmbedding(16, 3, 4, trial.generator(2))
    tokens = {side: layer.forward(np.zeros((1, side, side, 3), "float32"))[0].shape[1] for side in (224, 384)}
    yield supports(exactly("tokens", "tokens of a picture of 224 x 224", 196, tokens[224]))
    yield supports(exactly("numbers", "numbers in a patch", 768, layer.linear.w.shape[0]))
    yield exactly("larger", "tokens of a picture of 384 x 384", 576, tokens[384])


def largest_kept(n: int, width: int, heads: int = 4) -> int:
    """Numbers in the largest array that a block keeps for its backward, weights apart."""
    stack = EncoderStack(StackSettings(width, heads, 4 * width, 1), np.random.default_rng(0))
    _, cache = stack.forward(np.random.default_rng(1).standard_normal((1, n, width)).astype("float32"))
    weights = {id(parameter.value) for parameter in stack.parameters().values()}
    return max(array.size for array in arrays_by_name(cache).values() if id(array) not in weights)


@claim(
    "C144", "A Transformer's memory is O(n^2 h + n d^2).", verdict="does not hold", where="D0:1666",
    why="activations are n^2 h and n d, and weights d^2: no array has n d^2 entries. Work does.",
    experiment="layer-costs",
)  # fmt: skip
def memory(trial: Trial) -> Evidence:
    n, width = 16, 64
    kept = largest_kept(n, width)
    yield contradicts(
        at_most("largest", "largest array kept for n = 16, d = 64, over n d^2", 0.1, kept / (n * width**2))
    )
    yield exactly("width", "... of twice the width, over it", 2.0, largest_kept(n, 2 * width) / kept)
    yield exactly("length", "for n = 256, d = 16: largest kept over n^2 h", 1.0, largest_kept(256, 16) / (256**2 * 4))
