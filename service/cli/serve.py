"""Serve the API and the pages, and work off the queue of searches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from slotforge.service.cli._options import store_option


@click.command(name="serve")
@click.option("--host", help="Address to listen on. [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 is any that is free. [default: 8420]")
@click.option("--cpus", type=click.IntRange(1), help="That searches may use at once. [default: number of cores]")
@click.option("--executor", type=click.Choice(("process", "ray")), help="Where searches measure. [default: process]")
@click.option("--allowed-hosts", metavar="NAME", multiple=True, help="Another name by which browsers may call it.")
@click.option("--token-file", type=click.Path(path_type=Path), help="A file that holds a key with all rights.")
@click.option("--config", type=click.Path(path_type=Path), help="A TOML file with these settings and more.")
@click.option("--open", "show", is_flag=True, help="Open the pages in a browser.")
@store_option
def command(config: Path | None, show: bool, **flags: Any) -> None:
    """Serve the API and the pages on one address, and drive searches in the background.

    Without a key everybody on this machine may do everything, and nobody from elsewhere is let in; `slotforge keys add`
    makes keys. Ctrl-C ends it cleanly: searches go back to the queue, and on when it is started again.
    """
    from slotforge import __version__
    from slotforge.lineage.engine import refuse_password
    from slotforge.lineage.store import open_store
    from slotforge.service.api import logs, server
    from slotforge.service.api.app import make_app
    from slotforge.service.api.configuration import load

    if flags["store"]:
        refuse_password(flags["store"])
    settings = load(flags, config)
    with open_store(settings.store) as store, server.listen(settings) as taken:
        app = make_app(settings, store)
        server.check_access(settings, keys=app.state.keyring.needed())
        where = server.url(settings, taken)
        logs.set_up()

        def started() -> None:
            click.echo(f"slotforge {__version__} serves {store.name} on {where}  (Ctrl-C ends it)")
            if show:
                click.launch(where)

        server.serve(app, taken, started)
    click.echo("stopped")
