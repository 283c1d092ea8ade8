"""The selective scan: a linear recurrence whose decay and input depend on the token, quick without kernels of its own.

T tokens one after the other, E channels, S states a channel, K chunks, Q tokens of a chunk.

    h_t = exp(d_t A) h_(t-1) + b_t u_t        y_t = c_t h_t        (Gu and Dao 2023, arXiv 2312.00752, equations 2 and 4)

Tokens are cut into K chunks that are walked side by side: Q steps over K x S x E numbers, few enough to stay in a processor's
cache, where a step costs a fifth of what it does through memory. A first walk finds what each chunk makes of a state of zeros,
then states are handed from chunk to chunk, then a second walk has the outputs. States are not kept: backwards they are computed
again from those at the chunks' heads (section 3.3.2).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

LONG = 1e30
"""A time step after which nothing of a state is left: a document's first token has it, and so sees no other document."""

_CACHED = 1 << 16  # numbers that a step works on, on a CPU


def selective_scan(decay_TE: Tensor, u_TE: Tensor, a_ES: Tensor, b_TS: Tensor, c_TS: Tensor) -> Tensor:
    """The outputs, T x E, from a state of zeros. `decay_TE` are time steps (at least 0; `LONG` forgets), `u_TE` is what goes
    in, times its time step, `a_ES` is negative. All are float32, or all float64. Differentiable in each, once.

    >>> ones = torch.ones(3, 1)
    >>> selective_scan(torch.tensor([[1.0], [1.0], [LONG]]), ones, -ones[:1], ones, ones).flatten()
    tensor([1.0000, 1.3679, 1.0000])
    """
    return _Scan.apply(decay_TE, u_TE, a_ES, b_TS, c_TS)  # pyright: ignore[reportReturnType]


@torch.no_grad()
def continued(
    decay_TE: Tensor, u_TE: Tensor, a_ES: Tensor, b_TS: Tensor, c_TS: Tensor, state_ES: Tensor
) -> tuple[Tensor, Tensor]:
    """The outputs, T x E, from the state that earlier tokens left, and the state that these leave."""
    walk = _Walk.of(decay_TE, u_TE, a_ES, b_TS)
    heads_KSE = walk.heads(state_ES.t())
    y_TE = walk.outputs(heads_KSE, c_TS)
    # What is missing at the end of the last chunk neither decays nor adds: the walk has left the last state there.
    return y_TE, heads_KSE[-1].t().contiguous()


class _Walk:
    """Chunks that are walked side by side. States lie S x E here: vectors run along the long side."""

    def __init__(self, d: Tensor, u: Tensor, b: Tensor, a_SE: Tensor, tokens: int, late: bool = False) -> None:
        self.d, self.u, self.b, self.a_SE = d, u, b, a_SE  # Q x K x E, Q x K x E, Q x K x S
        self.tokens, self.late = tokens, late  # late: decay comes after what a token adds

    @classmethod
    def of(cls, decay_TE: Tensor, u_TE: Tensor, a_ES: Tensor, b_TS: Tensor) -> _Walk:
        tokens, most = len(decay_TE), math.ceil(math.sqrt(len(decay_TE)))
        wanted = round(_CACHED / max(a_ES.numel(), 1)) if decay_TE.device.type == "cpu" else most
        chunks = max(min(wanted, most), 1)
        d, u, b = (_cut(x, chunks) for x in (decay_TE, u_TE, b_TS))
        return cls(d, u, b, a_ES.t().contiguous(), tokens)

    def states(self, h_KSE: Tensor) -> Iterator[Tensor]:
        """The states after each step, from those that chunks are handed; it is one tensor, changed in place."""
        for q in range(len(self.d)):
            if not self.late:
                h_KSE.mul_(self.decay(q))
            h_KSE.addcmul_(self.b[q].unsqueeze(2), self.u[q].unsqueeze(1))
            if self.late:
                h_KSE.mul_(self.decay(q))
            yield h_KSE

    def decay(self, q: int) -> Tensor:
        """What is left of each state, K x S x E."""
        return torch.mul(self.d[q].unsqueeze(1), self.a_SE).exp_()

    def heads(self, first_SE: Tensor | None = None) -> Tensor:
        """The states K x S x E that chunks are handed; the first is handed `first_SE`, or zeros."""
        h_KSE = self.u.new_zeros(self.d.shape[1], *self.a_SE.shape)
        if len(h_KSE) > 1:
            for _ in self.states(h_KSE):
                pass
        through_KSE = torch.mul(self.d.sum(0).unsqueeze(1), self.a_SE).exp_()
        handed = [torch.zeros_like(h_KSE[0]) if first_SE is None else first_SE.contiguous()]
        for k in range(len(h_KSE) - 1):
            handed.append(torch.addcmul(h_KSE[k], through_KSE[k], handed[-1]))
        return torch.stack(handed)

    def outputs(self, h_KSE: Tensor, c_TS: Tensor) -> Tensor:
        """T x E, from what chunks are handed, which becomes the states at their ends."""
        c = _cut(c_TS, len(h_KSE))
        y = torch.empty_like(self.u)
        with _exact(y):
            for q, _ in enumerate(self.states(h_KSE)):
                torch.bmm(c[q].unsqueeze(1), h_KSE, out=y[q].unsqueeze(1))
        return _joined(y, self.tokens)

    def backwards(self, g: Tensor, c: Tensor) -> _Walk:
        """The walk of gradients, from the last token to the first: what `c` is to the output, `b` is to them."""
        return _Walk(self.d.flip(0, 1), g.flip(0, 1), c.flip(0, 1), self.a_SE, self.tokens, late=True)


class _Scan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, decay_TE: Tensor, u_TE: Tensor, a_ES: Tensor, b_TS: Tensor, c_TS: Tensor) -> Tensor:
        walk = _Walk.of(decay_TE, u_TE, a_ES, b_TS)
        heads_KSE = walk.heads()
        ctx.save_for_backward(walk.d, walk.u, walk.b, walk.a_SE, c_TS, heads_KSE)
        return walk.outputs(heads_KSE.clone(), c_TS)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        d, u, b, a_SE, c_TS, heads_KSE = ctx.saved_tensors
        walk = _Walk(d, u, b, a_SE, len(c_TS))
        g, c = _cut(grads[0], len(heads_KSE)), _cut(c_TS, len(heads_KSE))
        gd, gu, gb, gc = (torch.empty_like(x) for x in (d, u, b, c))
        h_QKSE = g.new_empty(len(d) + 1, *heads_KSE.shape)  # the states before each step
        h_QKSE[0] = heads_KSE
        flow_KSE = walk.backwards(g, c).heads().flip(0).contiguous()  # the gradients of the states at chunks' ends, so far
        ga_KSE = torch.zeros_like(heads_KSE)
        with _exact(u):
            for q, h_KSE in enumerate(walk.states(heads_KSE.clone())):
                h_QKSE[q + 1] = h_KSE
                torch.bmm(g[q].unsqueeze(1), h_KSE.transpose(1, 2), out=gc[q].unsqueeze(1))
            for q in range(len(d) - 1, -1, -1):
                gh_KSE = flow_KSE.addcmul_(c[q].unsqueeze(2), g[q].unsqueeze(1))
                torch.bmm(b[q].unsqueeze(1), gh_KSE, out=gu[q].unsqueeze(1))
                torch.bmm(u[q].unsqueeze(1), gh_KSE.transpose(1, 2), out=gb[q].unsqueeze(1))
                flow_KSE = gh_KSE.mul_(walk.decay(q))
                gx_KSE = flow_KSE * h_QKSE[q]  # of the exponent, d A
                ga_KSE.addcmul_(gx_KSE, d[q].unsqueeze(1))
                torch.sum(gx_KSE.mul_(a_SE), 1, out=gd[q])
        gd_TE, gu_TE, gb_TS, gc_TS = (_joined(x, len(c_TS)) for x in (gd, gu, gb, gc))
        return gd_TE, gu_TE, ga_KSE.sum(0).t(), gb_TS, gc_TS


def _cut(x_TF: Tensor, chunks: int) -> Tensor:
    """T x F to Q x K x F; what is missing at the end are zeros."""
    tokens, width = x_TF.shape
    steps = -(-tokens // chunks)
    x_TF = functional.pad(x_TF, (0, 0, 0, steps * chunks - tokens))
    return x_TF.view(chunks, steps, width).transpose(0, 1).contiguous()


def _joined(x_QKF: Tensor, tokens: int) -> Tensor:
    return x_QKF.transpose(0, 1).reshape(-1, x_QKF.shape[2])[:tokens]


def _exact(like: Tensor) -> torch.autocast:
    """Autocast would round products to bf16."""
    return torch.autocast(like.device.type, enabled=False)
