"""The same GPT in PyTorch, for comparison: what someone who uses PyTorch would write.

One map for queries, keys and values together, fused attention (scaled_dot_product_attention), the tanh form of GELU,
the output tied to the embedding, and AdamW in its fused form.  Its weights are copied from ours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tfx.bench.pytorch import torch_threads
from tfx.bench.training_step import BETA2, EPS, LEARNING_RATE, WEIGHT_DECAY, TrainingStep
from tfx.blas_threads import blas_threads
from tfx.measure.verdicts import largest
from tfx.models import GPT

#: Ours -> PyTorch's, inside a block, for what is one tensor on both sides; matrices are transposed.
IN_A_BLOCK = {
    "norm1.gamma": "norm1.weight",
    "norm1.beta": "norm1.bias",
    "attention.output.w": "out.weight",
    "attention.output.b": "out.bias",
    "norm2.gamma": "norm2.weight",
    "norm2.beta": "norm2.bias",
    "feed_forward.first.w": "first.weight",
    "feed_forward.first.b": "first.bias",
    "feed_forward.second.w": "second.weight",
    "feed_forward.second.b": "second.bias",
}
QKV = ("query", "key", "value")


def torch_gpt(torch: Any, model: GPT) -> Any:
    """-> a torch.nn.Module with the sizes and the weights of `model`: (B, T) ids -> (B, T, V) logits."""
    nn, functional = torch.nn, torch.nn.functional
    sizes = model.config
    width, n_heads = sizes["d_model"], sizes["n_heads"]
    d_ff = sizes["d_ff"] or 4 * width

    class Block(nn.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.first, self.second = nn.Linear(width, d_ff), nn.Linear(d_ff, width)

        def forward(self, x: Any) -> Any:
            batch, length, _ = x.shape
            qkv = self.qkv(self.norm1(x)).view(batch, length, 3, n_heads, width // n_heads).permute(2, 0, 3, 1, 4)
            heads = functional.scaled_dot_product_attention(*qkv.unbind(0), is_causal=True)
            x = x + self.out(heads.transpose(1, 2).reshape(batch, length, width))
            return x + self.second(functional.gelu(self.first(self.norm2(x)), approximate="tanh"))

    class Network(nn.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.tokens = nn.Embedding(sizes["vocab"], width)
            self.places = nn.Embedding(sizes["max_len"], width)
            self.blocks = nn.ModuleList([Block() for _ in range(sizes["n_layers"])])
            self.norm = nn.LayerNorm(width)

        def forward(self, ids: Any) -> Any:
            x = self.tokens(ids) + self.places.weight[: ids.shape[1]]
            for block in self.blocks:
                x = block(x)
            return self.norm(x) @ self.tokens.weight.T

    network = Network()
    theirs = dict(network.named_parameters())
    with torch.no_grad():
        for name, array in as_torch({name: p.value for name, p in model.parameters().items()}).items():
            theirs[name].copy_(torch.from_numpy(array))
    return network


def as_torch(ours: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays of our names and shapes (values or gradients) -> of PyTorch's."""
    renamed: dict[str, np.ndarray] = {
        "tokens.weight": ours["embedding.table"],
        "places.weight": ours["input.positions.table"],
        "norm.weight": ours["stack.norm.gamma"],
        "norm.bias": ours["stack.norm.beta"],
    }
    for block in range(sum(name.endswith("norm1.gamma") for name in ours)):
        here, there = f"stack.blocks.{block}.", f"blocks.{block}."
        for own, other in IN_A_BLOCK.items():
            renamed[there + other] = ours[here + own].T
        for part, end in (("weight", "w"), ("bias", "b")):
            joined = np.concatenate([ours[f"{here}attention.{one}.{end}"] for one in QKV], axis=-1)
            renamed[f"{there}qkv.{part}"] = joined.T
    return renamed


def torch_optimizer(
    torch: Any, network: Any, learning_rate: float, weight_decay: float, beta2: float, eps: float
) -> Any:
    """AdamW that decays matrices and leaves vectors alone, as ours does."""
    groups = [
        {"params": [p for p in network.parameters() if (p.ndim >= 2) == decays], "weight_decay": decay}
        for decays, decay in ((True, weight_decay), (False, 0.0))
    ]
    return torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, beta2), eps=eps, fused=True)


def torch_step(torch: Any, network: Any, optimizer: Any) -> Callable[[np.ndarray], float]:
    """-> step(ids): one step on next-token prediction over ids: (B, T + 1), which tells the loss before it."""

    def step(ids: np.ndarray) -> float:
        tokens = torch.from_numpy(ids)
        optimizer.zero_grad(set_to_none=True)
        logits = network(tokens[:, :-1])
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step


class Compared(NamedTuple):
    """The largest differences over the steps compared; None without PyTorch."""

    loss: float | None
    gradient: float | None


def compare_steps(torch: Any, model: GPT, batches: Sequence[np.ndarray]) -> Compared:
    """Both libraries take the same steps from the model's weights."""
    ours, network = TrainingStep(model), torch_gpt(torch, model)
    theirs = torch_step(torch, network, torch_optimizer(torch, network, LEARNING_RATE, WEIGHT_DECAY, BETA2, EPS))
    losses, gradients = [], []
    with blas_threads(1), torch_threads(torch, 1):
        for ids in batches:
            losses.append(abs(ours(ids) - theirs(ids)))
            gradients.append(gradient_difference(ours, network))
    return Compared(largest(losses), largest(gradients))


def gradient_difference(ours: TrainingStep, network: Any) -> float:
    """The norm of the difference over the norm, all parameters together."""
    mine = as_torch({name: parameter.grad for name, parameter in ours.model.parameters().items()})
    theirs = {name: parameter.grad.numpy() for name, parameter in network.named_parameters()}
    apart = sum(float(((mine[name] - theirs[name]).astype(np.float64) ** 2).sum()) for name in theirs)
    size = sum(float((theirs[name].astype(np.float64) ** 2).sum()) for name in theirs)
    return float(np.sqrt(apart / size))
