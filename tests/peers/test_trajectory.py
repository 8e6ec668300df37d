"""Two training runs recorded from PyTorch in float64, followed for all their steps from the same first weights.

A forward that agrees with PyTorch's proves the forward, its gradient proves the backward, and a whole run proves that
loss, masks, clipping, optimiser and schedule fit together: a mistake in any of them grows from step to step.

    seq2seq   nn.Transformer learns to reverse: post-norm and a norm after each stack, ReLU, sinusoids added to
              embeddings times sqrt(C), padding, label smoothing, output tied with the target's embedding,
              Adam with the schedule of 2017
    gpt       pre-norm, exact GELU, learned positions added to bare embeddings, output tied, AdamW on every parameter,
              clipping by norm, warm-up and cosine of a loop that counts from 0

TFX_TRAJECTORY names another file of the same kind; every number is taken from the file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from tests.peers.recorded import ABSENT
from tfx.models import DecoderOnly, EncoderDecoder
from tfx.optim import Adam, AdamW, Optimizer, clip_by_norm, decays_everything
from tfx.schedule import noam, warmup_cosine
from tfx.train import PairBatch, next_token_loss, train, translation_loss
from tfx.train.loop import Clip, Loss

RECORDED = Path(__file__).parent / "fixtures" / "torch-trajectory-seed0.npz"
PADDING = 0  # the token after the end of a sequence

Weights = dict[str, np.ndarray]


class Recording(NamedTuple):
    settings: dict[str, Any]
    start: Weights
    first_gradients: Weights
    end: Weights
    data: Weights
    losses: np.ndarray


@cache
def recording(run: str) -> Recording:
    path = Path(os.environ.get("TFX_TRAJECTORY", RECORDED))
    if not path.exists() and "TFX_TRAJECTORY" not in os.environ:
        pytest.skip(ABSENT)
    with np.load(path) as file:
        settings = json.loads(bytes(file["meta"]).decode())["runs"][run]

        def part(name: str) -> Weights:
            prefix = f"{run}/{name}/"
            return {key.removeprefix(prefix): file[key] for key in file.files if key.startswith(prefix)}

        return Recording(settings, part("start"), part("grad1"), part("end"), part("data"), file[f"{run}/losses"])


# ---- PyTorch's names and layouts -> ours: a linear map is stored transposed, query, key and value lie in one matrix


def linear(weights: Weights, theirs: str, ours: str) -> Weights:
    return {f"{ours}.w": weights[f"{theirs}.weight"].T, f"{ours}.b": weights[f"{theirs}.bias"]}


def norm(weights: Weights, theirs: str, ours: str) -> Weights:
    return {f"{ours}.gamma": weights[f"{theirs}.weight"], f"{ours}.beta": weights[f"{theirs}.bias"]}


def attention(weights: Weights, theirs: str, ours: str) -> Weights:
    ws = np.split(weights[f"{theirs}.in_proj_weight"], 3)
    bs = np.split(weights[f"{theirs}.in_proj_bias"], 3)
    found = linear(weights, f"{theirs}.out_proj", f"{ours}.output")
    for name, w, b in zip(("query", "key", "value"), ws, bs, strict=True):
        found |= {f"{ours}.{name}.w": w.T, f"{ours}.{name}.b": b}
    return found


def stack(weights: Weights, theirs: str, ours: str, n_layers: int) -> Weights:
    """An encoder, or a decoder where there are maps for a second attention."""
    found: Weights = {}
    for layer in range(n_layers):
        at, here = f"{theirs}.layers.{layer}", f"{ours}.blocks.{layer}"
        found |= attention(weights, f"{at}.self_attn", f"{here}.attention")
        if f"{at}.multihead_attn.in_proj_weight" in weights:
            found |= attention(weights, f"{at}.multihead_attn", f"{here}.cross_attention")
        for name in ("norm1", "norm2", "norm3"):
            if f"{at}.{name}.weight" in weights:
                found |= norm(weights, f"{at}.{name}", f"{here}.{name}")
        found |= linear(weights, f"{at}.linear1", f"{here}.feed_forward.first")
        found |= linear(weights, f"{at}.linear2", f"{here}.feed_forward.second")
    if f"{theirs}.norm.weight" in weights:
        found |= norm(weights, f"{theirs}.norm", f"{ours}.norm")
    return found


def named_as_ours(run: str, weights: Weights) -> Weights:
    n_layers = recording(run).settings["layers"]
    if run == "gpt":
        tables = {"embedding.table": weights["tok.weight"], "input.positions.table": weights["pos.weight"]}
        return tables | stack(weights, "enc", "stack", n_layers)
    tables = {"embedding.table": weights["src.weight"], "tgt_embedding.table": weights["tgt.weight"]}
    encoder = stack(weights, "net.encoder", "encoder", n_layers)
    return tables | encoder | stack(weights, "net.decoder", "decoder", n_layers)


# ---- The two runs


class Run(NamedTuple):
    model: Any
    batches: Callable[[np.random.Generator], Any]
    loss: Loss[Any]
    optimizer: Optimizer
    schedule: Callable[[int], float]
    clip: Clip | None


def prepare(run: str, dtype: str = "float64", backwards: bool = False, **changed: Any) -> Run:
    """backwards: the rows of every batch in reverse order; changed: settings that are not the recorded ones."""
    recorded = recording(run)
    data = {name: array[:, ::-1] if backwards else array for name, array in recorded.data.items()}
    build = reversal if run == "seq2seq" else language
    prepared = build(recorded._replace(settings={**recorded.settings, **changed}, data=data), dtype)
    prepared.model.load_state(named_as_ours(run, recorded.start))
    return prepared


def reversal(recorded: Recording, dtype: str) -> Run:
    settings, beta1, beta2, sizes = read(recorded)
    model = EncoderDecoder(
        **sizes,
        norm_place="post",
        final_norm=settings["final_norm"],
        activation="relu",
        tgt_vocab=len(recorded.start["tgt.weight"]),
        dtype=dtype,
    )
    pairs = zip(recorded.data["src"], recorded.data["tgt"], strict=True)
    batches = (PairBatch(src, tgt, lengths(src), lengths(tgt)) for src, tgt in pairs)
    optimizer = Adam(model, beta1, beta2, settings["eps"])
    schedule = partial(noam, d_model=settings["d"], warmup=settings["warmup"])
    return Run(model, lambda rng: next(batches), translation_loss(settings["smoothing"]), optimizer, schedule, None)


def language(recorded: Recording, dtype: str) -> Run:
    settings, beta1, beta2, sizes = read(recorded)
    model = DecoderOnly(
        **sizes,
        max_len=len(recorded.start["pos.weight"]),
        positions="learned",
        activation="gelu",
        scaled_embedding=False,
        dtype=dtype,
    )
    batches = iter(recorded.data["tokens"])
    optimizer = AdamW(model, settings["weight_decay"], beta1, beta2, settings["eps"], decays_everything)
    peak, warmup, hold = settings["top"], settings["warmup"], settings.get("hold", 1)  # hold: see warmup_cosine
    schedule = partial(warmup_cosine, peak=peak, warmup=warmup, total=settings["steps"] + 1, hold=hold)
    clip = partial(clip_by_norm, limit=settings["clip"], eps=settings["clip_eps"])
    return Run(model, lambda rng: next(batches), next_token_loss(), optimizer, schedule, clip)


def read(recorded: Recording) -> tuple[dict[str, Any], float, float, dict[str, Any]]:
    """-> all settings, Adam's two betas, and the settings of the model under our names."""
    settings = recorded.settings
    return settings, *settings["betas"], {ours: settings[theirs] for ours, theirs in SIZES.items()}


#: Our settings of a model and what the recording calls them.
SIZES = {"vocab": "V", "d_model": "d", "n_heads": "heads", "d_ff": "ff", "n_layers": "layers", "eps": "norm_eps"}


def lengths(ids: np.ndarray) -> np.ndarray:
    return np.count_nonzero(ids != PADDING, axis=1)


def follow(run: str, **options: Any) -> tuple[np.ndarray, Weights]:
    """-> the loss of every step, the last weights."""
    steps = recording(run).settings["steps"]
    model, batches, loss, optimizer, schedule, clip = prepare(run, **options)
    records = train(model, batches, loss, optimizer, schedule, steps, clip=clip)
    losses = np.array([record.loss for record in records])
    return losses, model.state()


RUNS = ("seq2seq", "gpt")


@pytest.mark.parametrize("run", RUNS)
def test_the_first_gradient_is_pytorchs(run):
    prepared = prepare(run)
    prepared.model.zero_grad()
    prepared.loss(prepared.model, prepared.batches(np.random.default_rng(0)), np.random.default_rng(0))
    expected = named_as_ours(run, recording(run).first_gradients)
    parameters = prepared.model.parameters()
    assert parameters.keys() == expected.keys()
    for name, parameter in parameters.items():
        np.testing.assert_allclose(parameter.grad, expected[name], rtol=0, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("run", RUNS)
def test_every_loss_is_pytorchs(run):
    losses, _ = follow(run)
    np.testing.assert_allclose(losses, recording(run).losses, rtol=0, atol=1e-9)
    assert losses[-5:].mean() < losses[:5].mean()  # it learned something on the way


@pytest.mark.parametrize("run", RUNS)
def test_the_last_weights_are_pytorchs(run):
    """To 1e-9, and what rounding alone does: the same run with the rows of each batch in another order tells how much.

    It is nearly nothing except where the true gradient is 0, above all for the biases of the keys, which softmax
    cancels: their rounding errors of 1e-17 are divided by Adam's eps (see tfx/optim/adam.py).
    """
    _, weights = follow(run)
    _, reordered = follow(run, backwards=True)
    for name, expected in named_as_ours(run, recording(run).end).items():
        rounding = abs(weights[name] - reordered[name]).max()
        assert rounding < 1e-7, name
        np.testing.assert_allclose(weights[name], expected, rtol=0, atol=1e-9 + 4 * rounding, err_msg=name)


def test_softmax_cancels_the_bias_of_the_keys_so_only_rounding_moves_it():
    for run in RUNS:
        before, (_, after) = named_as_ours(run, recording(run).start), follow(run)
        decay = recording(run).settings.get("weight_decay", 0.0)
        for name in (name for name in before if name.endswith("key.b")):
            if not decay:
                np.testing.assert_allclose(after[name], before[name], rtol=0, atol=1e-7)
            assert abs(after[name.replace("key.b", "key.w")] - before[name.replace("key.b", "key.w")]).max() > 1e-3


@pytest.mark.parametrize(
    ("run", "changed"),
    [
        ("seq2seq", {"smoothing": 0.1001}),
        ("seq2seq", {"eps": 1e-7}),
        ("seq2seq", {"warmup": 17}),
        ("seq2seq", {"betas": [0.9, 0.9801]}),
        ("seq2seq", {"norm_eps": 1.1e-5}),
        ("gpt", {"weight_decay": 0.1001}),
        ("gpt", {"clip_eps": 0.0}),
        ("gpt", {"hold": 0}),
        ("gpt", {"top": 0.0030001}),
    ],
)
def test_a_setting_that_is_a_little_wrong_is_seen_in_the_losses(run, changed):
    losses, _ = follow(run, **changed)
    assert abs(losses - recording(run).losses).max() > 1e-8


@pytest.mark.parametrize("run", RUNS)
def test_in_float32_the_run_stays_close(run):
    """Ten steps to 1e-6; then the ReLUs that rounding put on the other side of 0 may count, and 1% is the limit."""
    losses, weights = follow(run, dtype="float32")
    assert {w.dtype.name for w in weights.values()} == {"float32"}
    np.testing.assert_allclose(losses[:10], recording(run).losses[:10], rtol=1e-6)
    np.testing.assert_allclose(losses, recording(run).losses, rtol=1e-2)
