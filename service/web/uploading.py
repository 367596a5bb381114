"""Files that a form sends, kept as a suite."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData

from slotforge.core.errors import Conflict, UnknownId, UsageError
from slotforge.service.api.access import Caller
from slotforge.service.api.context import Context
from slotforge.service.api.routes.suites import made_of
from slotforge.service.instances import suites
from slotforge.service.instances.uploaded import LeftOut
from slotforge.service.web import forms

UNFIT = re.compile("[^A-Za-z0-9._-]+")
LONGEST = 64


async def keep(request: Request, context: Context, caller: Caller, form: FormData) -> tuple[str, tuple[str, ...]]:
    """Keep the files of a form as a new suite.

    Returns:
        Its name, empty where no files were sent, and a line for each file that was left out or is not as it should be.

    Raises:
        UsageError: the suite has no name.
        Conflict: there is one of this name.
        Refusal: none of the files can be read.
    """
    sent = forms.files(form)
    if not sent:
        return "", ()
    name = suite_name(form)
    if not name:
        raise UsageError("name the suite that the files become")
    await run_in_threadpool(expect_new, context, name)
    kept = await made_of(name, request, context, caller)
    return name, remarks(kept.left_out, kept.warnings)


def remarks(left_out: Sequence[LeftOut], warnings: Sequence[str]) -> tuple[str, ...]:
    """Say what there is to say of files that were sent; where none was chosen, a browser sends one without a name."""
    return (*(f"{one.why}: left out" for one in left_out if one.name), *warnings)


def expect_new(context: Context, name: str) -> None:
    """Refuse a name that a suite has, so that none is replaced unasked; raises Conflict."""
    try:
        suites.suite(context.store, name)
    except UnknownId:
        return
    raise Conflict(f"there is a suite '{name[:80]}' already: choose another name")


def suite_name(form: FormData) -> str:
    """Return what a suite of the files is to be called: as is written, or else as the folder that was chosen."""
    return forms.text(form, "suite") or next((_folder(file.filename or "") for file in forms.files(form)), "")


def _folder(path: str) -> str:
    folder, slash, _ = path.replace("\\", "/").partition("/")
    return UNFIT.sub("-", folder).strip("-._")[:LONGEST] if slash else ""
