"""What the static check must refuse, each with the line and a hint."""

from __future__ import annotations

import pytest

from slotforge.solvers.optim.hygiene import check


def rule(
    body: str = "", answer: str = "p - hp['lr'] * g", state: str = '{"m": state["m"]}', init: str = "", top: str = ""
) -> str:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    made = init or 'return {"m": xp.zeros_like(p)}'
    return (
        f'"""A rule."""\nHP = {{"lr": (0.1, 1e-4, 10.0, "log")}}\n{top}\n'
        f"def init(xp, p):\n    {made}\n"
        f"def update(xp, g, state, p, hp, t, aux):\n{lines}    return {answer}, {state}\n"
    )


SIGNATURE = "update(xp, g, state, p, hp, t, aux)"
ATTACKS = {
    "import": (rule(top="import os"), "imports are not allowed"),
    "import from": (rule(top="from os import system"), "imports are not allowed"),
    "import in a function": (rule("import os"), "imports are not allowed"),
    "__import__": (rule("x = __import__"), "'__import__' is reserved"),
    "dunder attribute": (rule(answer="p.__class__"), "'__class__' is reserved"),
    "private attribute": (rule(answer="aux._spent"), "'_spent' is reserved"),
    "private facts": (rule(answer="aux._functions"), "'_functions' is reserved"),
    "dunder key argument": (rule(answer="xp.sum(g, __x=1)"), "'__x' is reserved"),
    "eval": (rule(answer="eval(p)"), "no function 'eval'"),
    "exec": (rule(answer="exec(p)"), "no function 'exec'"),
    "open": (rule(answer="open(p)"), "no function 'open'"),
    "getattr": (rule(answer='getattr(xp, "save")'), "a string may only be a key"),
    "exec of a string": (rule(answer='exec("1")'), "a string may only be a key"),
    "class": (rule(top="class A:\n    x = 1"), "classes are not allowed"),
    "lambda": (rule("f = lambda x: x"), "lambda is not allowed"),
    "decorator": (rule(top="@len\ndef f(x):\n    return x"), "decorators"),
    "decorated update": (rule().replace("def update", "@len\ndef update"), "decorators"),
    "default argument": (rule(top="def f(x=1):\n    return x"), "no defaults"),
    "star arguments": (rule(top="def f(*x):\n    return x"), "no *"),
    "keyword only": (rule(top="def f(*, x):\n    return x"), "no *"),
    "annotated argument": (rule(top="def f(x: len):\n    return x"), "annotations"),
    "annotated result": (rule(top="def f(x) -> len:\n    return x"), "annotations"),
    "annotated name": (rule("x: len = 1"), "annotations"),
    "nested function": (rule("def f(x):\n    return x"), "at the top of the file only"),
    "try": (rule("try:\n    x = 1\nexcept p:\n    x = 2"), "try is not allowed"),
    "with": (rule("with p:\n    x = 1"), "with is not allowed"),
    "while": (rule("while True:\n    x = 1"), "while is not allowed"),
    "global": (rule("global x\nx = 1"), "global is not allowed"),
    "nonlocal": (rule("nonlocal x\nx = 1"), "nonlocal"),
    "delete": (rule("del state"), "del is not allowed"),
    "raise": (rule("raise p"), "raise is not allowed"),
    "assert": (rule("assert p"), "assert is not allowed"),
    "yield": (rule("yield p"), "yield is not allowed"),
    "async": (rule(top="async def f(x):\n    return x"), "async is not allowed"),
    "f-string": (rule('x = f"{p}"'), "f-strings"),
    "format by percent": (rule('x = "%s" % p'), "a string may only be a key"),
    "bytes": (rule("x = b'1'"), "is not allowed"),
    "complex": (rule("x = 1j"), "is not allowed"),
    "walrus": (rule("x = (y := 1)"), ":= is not allowed"),
    "starred call": (rule("x = xp.sum(*p)"), "* in a call"),
    "double starred call": (rule("x = xp.sum(p, **state)"), "* in a call"),
    "set": (rule("x = {1, 2}"), "sets are not allowed"),
    "nested comprehension": (rule("x = [1 for a in p.shape for b in p.shape]"), "one for"),
    "filtered comprehension": (rule("x = [a for a in p.shape if a]"), "if in a comprehension"),
    "comprehension over an array": (rule("x = [a for a in p]"), "a loop over an array"),
    "match": (rule("match p:\n    case 1:\n        x = 1"), "match is not allowed"),
    "code at the top": (rule(top="xp.zeros(3)"), "docstring, HP, constants and functions only"),
    "loop at the top": (rule(top="for i in range(3):\n    x = i"), "docstring, HP, constants"),
    "a call in a constant": (rule(top="X = len(HP)"), "constants at the top are numbers"),
    "HP that is computed": (rule().replace("0.1, 1e-4", "0.1 * 2, 1e-4"), "HP must be"),
    "HP out of order": (rule().replace("0.1, 1e-4, 10.0", "0.1, 10.0, 1e-4"), "needs low < high"),
    "HP with a scale of its own": (rule().replace('"log"', '"cubic"'), "HP must be"),
    "HP twice": (rule(top='HP = {"a": (1.0, 0.5, 2.0, "log")}'), "defined twice"),
    "HP with a reserved name": (rule().replace('"lr"', '"__lr"'), "reserved"),
    "two of a name": (rule(top="def init(xp, p):\n    return {}"), "'init' is defined twice"),
    "no update": ('"""A."""\ndef init(xp, p):\n    return {}\n', f"no function update: write def {SIGNATURE}"),
    "no init": (rule().replace("def init", "def begin"), "no function init: write def init(xp, p)"),
    "other arguments": (rule().replace("hp, t, aux", "hp, t"), f"write def {SIGNATURE}"),
    "swapped arguments": (rule().replace("xp, g, state", "xp, state, g"), f"write def {SIGNATURE}"),
    "recursion": (rule("x = f(p)", top="def f(x):\n    return f(x)"), "f calls itself"),
    "mutual recursion": (
        rule("x = f(p)", top="def f(x):\n    return h(x)\ndef h(x):\n    return f(x)"),
        "f calls itself",
    ),
    "update from update": (rule("x = update(xp, g, state, p, hp, t, aux)"), "no function 'update' to call"),
    "a helper as a value": (rule("x = f", top="def f(x):\n    return x"), "f may only be called"),
    "an array function as a value": (rule("x = xp.sum"), "xp.sum may only be called"),
    "calling a number": (rule("x = hp['lr'](p)"), "this may not be called"),
    "file access": (rule("x = xp.load(p)"), "'.load' is not among"),
    "memory map": (rule("x = xp.memmap(p)"), "'.memmap' is not among"),
    "ctypes": (rule("x = xp.ctypeslib"), "'.ctypeslib' is not among"),
    "dump": (rule("x = p.dump"), "'.dump' is not among"),
    "tofile": (rule("x = p.tofile(p)"), "'.tofile' is not among"),
    "a function of a lower space": (rule("x = xp.linalg.lapack"), "'.lapack' is not among"),
    "writing by out=": (rule("x = xp.exp(g, out=p)"), "may not be given out="),
    "writing by a second place": (rule("x = xp.exp(g, p)"), "exp takes 1 arguments by place"),
    "writing by a fourth place": (rule("x = xp.sum(g, 0, None, p)"), "sum takes 1 arguments by place"),
    "sorting in place": (rule("x = p.sort()"), "'.sort()' is not allowed"),
    "setting an attribute": (rule("p.shape = (3,)"), "nothing changes in place"),
    "setting an aside": (rule("aux.norm = p"), "nothing changes in place"),
    "setting state": (rule("state['m'] = g"), "nothing changes in place"),
    "an endless power": (rule("x = 10 ** 10 ** 10"), "too large"),
    "a power of powers": (rule("x = (10 ** 9) ** 9"), "too large"),
    "a power at the top": (rule(top="X = 10 ** 10 ** 10"), "too large"),
    "a growing number": (rule("x = 3\nfor _ in range(60):\n    x = x * x"), "too large"),
    "a giant number": (rule("x = " + "9" * 400), "too large"),
    "a shift": (rule("x = 1 << 99999999999"), "<< is not allowed"),
    "a giant array": (rule("x = xp.zeros((10**9,), dtype=p.dtype)"), "may grow too large"),
    "a giant cube": (rule("x = xp.zeros((9000, 9000, 9000), dtype=p.dtype)"), "may grow too large"),
    "a giant unit matrix": (rule("x = xp.eye(1000000, dtype=p.dtype)"), "may grow too large"),
    "a giant range": (rule("x = xp.arange(10**12, dtype=p.dtype)"), "may grow too large"),
    "giant broadcasting": (rule("x = xp.broadcast_to(t, (10**6, 10**6))"), "may grow too large"),
    "an array that doubles": (rule("x = g\nfor _ in range(40):\n    x = xp.concat([x, x])"), "may grow too large"),
    "repetition": (rule("x = [0] * 10**9"), "arithmetic is for arrays and numbers"),
    "repetition of tuples": (rule("x = (0,) * 10**9"), "arithmetic is for arrays and numbers"),
    "many rounds": (rule("for _ in range(10**9):\n    x = p"), "at most 64 rounds"),
    "nested rounds": (
        rule("for a in range(60):\n    for b in range(60):\n        for c in range(60):\n            x = p"),
        "too long when its loops are unrolled",
    ),
    "helpers that multiply": (
        rule("x = f4(p)", top="".join(
            f"def f{i + 1}(x):\n    return {' + '.join([f'f{i}(x)'] * 20)}\n" for i in range(4)
        ) + "def f0(x):\n    return x + 1"),
        "too long when its loops are unrolled",
    ),
    "rounds that hang on sizes": (rule("for _ in range(p.shape[0]):\n    x = p"), "must be constant"),
    "rounds that hang on values": (rule("for _ in range(t):\n    x = p"), "range takes constants"),
    "a loop over an array": (rule("for x in p:\n    y = x"), "a loop over an array"),
    "a list in itself": (rule("x = []\nx.append(x)"), "a list holds arrays and numbers only"),
    "tuples that nest": (rule("x = (p, p)\nfor _ in range(60):\n    x = (x, x)"), "short and flat"),
    "deep brackets": (rule(f"x = {'(' * 90}p{')' * 90}"), "brackets nest deeper"),
    "deep signs": (rule(f"x = {'-' * 900}p"), "nests deeper"),
    "a long chain": (rule(f"x = {'+'.join(['p'] * 900)}"), "nests deeper"),
    "a long file": (rule(top="# " + "x" * 9000), "at most 8192 are allowed"),
    "a backslash": (rule("x = p + \\\n    p"), "a backslash"),
    "a control character": (rule("x = p\x07"), "only printable text"),
    "a text that runs backwards": (rule("# \u202e x"), "only printable text"),
    "a null": (rule("x = p\0"), "only printable text"),
    "a number glued to a word": (rule("x = 1if p.ndim else 2"), "put a blank"),
    "a name that is not ASCII": (rule("\u00e9t\u00e9 = p"), "ASCII letters"),
    "not Python": (rule("x ="), "invalid syntax"),
    "two assignments": (rule("x = y = p"), "one name is assigned at a time"),
    "shadowed builtin": (rule("range = p"), "choose another"),
    "ellipsis alone": (rule("..."), "no effect"),
}  # fmt: skip

TRAPS = {
    "zeros without a type": (rule("x = xp.zeros(3)"), "makes float64"),
    "ones without a type": (rule("x = xp.ones(p.shape)"), "makes float64"),
    "full without a type": (rule("x = xp.full(p.shape, 1.0)"), "makes float64"),
    "eye without a type": (rule("x = xp.eye(3)"), "makes float64"),
    "arange without a type": (rule("x = xp.arange(3)"), "makes float64"),
    "linspace without a type": (rule("x = xp.linspace(0, 1, 3)"), "makes float64"),
    "asarray without a type": (rule("x = xp.asarray(1.0)"), "makes float64"),
    "a type by name": (rule("x = xp.zeros(3, dtype=xp.float64)"), "write dtype=p.dtype"),
    "where of plain numbers": (rule("x = xp.where(g > 0, 1.0, 0.0)"), "makes float64"),
    "np.random": (rule("x = np.random.randn(3)"), "use aux.noise"),
    "xp.random": (rule("x = xp.random.normal(p)"), "use aux.noise"),
    "np": (rule("x = np.sqrt(p)"), "xp is the array namespace"),
    "math": (rule("x = math.sqrt(p)"), "math is not there"),
    ".T": (rule("x = p.T"), "write x.mT"),
    "if on an array": (rule("x = p\nif aux.norm > 1:\n    x = g"), "'if' branches on an array: write xp.where"),
    "if on t": (rule("x = p\nif t == 1:\n    x = g"), "'if' branches on an array"),
    "ternary on an array": (rule("x = g if t > 1 else p"), "'if' branches on an array"),
    "and on arrays": (rule("x = (t > 1) and (t < 3)"), "'and' branches on an array: write &"),
    "or on arrays": (rule("x = (t > 1) or (t < 3)"), "'or' branches on an array: write |"),
    "not on an array": (rule("x = not t > 1"), "'not' branches on an array: write ~"),
    "a mask times a number": (rule("x = g * (0.3 * (g > 0))"), "write xp.where(a > b, xp.ones_like(a), 0.0): 0.3 *"),
    "a number less a mask": (rule("x = 1.0 - (g > 0)"), "a comparison is no number"),
    "an array less a mask": (rule("x = g - (g > 0)"), "a comparison is no number"),
    "a mask over an array": (rule("x = (g > 0) / p"), "a comparison is no number"),
    "a mask times a mask": (rule("x = (g > 0) * (p > 0)"), "a comparison is no number"),
    "minus a mask": (rule("x = -(g > 0)"), "a comparison is no number"),
    "the mean of a mask": (rule("x = xp.mean(g > 0)"), "a comparison is no number"),
    "the size of a mask": (rule("x = xp.abs(g > 0)"), "a comparison is no number"),
    "the largest of a mask": (rule("x = xp.max(xp.reshape(g > 0, (-1,)))"), "a comparison is no number"),
    "a product with a mask": (rule("x = p @ (g > 0)"), "a comparison is no number"),
    "a mask among neighbours": (rule("x = aux.mix(g > 0)"), "a comparison is no number"),
    "a mask or a number": (rule("x = xp.where(g > 0, p > 0, 1.0)"), "a comparison is no number"),
    "a count times a number": (rule("x = g * (xp.sum(g > 0) * 0.1)"), "write count * xp.ones_like(t): xp.sum"),
    "places and a number": (rule("x = g * ((xp.argsort(g) + 0.1) * 0.3)"), "whole numbers"),
    "the share of a count": (rule("x = xp.sum(g > 0) / p.shape[0]"), "whole numbers"),
    "a power of a count": (rule("x = xp.sum(g > 0) ** 2"), "whole numbers"),
    "the root of a count": (rule("x = xp.sqrt(xp.sum(g > 0))"), "whole numbers"),
    "the mean of places": (rule("x = xp.mean(xp.argsort(g))"), "whole numbers"),
    "a choice of places or a number": (rule("x = xp.where(g > 0, xp.argsort(g), 0.5)"), "whole numbers"),
    "a running count times a number": (rule("x = 0.5 * xp.cumulative_sum(g > 0, axis=-1)"), "whole numbers"),
    "a list of masks times a number": (rule("x = 0.5 * xp.stack([g > 0, p > 0])"), "a comparison is no number"),
    "a state that changes its type": (rule(state='{"m": g > 0}'), "of another type than init makes it"),
    "a state of counts times a number": (
        rule("x = 0.5 * state['m']", init='return {"m": xp.argsort(p)}'),
        "whole numbers",
    ),
    "an answer of places": (rule(answer="xp.argsort(g)"), "must be an array of numbers"),
    "chained comparison": (rule("x = 0 < t < 3"), "write (a < b) & (b < c)"),
    "is": (rule("x = p is None"), "is is not allowed"),
    "float()": (rule("x = float(t)"), "float() fails on traced arrays"),
    "int()": (rule("x = int(t)"), "int() fails on traced arrays"),
    "max()": (rule("x = max(1.0, t)"), "write xp.maximum"),
    "min()": (rule("x = min(1.0, t)"), "write xp.minimum"),
    "abs()": (rule("x = abs(g)"), "written xp.abs"),
    "sum()": (rule("x = sum(g)"), "written xp.sum"),
    "print": (rule("print(g)"), "no effect"),
    "mask as index": (rule("x = g[g > 0]"), "a mask as index"),
    "array as index": (rule("x = g[xp.argmax(g)]"), "xp.take"),
    "assignment to a part": (rule("x = g\nx[0] = 1"), "nothing changes in place"),
    "augmented assignment": (rule("m = state['m']\nm *= 0.9"), "changes arrays in place"),
    "root of a plain number": (rule("x = xp.sqrt(2.0)"), "write 2.0 ** 0.5"),
    "root of a constant": (rule("x = xp.sqrt(K)", top="K = 2.0"), "write 2.0 ** 0.5"),
    "maximum of plain numbers": (rule("x = xp.maximum(1.0, 2.0)"), "maximum needs an array"),
    "a number that is not declared": (rule("x = hp['beta'] * g"), "HP does not declare 'beta'"),
    "a number by attribute": (rule("x = hp.lr * g"), "'.lr' is not among"),
    "a state key that init lacks": (rule("x = state['v']"), "which init must make"),
    "a state key that init does not make": (rule(state='{"m": g, "v": g}'), "init does not make it"),
    "a state key that is dropped": (rule(state="{}"), "update does not return it"),
    "a state of plain numbers": (rule(init='return {"m": 0.0}'), "is no array"),
    "a state without a dict": (rule(init="return p"), "init must return a dict"),
    "an answer without state": (rule().replace(', {"m": state["m"]}', ""), "must return (answer, state)"),
    "an answer of truth values": (rule(answer="g > 0"), "must be an array of numbers"),
    "a plain answer": (rule(answer="1.0"), "must be an array of numbers"),
    "no return": (rule().replace("    return p -", "    x = p -"), "must end with return"),
    "an aside that is not there": (rule("x = aux.loss"), "'.loss' is not among"),
    "an array function of aux": (rule("x = aux.sqrt(p)"), "aux has no 'sqrt'"),
    "an aside of an array": (rule("x = p.norm"), "norm is written"),
    "a name only of one branch": (rule("if p.ndim == 2:\n    x = p\ny = x"), "in every branch"),
    "axis by place": (rule("x = xp.sum(g, 0)"), "axis="),
    "concatenate": (rule("x = xp.concatenate([g, g])"), "written xp.concat"),
    "item": (rule("x = t.item()"), "item() fails"),
    "astype": (rule("x = g.astype(p.dtype)"), "types do not change"),
    "a string argument": (rule('x = xp.linalg.matrix_norm(p, ord="nuc")'), "a string may only be a key"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_hostile_code_is_refused_with_its_reason(name: str) -> None:
    source, fragment = ATTACKS[name]
    said = check("step", source)
    assert said is not None
    assert fragment in said
    assert "\n" not in said


@pytest.mark.parametrize("name", TRAPS)
def test_a_trap_is_named_with_what_to_write_instead(name: str) -> None:
    source, fragment = TRAPS[name]
    said = check("step", source)
    assert said is not None
    assert fragment in said
    assert said.startswith("line ")


def test_the_line_is_that_of_the_fault() -> None:
    assert (check("step", rule("x = p\ny = p.T")) or "").startswith("line 8: ")


def test_a_slot_that_is_not_there_is_refused() -> None:
    assert "no slot called 'branching'" in (check("branching", rule()) or "")


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("p is None", "is is not allowed: write =="),
        ("p is not None", "is not is not allowed: write !="),
        ("2 in p.shape", "in is not allowed: compare with =="),
        ("2 not in p.shape", "not in is not allowed: compare with !="),
        ("g << 2", "<< is not allowed: multiply"),
        ("g >> 2", ">> is not allowed: divide"),
    ],
)
def test_an_operator_is_told_once_with_its_line(expression: str, said: str) -> None:
    assert check("step", rule(f"x = {expression}")) == f"line 7: {said}"


def test_what_is_refused_differs_from_an_allowed_rule_by_the_fault_alone() -> None:
    assert check("step", rule()) is None


def test_several_faults_are_told_together_in_their_order_one_a_line() -> None:
    said = check("step", rule("x = p.T @ p\ny = lambda z: z.T\nw = g\nw += x\nv = g.real"))
    assert [fault.partition(": ")[0] for fault in (said or "").split("; ")] == [
        "line 7",
        "line 8",
        "line 10",
        "line 11",
    ]
    assert (check("step", rule("\n".join(["x = p.T"] * 9))) or "").count("line ") == 4
