"""What people write in the place of an encoder block: where norms and sums stand.  What goes wrong inside of its parts
is in encoder_block_parts_mistakes.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


from lessons.block.transformer_block.exercises import encoder_block_parts_mistakes as parts_
from lessons.block.transformer_block.exercises.encoder_block import exercise, solution


class Parts(NamedTuple):
    """The four parts of a block, with their weights in them."""

    norm_1: Callable[[Any], Any]
    attention: Callable[[Any], Any]
    norm_2: Callable[[Any], Any]
    network: Callable[[Any], Any]
    pre: bool


def parts(w: Any, n_heads: int, mask: Any, norm_place: str, eps: float) -> Parts:
    return Parts(
        lambda z: parts_.norm(z, w["gamma_1"], w["beta_1"], eps),
        lambda z: parts_.attention(z, w, n_heads, mask),
        lambda z: parts_.norm(z, w["gamma_2"], w["beta_2"], eps),
        lambda z: parts_.network(z, w),
        norm_place == "pre",
    )


def lines(x: Any, p: Parts) -> Any:
    if p.pre:
        r = x + p.attention(p.norm_1(x))
        return r + p.network(p.norm_2(r))
    r = p.norm_1(x + p.attention(x))
    return p.norm_2(r + p.network(r))


@exercise.mistake
def pre_for_both(x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5) -> Any:
    """The norms stand in front, whatever is asked for.

    Why: Most models since GPT-2 have them there.
    Hint: Call it with norm_place="post".
    """
    return solution(x, w, n_heads, mask, "pre", eps)


@exercise.mistake
def post_for_both(x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5) -> Any:
    """The norms stand behind the sums, whatever is asked for.

    Why: The paper of 2017 has them there.
    Hint: Call it with norm_place="pre". Can x pass without a norm?
    """
    return solution(x, w, n_heads, mask, "post", eps)


@exercise.mistake
def places_exchanged(x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5) -> Any:
    """pre and post are exchanged.

    Why: Pre is taken for: the norm is there before something is added.
    Hint: What do the rules write out for pre?
    """
    return solution(x, w, n_heads, mask, "post" if norm_place == "pre" else "pre", eps)


@exercise.mistake
def norm_on_the_branch(
    x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5
) -> Any:
    """post normalises what a part gives, x + norm(f(x)), not the sum.

    Why: It is called a norm of the sub-layer's output, and at times printed so.
    Hint: What is the mean of a token of your output, with gains of 1 and offsets of 0?
    """
    p = parts(w, n_heads, mask, norm_place, eps)
    if p.pre:
        return lines(x, p)
    r = x + p.norm_1(p.attention(x))
    return r + p.norm_2(p.network(r))


@exercise.mistake
def sum_with_the_normalised(
    x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5
) -> Any:
    """pre adds what attention gives to norm(x), not to x.

    Why: x = norm(x) is written, and x itself is gone.
    Hint: Make all maps 0. What should the block give?
    """
    p = parts(w, n_heads, mask, norm_place, eps)
    if not p.pre:
        return lines(x, p)
    a = p.norm_1(x)
    n = p.norm_2(a + p.attention(a))
    return n + p.network(n)


@exercise.mistake
def no_way_around(x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5) -> Any:
    """Nothing is added: there is no residual connection.

    Why: The parts are called one behind the other.
    Hint: Make all maps 0. What should the block give?
    """
    p = parts(w, n_heads, mask, norm_place, eps)
    if p.pre:
        return p.network(p.norm_2(p.attention(p.norm_1(x))))
    return p.norm_2(p.network(p.norm_1(p.attention(x))))


@exercise.mistake
def no_way_around_attention(
    x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5
) -> Any:
    """x is not added to what attention gives.

    Why: One of two plus signs is missing.
    Hint: How many sums has a block?
    """
    p = parts(w, n_heads, mask, norm_place, eps)
    r = p.attention(p.norm_1(x)) if p.pre else p.norm_1(p.attention(x))
    return r + p.network(p.norm_2(r)) if p.pre else p.norm_2(r + p.network(r))


@exercise.mistake
def no_way_around_the_network(
    x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5
) -> Any:
    """Nothing is added to what the network gives.

    Why: One of two plus signs is missing.
    Hint: How many sums has a block?
    """
    p = parts(w, n_heads, mask, norm_place, eps)
    r = x + p.attention(p.norm_1(x)) if p.pre else p.norm_1(x + p.attention(x))
    return p.network(p.norm_2(r)) if p.pre else p.norm_2(p.network(r))


@exercise.mistake
def way_around_everything(
    x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5
) -> Any:
    """The second sum adds x, not what the first half made of it.

    Why: Both sums are written with x.
    Hint: What has attention given to your output, if the network gives 0?
    """
    p = parts(w, n_heads, mask, norm_place, eps)
    r = x + p.attention(p.norm_1(x)) if p.pre else p.norm_1(x + p.attention(x))
    return x + p.network(p.norm_2(r)) if p.pre else p.norm_2(x + p.network(r))


@exercise.mistake
def side_by_side(x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5) -> Any:
    """The network reads x too, not what attention made of it.

    Why: GPT-J and PaLM have both side by side.
    Hint: Can the network work on what a token has found in another one?
    """
    p = parts(w, n_heads, mask, norm_place, eps)
    if p.pre:
        return x + p.attention(p.norm_1(x)) + p.network(p.norm_2(x))
    return p.norm_2(p.norm_1(x + p.attention(x)) + p.network(x))


@exercise.mistake
def network_first(x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5) -> Any:
    """The network comes before attention.

    Why: Both halves look alike.
    Hint: Which of the two does norm 1 belong to?
    """
    p = parts(w, n_heads, mask, norm_place, eps)
    return lines(x, Parts(p.norm_2, p.network, p.norm_1, p.attention, p.pre))


@exercise.mistake
def norms_exchanged(x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5) -> Any:
    """The two norms are exchanged.

    Why: Their arrays have the same shapes.
    Hint: Which of the two does norm 1 belong to?
    """
    p = parts(w, n_heads, mask, norm_place, eps)
    return lines(x, p._replace(norm_1=p.norm_2, norm_2=p.norm_1))


@exercise.mistake
def one_norm_twice(x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5) -> Any:
    """Norm 1 is used in both places.

    Why: As they start, all norms are the same.
    Hint: Change gamma_2. Does your output move?
    """
    p = parts(w, n_heads, mask, norm_place, eps)
    return lines(x, p._replace(norm_2=p.norm_1))


@exercise.mistake
def first_norm_missing(
    x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5
) -> Any:
    """Norm 1 is missing.

    Why: One norm a block is remembered.
    Hint: Change gamma_1. Does your output move?
    """
    return lines(x, parts(w, n_heads, mask, norm_place, eps)._replace(norm_1=lambda z: z))


@exercise.mistake
def second_norm_missing(
    x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5
) -> Any:
    """Norm 2 is missing.

    Why: One norm a block is remembered.
    Hint: Change gamma_2. Does your output move?
    """
    return lines(x, parts(w, n_heads, mask, norm_place, eps)._replace(norm_2=lambda z: z))


@exercise.mistake
def normalised_at_the_end_too(
    x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5
) -> Any:
    """pre normalises the result once more, by norm 2.

    Why: A stack of pre blocks ends with a norm, and it slips into the block.
    Hint: Make all maps 0. What should the block give?
    """
    p = parts(w, n_heads, mask, norm_place, eps)
    return p.norm_2(lines(x, p)) if p.pre else lines(x, p)


@exercise.mistake
def queries_alone_normalised(
    x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5
) -> Any:
    """pre: queries are made from norm(x), keys and values from x.

    Why: attention(norm(x), x, x): three arguments, and one is replaced.
    Hint: How many of the three read the tokens behind the norm?
    """
    p = parts(w, n_heads, mask, norm_place, eps)
    if not p.pre:
        return lines(x, p)
    r = x + parts_.attention(p.norm_1(x), w, n_heads, mask, read=x)
    return r + p.network(p.norm_2(r))


@exercise.mistake
def halved(x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5) -> Any:
    """The block ends behind attention: the network is missing.

    Why: Attention is all that its name promises.
    Hint: Change w_1. Does your output move?
    """
    p = parts(w, n_heads, mask, norm_place, eps)
    return x + p.attention(p.norm_1(x)) if p.pre else p.norm_1(x + p.attention(x))


@exercise.mistake
def eps_fixed(x: Any, w: Any, n_heads: int, mask: Any = None, norm_place: str = "pre", eps: float = 1e-5) -> Any:
    """eps is 1e-5, whatever is asked for.

    Why: The norm is a function of its own, and eps is not handed in.
    Hint: Call it with eps=0.3.
    """
    return solution(x, w, n_heads, mask, norm_place, 1e-5)
