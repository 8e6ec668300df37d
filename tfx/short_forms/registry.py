"""Which function of the library has which short form, and which has none, and why."""

from __future__ import annotations

import inspect
import io
import tokenize
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from tfx.records import qualified_name

LONGEST = 8

#: what has no short form, with the reason, by name: these need not be imported to be known
WHOLE: Mapping[str, str] = {
    "tfx.bench.ladders.attention.loops": "its loops are what is to be seen",
    "tfx.bench.ladders.softmax.blocks": "its blocks are what is to be seen",
    "tfx.bench.ladders.softmax.loops": "its loops are what is to be seen",
    "tfx.compression.removal.remove_heads": "it cuts four maps of every layer to what is left",
    "tfx.data.span_corruption.corrupt_spans": "it draws spans and writes two texts; its loop is what is to be seen",
    "tfx.efficient.linear_attention.linear_attention_forward": "it has masks, and a causal form",
    "tfx.efficient.linformer.linformer_forward": "it hides padding before it mixes",
    "tfx.efficient.longformer.longformer_attention_forward": "it gathers blocks of keys, masks ends, adds global ones",
    "tfx.efficient.lsh_attention.lsh_attention_forward": "it sorts, cuts, attends and puts back",
    "tfx.efficient.lsh_hashing.lsh_buckets": "its rounds, each with a random map, are what is to be seen",
    "tfx.efficient.synthesizer.dense_synthesizer_forward": "it is a network, a mask and attention",
    "tfx.efficient.tiled_attention.tiled_attention_backward": "its loop over tiles is what is to be seen",
    "tfx.efficient.tiled_attention.tiled_attention_forward": "its loop over tiles is what is to be seen",
    "tfx.generate.beam.beam_search": "its loop over beginnings is what is to be seen",
    "tfx.generate.shaping.temperature": "most of it is what can be wrong; it divides logits by the temperature",
    "tfx.generate.shaping.top_p": "its order, its sums and its cut are what is to be seen",
    "tfx.generate.stored_keys.StoredDecoder": "it is a decoder with its cache: what is kept, and a step",
    "tfx.gradcheck.check.check_gradients": "it checks every entry of every gradient, and says which is wrong",
    "tfx.lab.attention.directed_relation.train": "it is a whole training",
    "tfx.lab.attention.hand_set_pronoun.find_referent": "it is a whole attention with weights set by hand",
    "tfx.lab.attention.other_weights.other_weights": "it is a whole experiment",
    "tfx.lab.attention.shape_mistakes.silent_mistakes": "it is a whole experiment: three mistakes, one after the other",
    "tfx.lab.attention.who_responds.responses": "it is a whole experiment: three edits, one after the other",
    "tfx.lab.beyond_text.in_context_regression.by_descent": "it is a whole descent: as many steps as layers",
    "tfx.lab.beyond_text.in_context_regression.through_attention": "it is a stack of layers, with weights set by hand",
    "tfx.lab.block.add_and_norm.through_sublayers": "it is a whole experiment: a stack there and back",
    "tfx.lab.block.attention_collapse.through_attention": "it is a whole experiment: layer after layer",
    "tfx.lab.block.line_by_line.line_by_line": "its lines are what is to be seen",
    "tfx.lab.generation.non_autoregressive.all_at_once": "it draws every place by itself, for many texts",
    "tfx.lab.position.fitted_bias.fit": "it is a whole training",
    "tfx.lab.position.two_languages.look": "it is a whole experiment: two tables, compared",
    "tfx.lab.scale.published_sizes.count": "it builds a whole model, one part after the other",
    "tfx.lab.sequences.exclusive_or.learn_xor": "it is a whole training",
    "tfx.lab.sequences.merge_trace.fewest_tokens": "its loops are what is to be seen",
    "tfx.lab.sequences.merge_trace.learn_by_counting": "its loops are what is to be seen",
    "tfx.lab.sequences.recall.Recaller": "it is a whole model",
    "tfx.lab.sequences.reversal.Reverser": "it is a whole model",
    "tfx.lab.sequences.sequence_layers.through_depth": "a whole experiment: a stack of layers, what each gets",
    "tfx.lab.sequences.state_memory.read_back": "it is a whole experiment",
    "tfx.lab.training.batch_size.gradient_noise": "it is a whole experiment: batches against the whole",
    "tfx.lab.training.first_values.units_apart": "it is a whole training",
    "tfx.lab.training.initialisation.through_stack": "it is a whole experiment: a stack there and back",
    "tfx.lab.training.recipe.learnt": "it is a whole training",
    "tfx.lab.training.second_task.learnt_after": "it is a whole training: a second task after a first",
    "tfx.measure.ablation.without": "it takes a part out, and puts it back whatever happens",
    "tfx.measure.activation_patching.restored": "it is a whole experiment: one state after the other put in",
    "tfx.measure.linear_probe.LinearProbe": "it is a probe: fitted, and then asked",
    "tfx.measure.decoder_costs.token_costs": "it adds up the products of a model, map by map",
    "tfx.models.one_page_gpt.gpt_block_backward": "its lines, each undoing one of the forward, are to be seen",
    "tfx.models.recurrent_seq2seq.RecurrentSeq2Seq": "it is a whole model",
    "tfx.models.word_vectors.SkipGram": "it is a whole model",
    "tfx.nn.batch_norm.BatchNorm": "it is a layer: its parameters, and the statistics that it keeps",
    "tfx.nn.conformer.ConvolutionModule": "it is a layer of five steps, there and back",
    "tfx.nn.funnel.FunnelStack": "it is a stack: its layers, the way there and the way back",
    "tfx.nn.memory_attention.MemoryAttention": "it is a layer: its parameters, the way there and the way back",
    "tfx.nn.segment_memory.SegmentMemoryStack": "it is a stack: its layers, and what it keeps of a segment",
    "tfx.nn.stochastic_depth.LayerDropStack": "it is a stack: its layers, the way there and the way back",
    "tfx.nn.token_input.TokenInput": "it is a layer: a table, positions and dropout, each with a short form of its own",
    "tfx.ops.attention.attend.check_attend_shapes": "it is a list of what can be wrong",
    "tfx.ops.attention.masks.combine_masks": "most of it is what can be wrong; it takes the logical and of two masks",
    "tfx.ops.attention.relative_keys_values.relative_keys_values_attention_forward": "it skews a table of offsets",
    "tfx.ops.attention.scaled_dot_product.check_attention_shapes": "it is a list of what can be wrong",
    "tfx.ops.losses.distillation_loss.distillation_loss_forward": "it is two losses, and what the way back needs",
    "tfx.ops.positions.positions.sinusoidal_rotation": "its blocks on the diagonal are what is to be seen",
    "tfx.ops.positions.relative_buckets.bucket_of": "its cases are what is to be seen",
    "tfx.ops.recurrence.lstm.lstm_forward": "it runs four gates over all steps; its docstring has the five formulas",
    "tfx.ops.recurrence.through_time.backpropagate_through_time": "it runs any recurrence; see the one of the RNN",
    "tfx.ops.recurrence.through_time.run_through_time": "it runs any recurrence; see the one of the RNN",
    "tfx.optim.adam.Adam": "it is an optimizer: what it keeps, and its step; the lesson has the three formulas",
    "tfx.optim.clipping.clip_by_norm": "most of it is what can be wrong; it multiplies by limit / size",
    "tfx.optim.mixed_precision.LossScale": "it is a state that rises and falls with what it sees",
    "tfx.optim.sgd.SGD": "it is an optimizer: what it keeps, and its step",
    "tfx.parallel.data.data_parallel": "it is a whole step: parts, their gradients, and the sum",
    "tfx.tokenizers.bpe.BPE": "it is a whole tokenizer",
    "tfx.trace.attention_case": "it runs a whole model and keeps what passed through one head",
    "tfx.tuning.lora.add_lora": "it walks a model and puts two thin maps beside each chosen one",
    "tfx.tuning.part.Part": "it is a model's part: what is trained, and what stays",
}


class Trial(NamedTuple):
    """What the short form is called with, and what the library makes of the same."""

    arguments: tuple[Any, ...]
    library: Any


class ShortForm(NamedTuple):
    form: Callable[..., Any]
    trial: Callable[[np.random.Generator], Trial]


_forms: dict[str, ShortForm] = {}


def short_of(target: Callable[..., Any], trial: Callable[[np.random.Generator], Trial]) -> Callable[..., Any]:
    """Makes the decorated function the short form of `target`.  Raises ValueError when it has one."""

    def added(form: Callable[..., Any]) -> Callable[..., Any]:
        if qualified_name(target) in _forms:
            raise ValueError(f"{qualified_name(target)} has a short form")
        _forms[qualified_name(target)] = ShortForm(form, trial)
        return form

    return added


def on(forward: Callable[..., Any], *arguments: Any, **options: Any) -> Trial:
    """The trial of a function whose first result is compared, the second being its cache."""
    return Trial(arguments, forward(*arguments, **options)[0])


def short_forms() -> Mapping[str, ShortForm]:
    """All short forms, by the name of the library's function."""
    return _forms


def short_form(target: Any) -> Callable[..., Any] | None:
    """The short form of that function of the library, if it has one."""
    found = short_forms().get(qualified_name(target))
    return None if found is None else found.form


def difference(target: Any, seed: int = 0) -> float:
    """The largest difference between the short form and the library's function on random arrays, relative to the
    largest entry.  Raises KeyError when there is no short form."""
    return difference_of(short_forms()[qualified_name(target)], seed)


def difference_of(short: ShortForm, seed: int = 0) -> float:
    """NaN when a result is missing, has another shape or is not a number."""
    arguments, library = short.trial(np.random.default_rng(seed))
    ours, theirs = (_listed(result) for result in (short.form(*arguments), library))
    if len(ours) != len(theirs) or any(a.shape != b.shape for a, b in zip(ours, theirs, strict=True)):
        return float("nan")
    parts = [np.abs(a - b).max() / np.abs(b).max() for a, b in zip(ours, theirs, strict=True)]
    return float(np.max(parts))  # NumPy's max keeps a NaN


def is_short(target: Any) -> bool:
    """Whether the function itself is as short as a short form, and has no other."""
    return short_form(target) is None and lines_of(target) <= LONGEST


def why_whole(target: Any) -> str:
    """Why it has no short form: the reason that is known, else its length."""
    return reason_of(target) or f"it has {lines_of(target)} lines"


def reason_of(target: Any) -> str | None:
    """The reason of WHOLE, where it stands under the module of the function or a package above it; None without one."""
    above = target.__module__.split(".")
    names = (".".join([*above[:n], target.__qualname__]) for n in range(len(above), 0, -1))
    return next((WHOLE[name] for name in names if name in WHOLE), None)


def lines_of(target: Any) -> int:
    """The lines of a function or class, without its docstring, comments of their own line and blank ones."""
    source = inspect.getsource(inspect.unwrap(target))
    held: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(inspect.cleandoc(source)).readline):
        code = token.type not in (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
        documents = token.type == tokenize.STRING and token.line.lstrip().startswith(token.string[:3])
        if code and not documents and token.type != tokenize.ENDMARKER and not token.line.startswith("@"):
            held |= set(range(token.start[0], token.end[0] + 1))
    return len(held)


def _listed(result: Any) -> list[np.ndarray]:
    """One array, or the arrays of a tuple; None is left out."""
    parts = result if isinstance(result, tuple) else (result,)
    return [np.asarray(part) for part in parts if part is not None]
