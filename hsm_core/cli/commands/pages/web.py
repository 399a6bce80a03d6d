"""hsm web: the page of sweeps, live."""

from __future__ import annotations

import os
import sys
from urllib.parse import quote

import click

from hsm_core.errors import HsmError
from hsm_core.processes.identity import this_host

from ...click_types import SWEEP, examples, open_sweep
from ...terminal import remark, say
from .feed import Feed
from .server import PageServer


@click.command("web", epilog=examples("hsm web", "hsm web latest --port 8123"))
@click.argument("sweep", required=False, type=SWEEP, metavar="[SWEEP]")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="PORT",
    help="Of this machine; else any free one.",
)
def web(sweep: str | None, port: int) -> int:
    """Show sweeps in the browser, live.

    Only this machine can reach it, and only with the printed address. It reads and changes nothing. Ctrl-C ends it.
    """
    state = open_sweep(sweep) if sweep else None
    try:
        server = PageServer(port)
    except OSError as error:
        fix = "hsm web    # takes a free port"
        raise HsmError(f"can't listen on port {port}", evidence=str(error), fix=fix) from error
    path = "/"
    if state is not None:
        server.add(Feed(state.paths.place))
        path = f"/sweep/{quote(state.record.id, safe='')}"
    number = server.server_address[1]
    say(f"http://localhost:{number}{path}?token={server.token}")
    sys.stdout.flush()  # it may be a file: the address is needed now
    if "SSH_CONNECTION" in os.environ:
        remark(f"on your own computer:  ssh -N -L {number}:localhost:{number} {this_host()}")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        return 0
    finally:
        server.server_close()
    return 0
