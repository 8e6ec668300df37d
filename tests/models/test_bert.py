"""BERT: what it computes, how its two losses meet, and how large it is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.ops.arrays import arrays_in
from tfx.models import Bert, build
from tfx.models.bert import BERT_BASE, BERT_LARGE, bert_parameter_count
from tfx.ops.losses.cross_entropy import cross_entropy_backward, cross_entropy_forward

V = 11
SIZE: dict[str, Any] = {"d_model": 12, "n_heads": 3, "d_ff": 10, "n_layers": 2, "max_len": 9}
IDS = np.random.default_rng(0).integers(V, size=(3, 7))
SEGMENTS = np.array([[0, 0, 0, 1, 1, 1, 1], [0, 0, 1, 1, 1, 0, 0], [0, 1, 1, 0, 0, 0, 0]])
LENGTHS = np.array([7, 5, 3])


def model(**settings: Any) -> Bert:
    made = Bert(V, **{"dtype": "float64", **SIZE, **settings})
    rng = np.random.default_rng(1)
    for parameter in made.parameters().values():
        parameter.value += 0.2 * rng.standard_normal(parameter.shape)  # gains of 1 and offsets of 0 hide mistakes
    return made


def by_hand(bert: Bert, ids: np.ndarray, segments: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One row, without padding, from the paper: (T,) -> hidden (T, C), words (T, V), next sentence (2,)."""
    value = {name: parameter.value for name, parameter in bert.parameters().items()}

    def linear(x, name):
        return x @ value[f"{name}.w"] + value[f"{name}.b"]

    def norm(x, name):
        centred = x - x.mean(axis=-1, keepdims=True)
        spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
        return centred / spread * value[f"{name}.gamma"] + value[f"{name}.beta"]

    def gelu(x):
        return np.vectorize(lambda v: v * 0.5 * (1 + math.erf(v / math.sqrt(2))))(x)

    table = value["embedding.table"]
    summed = [
        table[token] + value["input.segments.table"][segment] + value["input.positions"][place]
        for place, (token, segment) in enumerate(zip(ids, segments, strict=True))
    ]
    x = norm(np.array(summed), "input.norm")
    for layer in range(SIZE["n_layers"]):
        block = f"stack.blocks.{layer}"
        q, k, v = (linear(x, f"{block}.attention.{part}") for part in ("query", "key", "value"))
        heads = []
        for head in range(SIZE["n_heads"]):
            mine = slice(head * 4, head * 4 + 4)
            weights = np.exp(q[:, mine] @ k[:, mine].T / math.sqrt(4))
            heads.append(weights / weights.sum(axis=1, keepdims=True) @ v[:, mine])
        x = norm(x + linear(np.concatenate(heads, axis=1), f"{block}.attention.output"), f"{block}.norm1")
        inner = gelu(linear(x, f"{block}.feed_forward.first"))
        x = norm(x + linear(inner, f"{block}.feed_forward.second"), f"{block}.norm2")
    filled = norm(gelu(linear(x, "masked_language.dense")), "masked_language.norm")
    words = filled @ table.T + value["masked_language.offsets"]
    return x, words, linear(np.tanh(linear(x[0], "pooler")), "next_sentence")


def test_every_output_is_the_published_formula():
    bert = model()
    output, _ = bert.forward(IDS, SEGMENTS)
    for row in range(len(IDS)):
        for ours, theirs in zip(output, by_hand(bert, IDS[row], SEGMENTS[row]), strict=True):
            np.testing.assert_allclose(ours[row], theirs, rtol=1e-10, atol=1e-11)


def test_a_padded_row_says_what_it_says_alone():
    bert = model()
    batch, _ = bert.forward(IDS, SEGMENTS, LENGTHS)
    for row, length in enumerate(LENGTHS):
        alone, _ = bert.forward(IDS[row : row + 1, :length], SEGMENTS[row : row + 1, :length])
        np.testing.assert_allclose(batch.mlm_logits[row, :length], alone.mlm_logits[0], rtol=0, atol=1e-12)
        np.testing.assert_allclose(batch.nsp_logits[row], alone.nsp_logits[0], rtol=0, atol=1e-12)


def test_every_place_sees_every_other_and_every_segment():
    bert = model()
    before = bert.forward(IDS[:1], SEGMENTS[:1])[0].mlm_logits
    other_ids, other_segments = IDS[:1].copy(), SEGMENTS[:1].copy()
    other_ids[0, 6] = (other_ids[0, 6] + 1) % V
    other_segments[0, 6] = 0
    for changed in (bert.forward(other_ids, SEGMENTS[:1]), bert.forward(IDS[:1], other_segments)):
        assert (changed[0].mlm_logits != before).any(axis=-1).all()


def test_no_segments_are_all_the_first_segment():
    bert = model()
    plain, nought = bert.forward(IDS)[0], bert.forward(IDS, np.zeros_like(IDS))[0]
    assert all(np.array_equal(a, b) for a, b in zip(plain, nought, strict=True))


def test_without_positions_the_words_are_a_bag_and_with_them_they_are_not():
    order = np.array([0, 4, 2, 6, 1, 3, 5])  # [CLS] stays first
    for positions, is_bag in (("none", True), ("learned", False)):
        bert = model(positions=positions)
        before, after = (bert.forward(i, s)[0] for i, s in ((IDS, SEGMENTS), (IDS[:, order], SEGMENTS[:, order])))
        assert np.allclose(before.nsp_logits, after.nsp_logits, rtol=0, atol=1e-12) == is_bag
        assert np.allclose(before.mlm_logits[:, order], after.mlm_logits, rtol=0, atol=1e-12) == is_bag


def gradients(bert: Bert, *outputs: Any, dhidden: Any = None) -> dict[str, np.ndarray]:
    bert.zero_grad()
    bert.backward(*outputs, bert.forward(IDS, SEGMENTS, LENGTHS)[1], dhidden)
    return {name: parameter.grad.copy() for name, parameter in bert.parameters().items()}


def test_the_gradients_of_the_two_losses_add_up():
    bert, rng = model(), np.random.default_rng(3)
    dmlm, dnsp, dhidden = (rng.standard_normal(shape) for shape in ((3, 7, V), (3, 2), (3, 7, 12)))
    both = gradients(bert, dmlm, dnsp, dhidden=dhidden)
    words, pairs = gradients(bert, dmlm, None), gradients(bert, None, dnsp)
    own = gradients(bert, None, None, dhidden=dhidden)
    for name, grad in both.items():
        np.testing.assert_allclose(grad, words[name] + pairs[name] + own[name], rtol=1e-9, atol=1e-11)
    assert not words["pooler.w"].any() and not pairs["masked_language.dense.w"].any()
    assert words["input.segments.table"].any() and pairs["input.segments.table"].any()


def test_a_loss_on_nothing_is_refused():
    bert = model()
    with pytest.raises(ValueError, match="at least one output"):
        bert.backward(None, None, bert.forward(IDS)[1])


def test_what_stands_in_the_padding_changes_no_gradient():
    bert = model()
    keep = np.arange(7) < LENGTHS[:, None]
    found = []
    for filling in (0, 7):
        ids = np.where(keep, IDS, filling)
        bert.zero_grad()
        output, cache = bert.forward(ids, SEGMENTS, LENGTHS)
        mlm = cross_entropy_forward(output.mlm_logits, np.where(keep, ids, 0), keep=keep)[1]
        nsp = cross_entropy_forward(output.nsp_logits, np.array([0, 1, 1]))[1]
        bert.backward(cross_entropy_backward(1.0, mlm), cross_entropy_backward(1.0, nsp), cache)
        found.append([parameter.grad.copy() for parameter in bert.parameters().values()])
    assert all(np.allclose(a, b, rtol=0, atol=1e-13) for a, b in zip(*found, strict=True))


def test_the_table_gets_the_sum_of_being_looked_up_and_being_compared_with():
    """Two copies of the table, one for each use: their gradients must add up to that of the one."""
    tied, apart = model(), model()
    apart.masked_language.embedding = type(apart.embedding)(V, 12, np.random.default_rng(0), "float64", scaled=False)
    apart.masked_language.embedding.table.value[...] = apart.embedding.table.value
    dmlm = np.random.default_rng(3).standard_normal((3, 7, V))
    together, separate = gradients(tied, dmlm, None), gradients(apart, dmlm, None)
    looked_up, compared = separate["embedding.table"], separate["masked_language.embedding.table"]
    assert looked_up.any() and compared.any()
    np.testing.assert_allclose(together["embedding.table"], looked_up + compared, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    "options", [{}, {"embedding_width": 5}, {"shared": True}, {"shared": True, "embedding_width": 5, "n_segments": 3}]
)
def test_counting_from_sizes_agrees_with_a_real_model_part_by_part(options):
    bert = Bert(V, **SIZE, **options)
    counts = bert_parameter_count(V, **SIZE, **options)
    parts = {"embedding": ("embedding.", "input."), "blocks": ("stack.",)}
    for part, count in counts.items():
        prefixes = parts.get(part, (f"{part}.",))
        owned = [p.value.size for name, p in bert.parameters().items() if name.startswith(prefixes)]
        assert sum(owned) == count, part
    assert sum(counts.values()) == bert.n_parameters


def encoder_parameters(sizes: dict[str, int], **options: Any) -> int:
    counts = bert_parameter_count(**sizes, **options)
    return counts["embedding"] + counts["blocks"] + counts["pooler"]


def test_the_published_models_have_their_published_sizes():
    base, large = encoder_parameters(BERT_BASE), encoder_parameters(BERT_LARGE)
    assert base == 109_482_240, "the number of the released bert-base-uncased"
    assert round(base / 10e6) * 10 == 110 and large == pytest.approx(340e6, rel=0.02), "the paper rounds"


def test_albert_base_has_the_twelve_million_of_its_paper():
    sizes = {**BERT_BASE, "vocab": 30000}
    millions = {width: encoder_parameters(sizes, embedding_width=width, shared=True) / 1e6 for width in (64, 128, 256)}
    assert {width: round(count) for width, count in millions.items()} == {64: 10, 128: 12, 256: 16}, "its table 3"


def test_a_shared_block_gets_the_gradients_of_all_its_uses():
    shared, apart = model(shared=True), model()
    state = shared.state()
    copies = {name.replace(".0.", ".1."): value for name, value in state.items() if name.startswith("stack.blocks.0.")}
    apart.load_state({**state, **copies})
    rng = np.random.default_rng(3)
    dmlm, dnsp = rng.standard_normal((3, 7, V)), rng.standard_normal((3, 2))
    together, separate = gradients(shared, dmlm, dnsp), gradients(apart, dmlm, dnsp)
    for name, grad in together.items():
        expected = separate[name]
        if name.startswith("stack.blocks.0."):
            expected = expected + separate[name.replace(".0.", ".1.")]
        np.testing.assert_allclose(grad, expected, rtol=1e-9, atol=1e-11)


def test_a_float32_model_is_float32_everywhere():
    bert = Bert(V, dropout=0.1, embedding_width=5, **SIZE)
    output, cache = bert.forward(IDS, SEGMENTS, LENGTHS, np.random.default_rng(0))
    bert.backward(output.mlm_logits, output.nsp_logits, cache, output.hidden)
    floats = [array for array in arrays_in((output, cache)) if array.dtype.kind == "f"]
    floats += [array for p in bert.parameters().values() for array in (p.value, p.grad)]
    assert {array.dtype.name for array in floats} == {"float32"}


def test_a_config_rebuilds_the_model():
    bert = Bert(V, embedding_width=5, shared=True, seed=8, **SIZE)
    again = build(bert.config)
    assert again.config == bert.config
    assert all(np.array_equal(value, again.state()[name]) for name, value in bert.state().items())


def test_caches_show_the_weights_of_every_block():
    _, cache = Bert(V, **SIZE).forward(IDS)
    assert len(cache.blocks) == 2
    assert cache.blocks[1].weights.shape == (3, 3, 7, 7)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Bert(V, **SIZE).forward(IDS[0]), r"\(batch, length\)"),
        (lambda: Bert(V, **SIZE).forward(IDS, SEGMENTS[:, :3]), r"segments are \(3, 3\) but ids are \(3, 7\)"),
        (lambda: Bert(V, **SIZE).forward(IDS, SEGMENTS + 1), "id 2 is outside a vocabulary of 2"),
        (lambda: Bert(V, **SIZE).forward(np.zeros((1, 10), dtype=int)), "positions 0 to 9 .* 9 rows"),
        (lambda: Bert(V, **SIZE).forward(IDS + V), f"vocabulary of {V}"),
        (lambda: Bert(V, positions="sinusoidal", **SIZE), "'sinusoidal'"),
    ],
)
def test_what_does_not_fit_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
