"""All commands. What a command runs is imported when it runs, so that help and completion wait for nothing."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tierwise.cli import output
from tierwise.demo.sizes import Size

if TYPE_CHECKING:
    from tierwise.config.runtime import Runtime

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Tierwise: one segmented supply chain, run by a company and its suppliers together.",
)  # fmt: skip
scheme = typer.Typer(no_args_is_help=True, help="The segmentation scheme: check, plan, apply, go back.")
app.add_typer(scheme, name="scheme")
access = typer.Typer(no_args_is_help=True, help="Who may enter, and what people's data is kept.")
app.add_typer(access, name="access")
audit = typer.Typer(help="What was done: list it, seal it, prove that nothing of it was changed.")
app.add_typer(audit, name="audit")
exchange = typer.Typer(no_args_is_help=True, help="Decisions on their way back to the ERP: send, send again, log.")
app.add_typer(exchange, name="exchange")
token = typer.Typer(no_args_is_help=True, help="Tokens of machines: make, list, revoke.")
app.add_typer(token, name="token")
lake_app = typer.Typer(no_args_is_help=True, help="The lake: its states over time, and tables as they were known.")
app.add_typer(lake_app, name="lake")
quarantine_app = typer.Typer(no_args_is_help=True, help="Rows that imports set aside: list, save, repair.")
app.add_typer(quarantine_app, name="quarantine")

Json = Annotated[bool, typer.Option("--json", help="Answer as JSON.")]
As = Annotated[str, typer.Option("--as", metavar="EMAIL", help="Act as this person of the buying company.")]
Day = Annotated[datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="The day it is done for; today.")]
KeyFile = Annotated[Path | None, typer.Option(help="Key file; else TIERWISE_BACKUP_KEY or a passphrase.")]
Which = Annotated[str, typer.Option(help="Which of a folder's backups; the newest else.")]
Port = Annotated[int, typer.Option(help="Port of the web pages.")]
Host = Annotated[str, typer.Option(help="Address to listen on.")]


@app.callback(invoke_without_command=True)
def _options(
    shows_version: Annotated[bool, typer.Option("--version", is_eager=True, help="Say which version this is.")] = False,
) -> None:
    if shows_version:
        output.console.print(f"tierwise {version('tierwise')}", markup=False)
        raise typer.Exit


def _load() -> None:
    """Settings and apps, which everything but this file needs."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tierwise.config.settings")
    django.setup()


@contextmanager
def _running() -> Iterator[Runtime]:
    """The program loaded and its database up, as long as the block lasts."""
    _load()
    from tierwise.config.installation import running

    with running() as runtime:
        yield runtime


def _day(on: datetime | None) -> date:
    from tierwise.kernel.clock import today

    return on.date() if on else today()


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


@app.command()
def demo(
    port: Port = 8000, host: Host = "127.0.0.1", size: Size = "standard", serve_pages: Annotated[bool, typer.Option(
        "--serve/--no-serve", help="Start web and worker after setting up.")] = True
) -> None:  # fmt: skip
    """Set up the demo company once, run its cycle, and open the pages."""
    with _running() as runtime:
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
    with _running():
        from tierwise.config.supervisor import WebParams, supervise

        web = WebParams(host, port, workers, threads)
        commands = [web.command(), *_beside_the_web()]
        code = supervise(commands, lambda: output.console.print(f"Tierwise is at http://{host}:{port}/"), workers)
    raise SystemExit(code)


@app.command()
def worker() -> None:
    """Run one more worker."""
    with _running():
        from tierwise.config.supervisor import supervise, worker_command

        raise SystemExit(supervise([worker_command()], lambda: output.console.print("The worker runs.")))


@app.command()
def mailroom() -> None:
    """Let spreadsheets in by mail, over LMTP or from an IMAP mailbox, as the settings say."""
    _load()
    from tierwise.config.supervisor import mailroom_command, supervise
    from tierwise.doors.mailroom import MailroomParams

    try:
        params = MailroomParams.from_settings()
    except ValueError as error:
        output.fail(str(error))
    with _running():
        listens = f"The mailroom listens: {params.ways}."
        raise SystemExit(supervise([mailroom_command()], lambda: output.console.print(listens)))


@app.command()
def found(
    name: Annotated[str, typer.Argument(help="Name of the buying company.")],
    administrator: Annotated[str, typer.Option(help="E-mail address of its first administrator.")],
    code: str = "HOST", country: str = "", currency: str = "EUR",
) -> None:  # fmt: skip
    """Begin an installation of your own: the company and its first administrator."""
    with _running():
        from tierwise.cli.work import found_installation

        link = found_installation(name, administrator, (code, country, currency))
        output.console.print(f"{name} is set up. The administrator signs in first at {link}", markup=False)


@app.command(name="import")
def import_(
    extract: Annotated[Path, typer.Argument(metavar="FOLDER|FILE", help="Folder; with --probe a file.")],
    mapping: Annotated[Path | None, typer.Option(help="The mapping file (YAML).")] = None,
    quarantine: Annotated[bool, typer.Option(help="Take the sound rows and keep the others for repair.")] = False,
    probe: Annotated[bool, typer.Option(help="Propose a mapping for a file; nothing is imported.")] = False,
    table: Annotated[str, typer.Option(help="With --probe: the table the file fills.")] = "",
    as_json: Json = False, email: As = "",
) -> None:  # fmt: skip
    """Import an extract: all of it, or nothing with a list of every fault."""
    with _running():
        from tierwise.cli import lake

        if probe:
            lake.propose_mapping(extract, table, email, as_json)
        else:
            lake.import_folder(extract, mapping, lake.ImportChoice(quarantine, as_json), email)


@lake_app.command(name="history")
def lake_history(
    table: Annotated[str, typer.Argument(help="Only what moved this table.")] = "",
    limit: int = 50, as_json: Json = False, email: As = "",
) -> None:  # fmt: skip
    """List the states of the lake, the newest first: when, why and which tables."""
    with _running():
        from tierwise.cli import lake

        lake.list_manifests(table, limit, email, as_json)


@lake_app.command(name="show")
def lake_show(
    table: str,
    as_of: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
                                                   help="As it was known then (UTC).")] = None,
    manifest: Annotated[int, typer.Option(help="Number of a state of the lake; the newest.")] = 0,
    limit: int = 20, as_json: Json = False, email: As = "",
) -> None:  # fmt: skip
    """Show rows of a table, as they are or as they were known at a time."""
    with _running():
        from tierwise.cli import lake

        lake.show_rows(table, lake.ShowChoice(as_of, manifest, limit, as_json), email)


@quarantine_app.command(name="list")
def quarantine_list(mapping: str = "", limit: int = 50, as_json: Json = False, email: As = "") -> None:
    """List rows that imports set aside."""
    with _running():
        from tierwise.cli import lake

        lake.list_quarantine(mapping, limit, email, as_json)


@quarantine_app.command(name="save")
def quarantine_save(mapping: str, file: Annotated[Path, typer.Argument(help=".xlsx or .csv")], email: As = "") -> None:
    """Write the rows of a mapping to a spreadsheet, to be corrected."""
    with _running():
        from tierwise.cli import lake

        lake.save_quarantine(mapping, file, email)


@quarantine_app.command(name="repair")
def quarantine_repair(
    mapping: str, file: Annotated[Path | None, typer.Argument(help="The corrected sheet.")] = None,
    as_json: Json = False, email: As = "",
) -> None:  # fmt: skip
    """Try the rows of a mapping again, with the corrections of a spreadsheet."""
    with _running():
        from tierwise.cli import lake

        lake.repair_quarantine(mapping, file, email, as_json)


@app.command()
def cycle(on: Day = None, as_json: Json = False) -> None:
    """Run the cycle: place new demand, carry segments up the network, score, publish."""
    with _running():
        from tierwise.cli.work import run_whole_cycle

        run_whole_cycle(_day(on), as_json)


@scheme.command()
def plan(document: Path, on: Day = None, as_json: Json = False, email: As = "") -> None:
    """Keep a scheme document as a draft and say what applying it would change."""
    with _running():
        from tierwise.cli.schemes import plan_document

        plan_document(document, _day(on), email, as_json)


@scheme.command()
def apply(plan_id: str, fingerprint: str, as_json: Json = False, email: As = "") -> None:
    """Apply a plan; its fingerprint says that it was read."""
    with _running():
        from tierwise.cli.schemes import apply_planned

        apply_planned(plan_id, fingerprint, email, as_json)


@scheme.command()
def history(as_json: Json = False, email: As = "") -> None:
    """List the versions of the scheme."""
    with _running():
        from tierwise.cli.schemes import list_versions

        list_versions(email, as_json)


@scheme.command()
def show(number: int, email: As = "") -> None:
    """Print a version's document."""
    with _running():
        from tierwise.cli.schemes import print_version

        print_version(number, email)


@scheme.command()
def rollback(number: int, as_json: Json = False, email: As = "") -> None:
    """Make a past version a new draft, to be planned and applied."""
    with _running():
        from tierwise.cli.schemes import go_back

        go_back(number, email, as_json)


Feed = Annotated[str, typer.Option(help="One feed only, by name.")]
Channel = Annotated[str, typer.Option(help="One channel only, by name.")]


@exchange.command()
def feeds(as_json: Json = False) -> None:
    """List what may be sent."""
    _load()
    from tierwise.cli.exchange import list_feeds

    list_feeds(as_json)


@exchange.command()
def channels(as_json: Json = False, email: As = "") -> None:
    """List the ways to other systems and what goes over them."""
    with _running():
        from tierwise.cli.exchange import list_channels

        list_channels(email, as_json)


@exchange.command()
def send(on: Day = None, feed: Feed = "", channel: Channel = "", as_json: Json = False) -> None:
    """Queue what is new, send what is due, read acknowledgements."""
    with _running():
        from tierwise.cli.exchange import send_now

        send_now(_day(on), feed, channel, as_json)


@exchange.command()
def resend(
    delivery: Annotated[str, typer.Argument(help="The delivery's id; left out with --since.")] = "",
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="All queued since this day.")] = None,
    feed: Feed = "", channel: Channel = "", as_json: Json = False, email: As = "",
) -> None:  # fmt: skip
    """Send a batch again as it was, under its number."""
    with _running():
        from tierwise.cli.exchange import send_again

        send_again(delivery, since, feed, channel, as_json, email)


@exchange.command()
def log(limit: int = 50, feed: Feed = "", channel: Channel = "", as_json: Json = False, email: As = "") -> None:
    """List deliveries, the newest first."""
    with _running():
        from tierwise.cli.exchange import list_log

        list_log(limit, feed, channel, email, as_json)


@token.command()
def make(
    name: Annotated[str, typer.Argument(help="Which machine will use it.")],
    scope: Annotated[list[str] | None, typer.Option(help="Such as cases:read; every one to read when none.")] = None,
    role: Annotated[str, typer.Option(help="The role it acts in; a viewer when none is given.")] = "",
    days: int = 90, as_json: Json = False, email: As = "",
) -> None:  # fmt: skip
    """Make a token in the name of an administrator; its text is shown once."""
    with _running():
        from tierwise.cli import tokens

        tokens.make(name, role, scope or [], days, email, as_json)


@token.command(name="list")
def list_(as_json: Json = False, email: As = "") -> None:
    """List the tokens of a company."""
    with _running():
        from tierwise.cli import tokens

        tokens.list_all(email, as_json)


@token.command()
def revoke(token_id: str, as_json: Json = False, email: As = "") -> None:
    """End a token at once."""
    with _running():
        from tierwise.cli import tokens

        tokens.revoke(token_id, email, as_json)


@app.command()
def openapi(
    client: Annotated[bool, typer.Option("--client", help="Print a typed Python client made from it instead.")] = False,
) -> None:
    """Print the description of the machines' interface (OpenAPI 3.1)."""
    _load()
    from tierwise.cli.description import print_description

    print_description(client)


@app.command()
def score(on: Day = None, as_json: Json = False) -> None:
    """Compute the scorecards that are due."""
    with _running():
        from tierwise.cli.work import run_steps

        run_steps("score", _day(on), as_json)


@app.command()
def publish(on: Day = None, as_json: Json = False) -> None:
    """Publish demand and scorecards under the agreements in force."""
    with _running():
        from tierwise.cli.work import run_steps

        run_steps("publish", _day(on), as_json)


@audit.callback(invoke_without_command=True)
def audit_(
    context: typer.Context, limit: int = 50, action: str = "", as_json: Json = False, email: As = ""
) -> None:  # fmt: skip
    """List what was done, the newest first."""
    if context.invoked_subcommand is None:
        with _running():
            from tierwise.cli.work import list_audit

            list_audit(limit, action, email, as_json)


@audit.command()
def verify(
    trust: Annotated[list[str], typer.Option(help="Believe seals of this key, too.")] = [],  # noqa: B006
    as_json: Json = False,
) -> None:  # fmt: skip
    """Prove that no entry was cut, changed or slipped in. Exit code 1 where one was."""
    with _running():
        from tierwise.cli import upkeep

        upkeep.verify_audit(trust, as_json)


@audit.command()
def seal(as_json: Json = False) -> None:
    """Seal what is settled now; the worker does so every ten seconds."""
    with _running():
        from tierwise.cli import upkeep

        upkeep.seal_audit(as_json)


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="A file, or a folder that holds backup beside backup.")],
    key_file: KeyFile = None,
    with_secret: Annotated[bool, typer.Option(help="Put the installation's secret in as well.")] = False,
    without_lake: Annotated[bool, typer.Option(help="Leave out a lake that is backed up otherwise.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Read a backup from end to end, and make none.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Compare this database with a backup.")] = False,
    new_key: Annotated[bool, typer.Option("--new-key", help="Write a new key to the file, and make none.")] = False,
    which: Which = "", as_json: Json = False,
) -> None:  # fmt: skip
    """Back up database, lake and files, encrypted, while everything runs."""
    _load()
    from tierwise.cli import upkeep

    wishes = upkeep.BackupWishes(target, key_file, with_secret, without_lake, which, as_json)
    if new_key:
        upkeep.write_new_key(target)
    elif check:
        upkeep.check_backup(wishes)
    elif verify:
        upkeep.compare_backup(wishes)
    else:
        upkeep.back_up(wishes)


@app.command()
def doctor(
    mend: Annotated[bool, typer.Option("--mend", help="Mend what can be mended safely.")] = False,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Say what is wrong with this installation, how bad it is, and how to mend it."""
    _load()
    from tierwise.cli import upkeep

    upkeep.doctor(mend, as_json)


@app.command()
def restore(
    source: Path, home: Annotated[Path, typer.Option(help="A folder that is empty or not there yet.")],
    key_file: KeyFile = None, which: Which = "", as_json: Json = False,
) -> None:  # fmt: skip
    """Restore a backup into an empty home and prove by hash that it is the same."""
    _load()
    from tierwise.cli import upkeep

    upkeep.restore_backup(upkeep.BackupWishes(source, key_file, which=which, as_json=as_json), home)


@app.command()
def capabilities(markdown: bool = False, as_json: Json = False) -> None:
    """List the 73 promises and how far each is kept."""
    _load()
    from tierwise.capabilities import ROWS, as_markdown

    if markdown:
        output.console.file.write(as_markdown())
        return
    rows = [{k: str(v) for k, v in asdict(row).items()} for row in ROWS]
    shown = (
        rows if as_json else [{k: row[k] for k in ("number", "promise", "state", "page", "command")} for row in rows]
    )
    output.show(shown, as_json, "")


@app.command()
def migrate() -> None:
    """Set up the database and bring its tables and rights up to date."""
    with _running() as runtime:
        from tierwise.kernel import database

        database.migrate(anew=True)
        output.console.print(f"{runtime.home} is up to date.", markup=False)


@access.command()
def check(file: Annotated[Path | None, typer.Argument()] = None, as_json: Json = False) -> None:
    """Read access.toml and say what it means; nothing is started, so a file that stops everything else can be read."""
    from tierwise.directory.entrance import AccessError, access_path, read_access

    try:
        found = read_access(file or access_path())
    except AccessError as error:
        output.fail(str(error), as_json)
    rows = [one.told() for one in found.providers.values()]
    output.show(rows, as_json, "No provider: people sign in with passwords and passkeys.")
    if not as_json:
        said = found.review
        often = f"every {said.every_days} days" if said.every_days else "never"
        output.console.print(f"Access is confirmed {often}, within {said.answer_days} + {said.grace_days} days.")


@access.command(name="unlock")
def unlock_(email: str, as_email: As = "") -> None:
    """Let a person whose address failed sign-ins have locked try again."""
    with _running():
        from tierwise.cli.access import unlock

        unlock(email, as_email)


@access.command()
def review(as_json: Json = False) -> None:
    """Open the reviews of access that are due, remind, and end what nobody confirmed in time."""
    with _running():
        from tierwise.cli.access import take_review_step

        take_review_step(as_json)


@access.command()
def retention(
    purge: Annotated[bool, typer.Option("--purge", help="Purge now what the nightly cycle would.")] = False,
    as_json: Json = False,
) -> None:
    """List how long each table is kept and why; or purge."""
    if not purge:
        _load()
        from tierwise.cli.access import list_retention

        list_retention(as_json)
        return
    with _running():
        from tierwise.cli.access import purge_now

        purge_now(as_json)


@access.command()
def erasures(
    ledger: Annotated[list[Path] | None, typer.Argument(help="Ledgers beside the installation's own.")] = None,
    as_json: Json = False,
) -> None:
    """Erase again whom the ledgers name; every start does so with the installation's own."""
    with _running():
        from tierwise.cli.access import erase_again

        erase_again(ledger or [], as_json)
