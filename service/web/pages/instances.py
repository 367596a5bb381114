"""Uploaded instances, and the suites that are made of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData

from slotforge.core.errors import SlotforgeError
from slotforge.lineage.blobs import place
from slotforge.service.api.access import Caller, reader, runner
from slotforge.service.api.context import Context, context_of
from slotforge.service.api.paging import Paging, paged
from slotforge.service.api.problems import Refusal, status_of, why
from slotforge.service.api.routes import instances as api
from slotforge.service.api.routes import suites as suites_api
from slotforge.service.instances import suites
from slotforge.service.web import forms
from slotforge.service.web.notices import see as told
from slotforge.service.web.routing import pages, see
from slotforge.service.web.templating import page
from slotforge.service.web.uploading import expect_new, keep, remarks, suite_name

router = pages()
Within = Annotated[Context, Depends(context_of)]
Runner = Annotated[Caller, Depends(runner)]
Part = Annotated[Paging, Depends(paged)]
SUITES = 200


@router.get("/instances", dependencies=[Depends(reader)])
def instances(request: Request, context: Within, paging: Part) -> Response:
    """List instances and suites."""
    return _page(request, context, paging)


@router.post("/instances")
async def upload(request: Request, context: Within, paging: Part, caller: Runner) -> Response:
    """Keep files, as a suite where one is named, or where a folder was chosen."""
    async with request.form(max_files=context.vault.limits.files) as form:
        try:
            target, remarked = await _keep(request, context, caller, form)
            return told(request, target, remarked)
        except (SlotforgeError, Refusal) as error:
            status = error.status if isinstance(error, Refusal) else status_of(error)
            return await run_in_threadpool(_page, request, context, paging, why(error), status)


async def _keep(request: Request, context: Context, caller: Caller, form: FormData) -> tuple[str, tuple[str, ...]]:
    """Keep files; return where what they became is shown, and what there is to say of them."""
    if not forms.files(form):
        raise Refusal(422, "choose files, or a folder, to upload")
    if suite_name(form):
        name, remarked = await keep(request, context, caller, form)
        return f"/suites/{name}", remarked
    kept = await api.upload(request, context, caller)
    return "/instances", remarks(kept.left_out, kept.warnings)


@router.post("/suites")
async def combine(request: Request, context: Within, paging: Part, caller: Runner) -> Response:
    """Make a suite of instances that are there."""
    form = await request.form()

    def made() -> Response:
        name = forms.text(form, "name")
        try:
            expect_new(context, name)
            suites.put(context.store, name, forms.texts(form, "instances"), owner=caller.name)
        except SlotforgeError as error:
            return _page(request, context, paging, why(error), status_of(error))
        return see(f"/suites/{name}")

    return await run_in_threadpool(made)


@router.get("/instances/{instance}", dependencies=[Depends(reader)])
def instance(request: Request, instance: str, context: Within) -> Response:
    """Show an instance."""
    return page(request, "instance.html", instance=context.vault.record(instance))


@router.post("/instances/{instance}/delete")
def delete(instance: str, context: Within, caller: Runner) -> Response:
    """Delete an instance that no suite holds."""
    api.delete(instance, context, caller)
    return see("/instances")


@router.get("/suites/{name}", dependencies=[Depends(reader)])
def suite(request: Request, name: str, context: Within) -> Response:
    """Show a suite."""
    return page(request, "suite.html", suite=suites.suite(context.store, name))


@router.post("/suites/{name}/delete")
def delete_suite(name: str, context: Within, caller: Runner) -> Response:
    """Delete a suite, and none of its instances."""
    suites_api.delete(name, context, caller)
    return see("/instances")


def _page(request: Request, context: Context, paging: Paging, wrong: str = "", status: int = 200) -> Response:
    found = context.vault.records(limit=paging.limit + 1, after=paging.after(float, str))
    part = paging.page(found, place)
    named = suites.suites(context.store, limit=SUITES)
    return page(
        request,
        "instances.html",
        status,
        instances=part.items,
        next=part.next,
        suites=named,
        wrong=wrong,
    )
