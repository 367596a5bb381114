"""Loss, gradients and Hessian products from the closure that torch's optimizers are given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from slotforge.core.errors import UsageError

Tensor = torch.Tensor
NO_GRAPH = (
    "this rule asks for Hessian products: let the closure return the loss without calling backward, and leave no"
    " gradients from before (zero_grad), or call backward(create_graph=True) in it"
)
NOT_AGAIN = (
    "this rule asks for gradients at other points: let the closure evaluate the loss each time that it is called, and"
    " return it or call backward on it"
)


class Closure:
    """Answers what a rule asks during one step."""

    def __init__(self, params: Sequence[Tensor], closure: Callable[[], Any] | None, *, twice: bool) -> None:
        """Take in all parameters of the optimizer, and whether gradients will be differentiated again."""
        self.params, self.closure, self.twice = params, closure, twice
        self.loss: Any = None
        self._gradients: dict[Tensor, Tensor] = {}
        self._norm: Tensor | None = None

    def first(self) -> Any:
        """Evaluate loss and gradients at the current point, if there is a closure; return the loss.

        Gradients that are there already stay, and the closure adds to them, as with the optimizers of torch.

        Raises:
            UsageError: a gradient is sparse or complex.
        """
        self._gradients = self._left()
        if self.closure is not None:
            self.loss, self._gradients = self._evaluate(self.twice)
        for g in self._gradients.values():
            _refuse(g)
        for p in self.params:
            if p.grad is not None and p.grad.requires_grad:
                p.grad = p.grad.detach()
        return self.loss.detach() if isinstance(self.loss, Tensor) else self.loss

    def knows(self, p: Tensor) -> bool:
        """Whether a parameter has a gradient in this step."""
        return p in self._gradients

    def moves(self, p: Tensor) -> bool:
        """Whether a parameter is not frozen."""
        return p.requires_grad or p in self._gradients

    def gradient(self, p: Tensor) -> Tensor:
        """Return the gradient of a parameter, zero where it has none in this step."""
        return self._gradients[p].detach() if p in self._gradients else torch.zeros_like(p)

    def value(self) -> Tensor:
        """Return the loss; raises UsageError without a closure that gives it."""
        if self.loss is None:
            raise UsageError("this rule asks for the loss: call step(closure) with a closure that returns it")
        return torch.as_tensor(self.loss).detach()

    def norm(self) -> Tensor:
        """Return the norm of the gradient over all parameters."""
        if self._norm is None:
            wide = [g.detach().to(torch.promote_types(g.dtype, torch.float32)) for g in self._gradients.values()]
            norms = [torch.linalg.vector_norm(g) for g in wide]
            self._norm = torch.linalg.vector_norm(torch.stack([norm.to(norms[0]) for norm in norms]))
        return self._norm

    def questions(
        self, owned: Sequence[Tensor], dtype: torch.dtype, shape: Sequence[int]
    ) -> dict[str, Callable[[Tensor], Tensor]]:
        """Give the functions behind `aux`, over one array of this shape with the entries of all these parameters."""

        def flat(tensors: Sequence[Tensor | None]) -> Tensor:
            filled = [torch.zeros_like(p) if x is None else x for x, p in zip(tensors, owned, strict=True)]
            return torch.cat([x.detach().reshape(-1).to(owned[0].device, dtype) for x in filled]).reshape(shape)

        def parts(x: Tensor) -> list[Tensor]:
            cut = torch.split(x.reshape(-1), [p.numel() for p in owned])
            return [part.reshape(p.shape).to(p) for part, p in zip(cut, owned, strict=True)]

        def grad(x: Tensor) -> Tensor:
            with self._at(owned, parts(x), False) as grads:
                return flat(grads)

        def product(grads: Sequence[Tensor | None], v: Tensor) -> Tensor:
            pairs = [(g, part) for g, part in zip(grads, parts(v), strict=True) if g is not None and g.requires_grad]
            if not pairs:
                raise UsageError(NO_GRAPH)
            outputs, seeds = zip(*pairs, strict=True)
            free = [p for p in owned if p.requires_grad]
            found = torch.autograd.grad(outputs, free, seeds, retain_graph=True, allow_unused=True)
            at = dict(zip(free, found, strict=True))
            return flat([at.get(p) for p in owned])

        def hessian(x: Tensor) -> Tensor:
            with self._at(owned, parts(x), True) as grads:
                units = torch.eye(x.numel(), dtype=x.dtype, device=x.device)
                return torch.stack([product(grads, unit).reshape(-1) for unit in units])

        return {
            "grad": grad,
            "grads": lambda xs: torch.stack([grad(x) for x in xs]),
            "hvp": lambda v: product([self._gradients.get(p) for p in owned], v),
            "hessian": hessian,
            "mix": lambda x: x,
            "mix_sign": torch.sign,
        }

    @contextmanager
    def _at(self, owned: Sequence[Tensor], parts: Sequence[Tensor], twice: bool) -> Iterator[list[Tensor | None]]:
        """Give the gradients at another point, which holds until the end of the context."""
        if self.closure is None:
            raise UsageError("this rule asks for gradients at other points: call step(closure)")
        here, grads = [p.detach().clone() for p in owned], [p.grad for p in self.params]
        try:
            for p, part in zip(owned, parts, strict=True):
                if self.moves(p):
                    p.data.copy_(part)
            for p in self.params:
                p.grad = None
            _, found = self._evaluate(twice)
            if self._gradients and not found:
                raise UsageError(NOT_AGAIN)
            yield [found.get(p) for p in owned]
        finally:
            for p, part in zip(owned, here, strict=True):
                p.data.copy_(part)
            for p, g in zip(self.params, grads, strict=True):
                p.grad = g

    def _evaluate(self, twice: bool) -> tuple[Any, dict[Tensor, Tensor]]:
        """Call the closure; return what it does, and the gradients.

        These are taken of what it returns where there are none, or the zeros of `zero_grad(set_to_none=False)`.
        """
        assert self.closure is not None
        with torch.enable_grad():
            loss = self.closure()
        found = self._left()
        wanted = [p for p in self.params if p.requires_grad]
        if (
            not wanted
            or not isinstance(loss, Tensor)
            or not loss.requires_grad
            or any(map(_says_something, found.values()))
        ):
            return loss, found
        try:
            return loss, self._taken(loss, wanted, twice)
        except RuntimeError as error:
            if not found or "second time" not in str(error):
                raise
            return loss, found  # the closure has called backward, and they are zero

    def _taken(self, loss: Tensor, wanted: Sequence[Tensor], twice: bool) -> dict[Tensor, Tensor]:
        """Take the gradients of a loss; leave nothing behind that the next step would add to.

        Where they need no graph, `backward` takes them, so that hooks of parameters run: DDP averages in such.
        """
        if twice:
            taken = torch.autograd.grad(loss, wanted, create_graph=True, allow_unused=True)
            return {p: g for p, g in zip(wanted, taken, strict=True) if g is not None}
        torch.autograd.backward(loss, inputs=wanted)
        found = self._left()
        for p in found:
            p.grad = None
        return found

    def _left(self) -> dict[Tensor, Tensor]:
        return {p: p.grad for p in self.params if p.grad is not None}


def _says_something(g: Tensor) -> bool:
    """Whether a gradient is more than what `zero_grad(set_to_none=False)` leaves."""
    return g.layout != torch.strided or bool(g.any())


def _refuse(g: Tensor) -> None:
    """Refuse a gradient that rules cannot work on."""
    if g.layout != torch.strided:
        raise UsageError("a gradient is sparse: rules need dense ones; make the embedding with sparse=False")
    if g.is_complex():
        raise UsageError("a gradient is complex: rules work on real numbers; use torch.view_as_real")
