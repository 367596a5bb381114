"""From a request and its context to a prompt, by templates.

The templates are Markdown files in `templates/`; the name of a file is its name. Its head says at which stage of a
dialogue it is used, how many parents it needs at least, and what it is for; and, where it is not the usual, that the
answer holds no code (`code: no`), which plan the dialogue follows that an operator leads (`plan: NAME`), or which basic
operator stands for it where there is no model (`like: NAME`). What stays the same throughout a search (role, solver,
rules) begins the first message, the slots that are asked for end it, so that servers can cache it; what differs comes
last, the number of the proposal at the end. Texts that a model wrote stand in fences that they cannot close.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from slotforge.core.errors import UsageError
from slotforge.core.ids import content_id
from slotforge.core.latest import Latest
from slotforge.core.types import Prompt
from slotforge.prompts.variants import SYSTEM, VARIED, fill, places, plain

if TYPE_CHECKING:
    from jinja2 import Environment

    from slotforge.core.prompting import Variant
    from slotforge.core.types import Request, Terms
    from slotforge.prompts.context import Context, Paired, Parent

Message = tuple[Literal["system", "user", "assistant"], str]

MAX_QUOTED = 300  # characters of a quoted line
MAX_TURN = 40_000  # characters of an answer that is shown to the model again
LONG = 60  # lines; of a longer source edits are asked for as well
MAX_KNOWN = 32  # system messages, and descriptions of parents, that are kept, those used last
_TEMPLATES = Path(__file__).parent / "templates"
_COMMENTS = {"cpp": "//", "python": "#"}
_INCLUDE = re.compile(r"\{% include \"(\w+\.md)\" %\}\n?")
_TICKS = re.compile(r"`+")
_STEADY = "_parents.md"  # a part that for the same parents says the same, and most of a prompt
_SYSTEMS: Latest[str] = Latest(MAX_KNOWN)
_STEADIES: Latest[str] = Latest(MAX_KNOWN)


@dataclass(frozen=True, kw_only=True)
class Template:
    """Head of a template file.

    stage: of a dialogue at which it is used; "propose" for the operators that a strategy may request.
    parents: how many the request must have at least.
    plan: of the dialogue that the operator leads: which questions go before and after it.
    code: whether the answer is to hold code.
    like: the basic operator that stands for it where there is no model: "mutate", "fresh" or "crossover".
    """

    stage: str
    description: str
    parents: int = 0
    plan: str = "direct"
    code: bool = True
    like: str = "mutate"


def operators() -> Mapping[str, str]:
    """List the operators that a strategy may request, with one-line descriptions."""
    return {name: template.description for name, template in _templates().items() if template.stage == "propose"}


def plan(operator: str) -> str:
    """Return the plan of the dialogue that an operator leads."""
    template = _templates().get(operator)
    return template.plan if template else Template.plan


def akin(operator: str) -> str:
    """Return the basic operator that an operator is akin to: "mutate", "fresh" or "crossover"."""
    template = _templates().get(operator)
    return template.like if template else operator


def needed_parents(operator: str) -> int:
    """Return how many parents an operator needs at least."""
    template = _templates().get(operator)
    return template.parents if template else Template.parents


def fingerprint() -> str:
    """Name the templates by their texts."""
    return content_id({path.name: path.read_text(encoding="utf-8") for path in _TEMPLATES.glob("*.md")})


def holds_code(stage: str) -> bool:
    """Whether the answer at a stage is to hold code; operators and stages of no template are taken to."""
    template = _templates().get(stage)
    return template.code if template else Template.code


def prepare(names: Iterable[str]) -> None:
    """Compile the templates of operators ahead of the first question.

    Raises:
        UsageError: there is no such operator.
    """
    known = operators()
    for name in names:
        if name not in known:
            raise _unknown(name)
        _environment().get_template(f"{name}.md")
    _environment().get_template(f"{SYSTEM}.md")
    _environment().get_template(_STEADY)
    _places(SYSTEM)


def _unknown(name: str) -> UsageError:
    return UsageError(f"no prompt for operator '{name}': choose one of {', '.join(operators())}")


def render(
    request: Request,
    context: Context,
    *,
    stage: str = "propose",
    history: Sequence[Message] = (),
    variant: Variant | None = None,
    **facts: str | Mapping[str, str],
) -> Prompt:
    """Write a prompt.

    Args:
        request: what the strategy asks for; its operator is the template at stage "propose".
        context: what can be told.
        stage: of the dialogue: "propose", or another stage, which has the template of its name.
        history: messages of the same dialogue that go before; without any, the system message does.
        variant: texts in place of the sections that the templates ship with; the task is that of stage "propose".
        facts: what the template of the stage needs besides, e.g. `error` at stage "repair".

    Raises:
        UsageError: there is no such operator, or it needs more parents.
    """
    name = request.operator if stage == "propose" else stage
    template = _templates().get(name)
    if template is None or template.stage != stage:
        raise _unknown(name)
    if len(context.parents) < template.parents:
        raise UsageError(f"operator '{name}' needs {template.parents} parents, and {len(context.parents)} were given")
    values = {
        **vars(context),
        "comment": _COMMENTS[context.terms.language],
        "language": context.terms.language,
        "names": _names(slot.name for slot in context.slots),
        "long": _names(_long(context)) if template.parents else "",
        "told": request.told,
        "edited": {},
        "edits": "",
        **facts,
    }
    if variant is not None:
        texts = {
            "names": values["names"],
            "language": context.terms.language,
            "reference": context.terms.reference,
            "unit": context.terms.unit,
        }
        values["sections"] = {key: fill(plain(text), texts) for key, text in variant.sections.items()}
    system = SYSTEM if variant is None else VARIED + SYSTEM
    task = name if variant is None or stage != "propose" or "task" not in variant.sections else VARIED + name
    first: Sequence[Message] = history or [("system", _unless_known(system, values))]
    return Prompt(operator=name, messages=(*first, ("user", _fill(task, values))))


def _names(slots: Iterable[str]) -> str:
    return " and ".join(f"`{slot}`" for slot in slots)


def _long(context: Context) -> Iterator[str]:
    """Find the slots whose code in the first parent is long."""
    sources = context.parents[0].sources if context.parents else {}
    return (name for name, source in sources.items() if source.count("\n") > LONG)


def after(prompt: Prompt, answer: str) -> tuple[Message, ...]:
    """Return the messages of a dialogue up to and with an answer, which is cut where it is very long."""
    return (*prompt.messages, ("assistant", answer[:MAX_TURN] or "(no answer)"))


def answer(sources: Mapping[str, str], *, idea: str, language: str = "cpp") -> str:
    """Write code in the form that prompts ask for, so that `extract` reads it back.

    Args:
        sources: slot -> source.
        idea: the paragraph before the code.
        language: of the code blocks.
    """
    blocks = (fence(f"{_COMMENTS[language]} slot: {name}\n{text}", language) for name, text in sources.items())
    return "\n\n".join([idea, *blocks]) + "\n"


def fence(text: str, language: str = "text") -> str:
    """Put a text between fences that it cannot close: longer than any run of backticks in it."""
    text = str(text)  # which is where a template that was not told it fails
    longest = max(map(len, _TICKS.findall(text)), default=0) if "`" in text else 0
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}{language}\n{text.strip(chr(10))}\n{ticks}"


def quote(text: str) -> str:
    """Put a text into one line of inline code that it cannot leave."""
    line = " ".join(text.replace("`", "'").split())
    return f"`{line if len(line) <= MAX_QUOTED else line[: MAX_QUOTED - 3] + '...'}`"


def _pair(pair: Paired) -> str:
    size = f" ({pair.size})" if pair.size else ""
    return f"{quote(pair.family)}{size} of cost {pair.cost:.2g} ({pair.ratio:.3f})"


def _beside(pair: tuple[float | None, float | None], unit: str = "", lacking: str = "not counted") -> str:
    mine, other = (lacking if one is None else f"{one:.0%}" if unit else _figure(one) for one in pair)
    return f"{mine} ({other})".replace("%", " %")


def _figure(value: float) -> str:
    return f"{value:.2g}" if value < 100 else f"{float(f'{value:.3g}'):,.0f}"


def _unless_known(name: str, values: Mapping[str, object]) -> str:
    """Fill a template whose text is mostly that of an earlier prompt for the same slots."""
    return _SYSTEMS.of((name, values["names"]), _fill, name, {p: values[p] for p in _places(name) if p in values})


@cache
def _places(name: str) -> Sequence[str]:
    """Name the values that a template without parts asks for."""
    from jinja2 import meta

    return sorted(meta.find_undeclared_variables(_environment().parse(_load(f"{name}.md"))))


def _fill(name: str, values: Mapping[str, object]) -> str:
    from jinja2 import UndefinedError

    try:
        text = _environment().get_template(f"{name}.md").render(values)
    except UndefinedError as error:
        raise UsageError(f"the prompt '{name.removeprefix(VARIED)}' needs what it was not told: {error}") from None
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text.strip()


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import FunctionLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Environment(ImmutableSandboxedEnvironment):
        def getattr(self, obj: Any, attribute: str) -> Any:
            """Look no further where it is a field of a record, as almost all are."""
            if attribute in _fields(obj.__class__):
                return getattr(obj, attribute)
            return super().getattr(obj, attribute)

    environment = Environment(
        loader=FunctionLoader(_load),
        undefined=StrictUndefined,
        autoescape=False,  # the output is Markdown for a model
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["steady"] = _steady
    environment.filters |= {"fence": fence, "quote": quote, "pair": _pair, "figure": _figure, "beside": _beside}
    return environment


@cache
def _fields(kind: type) -> Collection[str]:
    return frozenset(getattr(kind, "__pydantic_fields__", ())) | frozenset(getattr(kind, "_fields", ()))


@lru_cache(maxsize=1)
def _templates() -> Mapping[str, Template]:
    found = {}
    for path in sorted(_TEMPLATES.glob("[!_]*.md")):
        head, _ = _split(path.name)
        fields = dict(line.split(": ", 1) for line in head.splitlines())
        found[path.stem] = Template(
            stage=fields["stage"],
            description=fields["description"],
            parents=int(fields.get("parents", Template.parents)),
            plan=fields.get("plan", Template.plan),
            code=fields.get("code", "yes") == "yes",
            like=fields.get("like", Template.like),
        )
    return found


def source(name: str) -> str:
    """Return the body of a template's file."""
    return _split(name)[1]


def _load(name: str) -> str:
    """Return the body of a template, with its parts in place, and with places for a variant where the name asks for it.

    A part that stands where it is used costs nothing; one that is included when a prompt is written costs as much as
    the rest, unless it is the one that mostly stays as it was.
    """
    file = name.removeprefix(VARIED)
    body = source(file) if file == name else places(file, source(file))
    return _INCLUDE.sub(lambda part: _put(part[1]), body)


def _put(part: str) -> str:
    return "{{ steady(parents, terms, language) }}" if part == _STEADY else source(part).removesuffix("\n")


def _steady(parents: Sequence[Parent], terms: Terms, language: str) -> str:
    return _STEADIES.of(tuple(map(id, parents)), _of_parents, parents, terms, language)


def _of_parents(parents: Sequence[Parent], terms: Terms, language: str) -> str:
    return _environment().get_template(_STEADY).render(parents=parents, terms=terms, language=language)


def _split(name: str) -> tuple[str, str]:
    """Divide a template file into its head, between two lines of dashes, and its body."""
    text = (_TEMPLATES / name).read_text(encoding="utf-8")
    if not text.startswith("---\n"):
        return "", text
    head, body = text.removeprefix("---\n").split("---\n", 1)
    return head, body
