"""Setting up, and serving pages, jobs and mail."""

from __future__ import annotations

import socket
from dataclasses import asdict
from typing import Annotated

import typer

from tierwise.cli import output
from tierwise.cli.commands.ground import Json, load, running_program
from tierwise.demo.sizes import Size

app = typer.Typer()
Port = Annotated[int, typer.Option(help="Port of the web pages.")]
Host = Annotated[str, typer.Option(help="Address to listen on.")]


@app.command()
def demo(
    port: Port = 8000, host: Host = "127.0.0.1", size: Size = "standard", serve_pages: Annotated[bool, typer.Option(
        "--serve/--no-serve", help="Start web and worker after setting up.")] = True
) -> None:  # fmt: skip
    """Set up the demo company once, run its cycle, and open the pages."""
    with running_program() as runtime:
        from tierwise.cli.demonstration import prepare_demo
        from tierwise.config.supervisor import WebParams, supervise

        people, secret = prepare_demo(runtime.home, size)
        if not serve_pages:
            return
        chosen = _free(host, port)
        web = WebParams(host, chosen)

        def began() -> None:
            output.console.print(f"\nTierwise is at [bold]http://{host}:{chosen}/[/bold]   (Ctrl-C stops it)\n")
            output.show([{"sign in as": p.email, "role": p.role, "company": p.company} for p in people], False, "")
            output.console.print(f"\nPassword for all of them: [bold]{secret}[/bold]")

        raise SystemExit(supervise([web.command(), *_beside_the_web()], began))


@app.command()
def serve(port: Port = 8000, host: Host = "127.0.0.1", workers: int = 1, threads: int = 48) -> None:
    """Serve pages, run the worker, and let mail in where a mailbox is set up."""
    with running_program():
        from tierwise.config.supervisor import WebParams, supervise

        web = WebParams(host, port, workers, threads)
        commands = [web.command(), *_beside_the_web()]
        code = supervise(commands, lambda: output.console.print(f"Tierwise is at http://{host}:{port}/"), workers)
    raise SystemExit(code)


@app.command()
def worker() -> None:
    """Run one more worker."""
    with running_program():
        from tierwise.config.supervisor import supervise, worker_command

        raise SystemExit(supervise([worker_command()], lambda: output.console.print("The worker runs.")))


@app.command()
def mailroom() -> None:
    """Let spreadsheets in by mail, over LMTP or from an IMAP mailbox, as the settings say."""
    load()
    from tierwise.config.supervisor import mailroom_command, supervise
    from tierwise.doors.mailroom import MailroomParams

    try:
        params = MailroomParams.from_settings()
    except ValueError as error:
        output.fail(str(error))
    with running_program():
        listens = f"The mailroom listens: {params.ways}."
        raise SystemExit(supervise([mailroom_command()], lambda: output.console.print(listens)))


@app.command()
def found(
    name: Annotated[str, typer.Argument(help="Name of the buying company.")],
    administrator: Annotated[str, typer.Option(help="E-mail address of its first administrator.")],
    code: str = "HOST", country: str = "", currency: str = "EUR",
) -> None:  # fmt: skip
    """Begin an installation of your own: the company and its first administrator."""
    with running_program():
        from tierwise.cli.work import found_installation

        link = found_installation(name, administrator, (code, country, currency))
        output.console.print(f"{name} is set up. The administrator signs in first at {link}", markup=False)


@app.command()
def migrate() -> None:
    """Set up the database and bring its tables and rights up to date."""
    with running_program() as runtime:
        from tierwise.kernel import database

        database.migrate(anew=True)
        output.console.print(f"{runtime.home} is up to date.", markup=False)


@app.command()
def openapi(
    client: Annotated[bool, typer.Option("--client", help="Print a typed Python client made from it instead.")] = False,
) -> None:
    """Print the description of the machines' interface (OpenAPI 3.1)."""
    load()
    from tierwise.cli.description import print_description

    print_description(client)


@app.command()
def capabilities(markdown: bool = False, as_json: Json = False) -> None:
    """List the 73 promises and how far each is kept."""
    load()
    from tierwise.capabilities import ROWS, as_markdown

    if markdown:
        output.console.file.write(as_markdown())
        return
    rows = [{k: str(v) for k, v in asdict(row).items()} for row in ROWS]
    shown = (
        rows if as_json else [{k: row[k] for k in ("number", "promise", "state", "page", "command")} for row in rows]
    )
    output.show(shown, as_json, "")


def _free(host: str, port: int) -> int:
    """The port, or the next one that is free."""
    for candidate in range(port, port + 50):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, candidate))
            except OSError:
                continue
            return candidate
    return output.fail(f"No port from {port} to {port + 49} is free on {host}; choose another with --port.")


def _beside_the_web() -> list[list[str]]:
    """The worker, and the mailroom where a mailbox is set up."""
    from tierwise.config.supervisor import mailroom_command, worker_command
    from tierwise.doors.mailroom import wanted

    return [worker_command(), *([mailroom_command()] if wanted() else [])]
