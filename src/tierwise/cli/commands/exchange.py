"""Decisions on their way back to the ERP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from tierwise.cli.commands.ground import As, Day, Json, day_of, load, running_program

exchange = typer.Typer(no_args_is_help=True, help="Decisions on their way back to the ERP: send, send again, log.")
app = typer.Typer()
app.add_typer(exchange, name="exchange")
Feed = Annotated[str, typer.Option(help="One feed only, by name.")]
Channel = Annotated[str, typer.Option(help="One channel only, by name.")]


@exchange.command()
def feeds(as_json: Json = False) -> None:
    """List what may be sent."""
    load()
    from tierwise.cli.exchange import list_feeds

    list_feeds(as_json)


@exchange.command()
def channels(as_json: Json = False, email: As = "") -> None:
    """List the ways to other systems and what goes over them."""
    with running_program():
        from tierwise.cli.exchange import list_channels

        list_channels(email, as_json)


@exchange.command()
def send(on: Day = None, feed: Feed = "", channel: Channel = "", as_json: Json = False) -> None:
    """Queue what is new, send what is due, read acknowledgements."""
    with running_program():
        from tierwise.cli.exchange import send_now

        send_now(day_of(on), feed, channel, as_json)


@exchange.command()
def resend(
    delivery: Annotated[str, typer.Argument(help="The delivery's id; left out with --since.")] = "",
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="All queued since this day.")] = None,
    feed: Feed = "", channel: Channel = "", as_json: Json = False, email: As = "",
) -> None:  # fmt: skip
    """Send a batch again as it was, under its number."""
    with running_program():
        from tierwise.cli.exchange import send_again

        send_again(delivery, since, feed, channel, as_json, email)


@exchange.command()
def log(limit: int = 50, feed: Feed = "", channel: Channel = "", as_json: Json = False, email: As = "") -> None:
    """List deliveries, the newest first."""
    with running_program():
        from tierwise.cli.exchange import list_log

        list_log(limit, feed, channel, email, as_json)
