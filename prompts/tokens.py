"""Texts and code as sets of tokens, and how alike two are; without any model.

Words lose their endings, so that "restarts" and "restarting" are one; names are cut at underscores and capitals;
numbers are all alike, and comments do not count as code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

ENDINGS = ("ations", "ation", "ings", "ing", "ies", "ers", "ed", "es", "er", "ly", "s", "e")
SHORTEST_STEM = 3
COMMON = frozenset(
    ("a", "an", "and", "are", "as", "at", "be", "but", "by", "can", "do", "for", "from", "has", "have", "if", "in",
     "into", "is", "it", "its", "more", "not", "of", "on", "one", "or", "so", "than", "that", "the", "then", "there",
     "these", "this", "to", "too", "was", "when", "where", "which", "while", "will", "with")
)  # fmt: skip
NUMBER = "0"
ALIKE = 0.8  # two ideas whose words are so much alike are nearly the same
ALIKE_CODE = 0.95  # so is code that is so much alike; no two built-in policies of a slot are
LEAST_WORDS = 6  # fewer tell nothing
LEAST_CODE = 8  # pairs of tokens; less code is alike only where it is the same

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+(?:\.\d+)?")
_COMMENT = {
    "cpp": re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL),
    "python": re.compile(r"#[^\n]*|\"\"\".*?\"\"\"", re.DOTALL),
}
_CODE = re.compile(r"[A-Za-z_]\w*|\d[\w.]*|[-+*/<>=!&|%]=|&&|\|\||<<|>>|->|::|[^\s\w]")


@lru_cache(maxsize=1024)
def words(text: str) -> frozenset[str]:
    """Return the stems of the words of a text, and of the parts of its names, without the most common ones."""
    found = (word.lower() for word in _WORD.findall(text))
    return frozenset(NUMBER if word[0].isdigit() else stem(word) for word in found if word not in COMMON)


def stem(word: str) -> str:
    """Cut endings off a word as long as one fits, unless too little would be left."""
    fits = (ending for ending in ENDINGS if word.endswith(ending) and len(word) - len(ending) >= SHORTEST_STEM)
    ending = next(fits, "")
    return stem(word.removesuffix(ending)) if ending else word


@lru_cache(maxsize=1024)
def shingles(code: str, language: str = "cpp") -> frozenset[tuple[str, str]]:
    """Return the pairs of neighbouring tokens of code, so that the order counts; numbers are all alike."""
    tokens = list(_tokens(code, language))
    return frozenset(pairwise(tokens))


@lru_cache(maxsize=1024)
def reads(code: str, language: str = "cpp") -> frozenset[str]:
    """Return the members that code names, such as the quantities of a view or the functions of a library."""
    return frozenset(second for first, second in shingles(code, language) if first in (".", "->", "::"))


def _tokens(code: str, language: str) -> Iterator[str]:
    for token in _CODE.findall(_COMMENT[language].sub(" ", code)):
        yield NUMBER if token[0].isdigit() else token


def jaccard(one: Set[object], other: Set[object]) -> float:
    """Return the share of what two sets have together that both have; 1 for two empty sets."""
    together = len(one | other)
    return len(one & other) / together if together else 1.0


class Idea(NamedTuple):
    """What a proposal is about: in words, and its code."""

    text: str
    code: str
    language: str = "cpp"


@lru_cache(maxsize=1024)
def alike(one: Idea, other: Idea) -> bool:
    """Whether two proposals are nearly the same: by their words, if these are many enough to tell, or by their code."""
    return alike_words(one.text, other.text) >= ALIKE or alike_code(one, other) >= ALIKE_CODE


def alike_words(one: str, other: str) -> float:
    """Return how alike two texts are; 0 where one of them is too short to tell."""
    said = words(one), words(other)
    return jaccard(*said) if min(map(len, said)) >= LEAST_WORDS else 0.0


def alike_code(one: Idea, other: Idea) -> float:
    """Return how alike the code of two proposals is, in [0, 1]; where it is very short, 1 if it is the same and else 0.

    That is how alike its text is, times how alike what it reads is: most of a short policy is the form that all have,
    and one that reads another signal is another idea.
    """
    pairs = shingles(one.code, one.language), shingles(other.code, other.language)
    if min(map(len, pairs)) < LEAST_CODE:
        return float(one.code.split() == other.code.split())
    return jaccard(*pairs) * jaccard(reads(one.code, one.language), reads(other.code, other.language))
