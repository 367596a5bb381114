"""Takes out of a draft what has no effect: constants that fold, operations that change nothing, and state and
statements that nothing reads. What is computed stays the same to the last bit, and so does the score.
"""

from __future__ import annotations

import ast

from slotforge.solvers.optim.vary.draft import Draft, returns

RESERVED = ("batch", "weights")
TWICE_IS_ONCE = frozenset({"abs", "sign", "floor", "ceil", "round", "trunc"})
WITHOUT_SIGN = frozenset({"abs", "square"})  # functions of what is inside abs, or a minus, that do not see it
ALIKE = frozenset({"maximum", "minimum"})


def simplify(draft: Draft) -> None:
    """Fold constants, and remove dead statements, dead state, and unused numbers, constants and helpers."""
    for name, node in draft.functions.items():
        draft.functions[name] = _Fold().visit(node)
        if ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    while _unused_locals(draft) or _dead_state(draft):
        pass
    while _unused_names(draft):
        pass
    read = {
        node.slice.value
        for function in draft.functions.values()
        for node in ast.walk(function)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant)
    }
    for name in [name for name in draft.numbers if name not in read]:
        del draft.numbers[name]


class _Fold(ast.NodeTransformer):
    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        left, right = _constant(node.left), _constant(node.right)
        match node.op:
            case ast.Mult() if left == 1:
                return node.right
            case ast.Mult() | ast.Div() | ast.Pow() if right == 1:
                return node.left
            case ast.Add() if left == 0:
                return node.right
            case ast.Add() | ast.Sub() if right == 0:
                return node.left
            case ast.Add() | ast.Sub() | ast.Mult() if left is not None and right is not None:
                value = left + right if isinstance(node.op, ast.Add) else left * right
                value = left - right if isinstance(node.op, ast.Sub) else value
                return ast.Constant(value) if value >= 0 else ast.UnaryOp(ast.USub(), ast.Constant(-value))
            case ast.Sub() if isinstance(node.right, ast.UnaryOp) and isinstance(node.right.op, ast.USub):
                return ast.BinOp(node.left, ast.Add(), node.right.operand)
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        inner = node.operand
        twice = isinstance(inner, ast.UnaryOp) and isinstance(inner.op, ast.USub) and isinstance(node.op, ast.USub)
        return inner.operand if twice and isinstance(inner, ast.UnaryOp) else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        match _called(node), node.args:
            case name, [inner] if name in TWICE_IS_ONCE and _called(inner) == name:
                return inner
            case name, [ast.Call(args=[argument]) as inner] if name in WITHOUT_SIGN and _called(inner) == "abs":
                return ast.Call(node.func, [argument], [])
            case name, [ast.UnaryOp(op=ast.USub(), operand=argument)] if name in WITHOUT_SIGN:
                return self.visit_Call(ast.Call(node.func, [argument], []))
            case name, [one, other] if name in ALIKE and ast.dump(one) == ast.dump(other):
                return one
        return node


def _called(node: ast.expr) -> str:
    """Name the function of xp that is called with nothing but places; nothing for anything else."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="xp"), attr=name), keywords=[]):
            return name
    return ""


def _constant(node: ast.expr) -> float | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _constant(node.operand)
        return None if inner is None else -inner
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return float(node.value) if isinstance(node.value, float) else int(node.value)  # type: ignore[arg-type]
    return None


def _loaded(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)}


def _unused_locals(draft: Draft) -> bool:
    changed = False
    for function in draft.functions.values():
        used = _loaded(function)
        for body in [node.body for node in ast.walk(function) if isinstance(node, (ast.FunctionDef, ast.If, ast.For))]:
            kept = [node for node in body if not (isinstance(node, ast.Assign) and not _stored(node) & used)]
            if kept and len(kept) < len(body):
                body[:] = kept
                changed = True
    return changed


def _stored(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}


def _dead_state(draft: Draft) -> bool:
    """Remove the keys of the state that the answer does not hang on, where all returns name them one by one."""
    update, init = draft.update, draft.functions["init"]
    answers = [node.value for node in returns(update)]
    tables = [node.elts[1] if isinstance(node, ast.Tuple) else node for node in answers]
    tables += [node.value for node in returns(init)]
    plain = [table for table in tables if isinstance(table, ast.Dict) and None not in table.keys]
    whole = sum(isinstance(node, ast.Name) and node.id == "state" for node in ast.walk(update))
    single = sum(_key(node) is not None for node in ast.walk(update))
    if len(plain) < len(tables) or whole != single:
        return False
    live = _live(update)
    dead = {key.value for table in plain for key in table.keys if isinstance(key, ast.Constant)} - live
    for table in plain:
        kept = [(k, v) for k, v in zip(table.keys, table.values, strict=True) if getattr(k, "value", None) not in dead]
        table.keys, table.values = [k for k, _ in kept], [v for _, v in kept]
    return bool(dead)


def _key(node: ast.AST) -> str | None:
    match node:
        case ast.Subscript(value=ast.Name(id="state"), slice=ast.Constant(value=str() as name)):
            return name
    return None


def _live(update: ast.FunctionDef) -> set[str]:
    """Follow what the answers read, through locals and keys, without regard to order."""
    feeds: dict[str, list[ast.AST]] = {}
    roots: list[ast.AST] = []
    for node in ast.walk(update):
        match node:
            case ast.Assign() | ast.For():
                for stored in _stored(node):
                    feeds.setdefault(stored, []).append(node)
            case ast.Expr() | ast.If():
                roots += [node.value] if isinstance(node, ast.Expr) else [node.test]
            case ast.Return(value=ast.Tuple(elts=[answer, ast.Dict() as table])):
                roots.append(answer)
                for key, value in zip(table.keys, table.values, strict=True):
                    if isinstance(key, ast.Constant):
                        feeds.setdefault(f"state.{key.value!s}", []).append(value)
    live = {f"state.{name}" for name in RESERVED}
    todo = roots + [node for name in live for node in feeds.get(name, [])]
    while todo:
        node = todo.pop()
        keys = {f"state.{name}" for one in ast.walk(node) if (name := _key(one)) is not None}
        for name in (_loaded(node) | keys) - live:
            live.add(name)
            todo += feeds.get(name, [])
    return {name.removeprefix("state.") for name in live if name.startswith("state.")}


def _unused_names(draft: Draft) -> bool:
    used = set().union(*(_loaded(node) for node in [*draft.constants, *draft.functions.values()]))
    helpers = [name for name in draft.functions if name not in used and name not in ("init", "update")]
    constants = [node for node in draft.constants if not _stored(node) & used]
    for name in helpers:
        del draft.functions[name]
    draft.constants = [node for node in draft.constants if node not in constants]
    return bool(helpers or constants)
