"""Source and differences as HTML whose colours are classes."""

from __future__ import annotations

from markupsafe import Markup, escape

from slotforge.service.web.words import clean, cut

DIFF = (("+++", "file"), ("---", "file"), ("@@", "at"), ("+", "add"), ("-", "del"))


def code(text: str, language: str) -> Markup:
    """Highlight a source; everything in it is escaped.

    Args:
        language: as Pygments names it.
    """
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name

    shown = clean(cut(text.strip("\n")))
    lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    return Markup(highlight(shown, lexer, HtmlFormatter(nowrap=True)).removesuffix("\n"))


def diff(text: str) -> Markup:
    """Mark the lines of a unified difference."""
    lines = Markup("").join(map(_line, clean(cut(text)).splitlines()))
    return Markup('<code class="diff">{}</code>').format(lines)


def _line(line: str) -> Markup:
    kind = next((name for mark, name in DIFF if line.startswith(mark)), "")
    return Markup('<span class="{}">{}</span>').format(kind, line)


def plain(text: str) -> Markup:
    """Show a text as it is, escaped and not too long."""
    return escape(clean(cut(text)))
