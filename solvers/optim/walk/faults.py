"""What is wrong with a rule, and where."""

from __future__ import annotations

import ast


class Fault(Exception):
    """Something that a rule may not hold; its text is one line with the line number."""

    def __init__(self, node: ast.AST, what: str) -> None:
        """Point at a node of the rule's syntax tree."""
        self.line: int = getattr(node, "lineno", 1)
        super().__init__(f"line {self.line}: {what}")


def short(node: ast.AST) -> str:
    """Show code in at most 60 characters."""
    shown = " ".join(ast.unparse(node).split())
    return shown if len(shown) <= 60 else shown[:57] + "..."
