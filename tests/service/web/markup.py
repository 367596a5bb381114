"""Reads a page as strictly as a careful browser: what is open is closed, and nothing in it can run."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from fastapi.testclient import TestClient

VOID = {"input", "link", "meta", "br", "hr", "img"}


@dataclass
class Page(HTMLParser):
    """What a page holds, and what is wrong with it."""

    wrong: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    labels: set[str] = field(default_factory=set)
    inputs: list[dict[str, str]] = field(default_factory=list)
    title: str = ""
    text: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._take(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._take(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self.wrong.append(f"line {self.getpos()[0]}: </{tag}> closes {self.open[-1:]}")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "title" and "svg" not in self.open:
            self.title += data
        self.text.append(data)

    def _take(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        values = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        if len(names) != len(set(names)):
            self.wrong.append(f"<{tag}> has an attribute twice: {names}")
        if tag in ("style", "iframe", "object", "embed", "base") or (tag == "script" and "src" not in values):
            self.wrong.append(f"inline <{tag}>")
        self.wrong += [f"<{tag}> has {name}" for name in names if name.startswith(("on", "hx-on")) or name == "style"]
        self.wrong += [
            f"{name}={value}"
            for name, value in values.items()
            if name != "value" and value.strip().lower().startswith("javascript:")
        ]
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "a":
            self.links.append(values.get("href", ""))
        if tag == "label" and "for" in values:
            self.labels.add(values["for"])
        if tag in ("input", "select") and values.get("type") != "hidden":
            self.inputs.append({**values, "within": "label" if "label" in self.open else ""})
        if tag == "form":
            self.forms.append({**values, "token": ""})
        if tag == "input" and values.get("name") == "csrf_token" and self.forms:
            self.forms[-1]["token"] = values["value"]


def read(text: str) -> Page:
    """Read a page, and say what is wrong with it."""
    page = Page()
    page.feed(text)
    page.close()
    if page.open:
        page.wrong.append(f"still open at the end: {page.open}")
    page.wrong += [f"id '{one}' twice" for one in sorted(set(page.ids)) if page.ids.count(one) > 1]
    unnamed = [
        one for one in page.inputs if not one["within"] and one.get("id") not in page.labels and "aria-label" not in one
    ]
    page.wrong += [f"no label: {one}" for one in unnamed]
    page.wrong += [
        f"post without a token: {one}" for one in page.forms if one.get("method") == "post" and not one["token"]
    ]
    return page


def words(browser: TestClient, path: str) -> str:
    """Return the text of a sound page."""
    answer = browser.get(path)
    assert answer.status_code == 200, answer.text[:300]
    page = read(answer.text)
    assert page.wrong == []
    return re.sub(r"\s+", " ", " ".join(page.text))
