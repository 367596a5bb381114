"""A Python file with the rules in it and an `Optimizer` for torch; it needs torch alone."""

from __future__ import annotations

from collections.abc import Mapping

from slotforge.solvers.optim.export._file import Head, write

_MODULES = (
    "adapters/_dry", "adapters/_torch_namespace", "adapters/_symbolic", "adapters/_fuse", "adapters/foreach",
    "adapters/_chance", "adapters/_rounding", "adapters/_closure", "adapters/torch",
)  # fmt: skip
_ABOUT = """\
`Optimizer(model.parameters(), **numbers)` is a `torch.optim.Optimizer`; it needs nothing but torch. See
`RuleOptimizer` for what else it takes, and `NUMBERS` for the numbers."""
_PUBLIC = """

class Optimizer(RuleOptimizer):
    __doc__ = RuleOptimizer.__doc__
    rule, numbers = RULE, NUMBERS"""
_TEST = '''
def test() -> None:
    """Repeat the steps, over lists of tensors and tensor by tensor."""
    for foreach in (True, False):
        p = torch.nn.Parameter(torch.tensor({start}, dtype=torch.float64).reshape({shape}))
        weights = torch.arange(1, p.numel() + 1, dtype=torch.float64).reshape(p.shape)
        chosen = Optimizer([p], foreach=foreach, horizon={steps}, rank=1)
        for _ in range({steps}):
            chosen.step(lambda: ((weights * p * p).sum() + p.sum() ** 2) / 2)
        end = {end}
        if end is not None:
            wanted = torch.tensor(end, dtype=torch.float64).reshape(p.shape)
            torch.testing.assert_close(p.detach(), wanted, rtol=1e-9, atol=1e-9)'''


def text(slots: Mapping[str, str], head: Head) -> str:
    """Write the file."""
    return write(slots, head, _MODULES, about=_ABOUT, public=_PUBLIC, test=_TEST, vector=False)
