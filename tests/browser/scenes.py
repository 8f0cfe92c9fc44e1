"""What happens in the demo after its first night, so that no page of the crawl is empty that has more to show."""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import TYPE_CHECKING

from tierwise.collaboration.publish import shared as published
from tierwise.collaboration.publish.records import PublicationKind
from tierwise.collaboration.resolve.actions import add_note, dispute_line
from tierwise.collaboration.resolve.records import Claim, DisputeReason
from tierwise.demo.extract import MAPPING_PATH
from tierwise.directory.models import Person
from tierwise.directory.viewers import viewer_of_person
from tierwise.kernel.clock import today
from tierwise.kernel.viewer import SYSTEM, Viewer, viewer_scope
from tierwise.lake.jobs import How, import_extract
from tierwise.modules.exchange import actions as exchange
from tierwise.modules.exchange import jobs as carrying
from tierwise.modules.exchange.records.words import ChannelKind

if TYPE_CHECKING:
    from uuid import UUID

    from browser.conftest import Site

SUPPORTS = "feed: supports\ncolumns: {V: supplier, S: segment, FROM: valid_from, I: involvement, C: change}\n"


def viewer(email: str) -> Viewer:
    found = viewer_of_person(Person.objects.using("default").get(email=email).id)
    assert found is not None
    return found


def live_a_little(site: Site, buyer: str, supplier: str) -> None:
    """A line is disputed, decisions go to the ERP, and an extract leaves rows aside."""
    dispute(viewer(supplier))
    channel = exchange.put_channel(
        viewer(buyer), exchange.ChannelPut("SAP inbox", ChannelKind.FOLDER, {"path": "erp"})
    ).channel  # fmt: skip
    exchange.put_route(viewer(buyer), channel, SUPPORTS)
    carrying.collect(SYSTEM, today(), channel=channel)
    carrying.work_channel(SYSTEM, channel)
    spoiled = site.home / "spoiled extract"
    shutil.copytree(site.home / "demo extract", spoiled)
    for file in spoiled.rglob("service_log*"):
        file.write_bytes(file.read_bytes().replace(b"-0", b"-9", 40))
    import_extract(viewer(buyer), spoiled, MAPPING_PATH, How(quarantine=True))


def dispute(supplier: Viewer) -> UUID:
    with viewer_scope(supplier):
        cards = published.my_publications(supplier, kind=PublicationKind.SCORECARD)
        lines = [line for card in cards[:12] for line in published.my_lines(supplier, card.id).rows(named=True)]
    claim = Claim(DisputeReason.DELIVERED_EARLIER, "The receipt is dated a week before.", today() - timedelta(days=70))
    case = dispute_line(supplier, lines[0]["id"], claim)
    add_note(supplier, case, "The delivery note is attached to the pallet.")
    return case
