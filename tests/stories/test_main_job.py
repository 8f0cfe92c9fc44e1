"""The main job, end to end: an extract becomes segments, publications, scorecards, an answer, and the next cycle."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from fixtures.databases import Template
from modules.segmentation.small_company import ticking
from tierwise.collaboration.publish import queries as publications
from tierwise.collaboration.publish import shared
from tierwise.collaboration.publish.actions import acknowledge_publication
from tierwise.collaboration.publish.records import PublicationKind, PublicationRecord
from tierwise.collaboration.resolve import shared as cases
from tierwise.collaboration.resolve.actions import dispute_line, rule_case
from tierwise.collaboration.resolve.records import CaseState, Claim, DisputeReason, ExclusionReason, Ruling
from tierwise.demo.people import PEOPLE
from tierwise.demo.seed import seed
from tierwise.directory import queries as directory
from tierwise.directory.viewers import viewer_for
from tierwise.kernel.clock import today
from tierwise.kernel.cycle import run_cycle
from tierwise.kernel.models import Account
from tierwise.kernel.outbox import deliver
from tierwise.kernel.viewer import SYSTEM, Role, Viewer

pytestmark = [pytest.mark.database, pytest.mark.slow]
NOW = datetime(2026, 7, 20, 9, 0, tzinfo=UTC)


@pytest.fixture
def company(database: Template, tmp_path: Path) -> Iterator[None]:
    """The small demo company, set up and one cycle on."""
    with ticking(NOW):
        seed(tmp_path, "small")
        run_cycle(SYSTEM, today())
        yield


def signed_in(email: str) -> tuple[Viewer, Client]:
    account = Account.objects.get(email=email)
    viewer = viewer_for(account)
    assert viewer is not None
    client = Client()
    client.force_login(account)
    return viewer, client


def missed(viewer: Viewer) -> tuple[PublicationRecord, dict[str, object]] | None:
    """A scorecard of this supplier and a line on it that was judged late or short."""
    for card in shared.my_publications(viewer, kind=PublicationKind.SCORECARD, current=True):
        lines = shared.my_lines(viewer, card.id)
        late = lines.filter(~lines["otif"].fill_null(value=True))
        if late.height:
            return card, late.row(0, named=True)
    return None


def test_both_companies_go_once_around(company: None) -> None:
    # Every supplier that agreed was sent demand; what it may know is exactly what was published to it.
    buyer, desk = signed_in(next(p.email for p in PEOPLE if p.role == "quality"))
    sent = publications.publications(buyer)
    assert {PublicationKind.DEMAND, PublicationKind.SCORECARD} == {p.kind for p in sent}
    codes = {found.code for found in directory.suppliers(buyer)}
    readers = [p for p in PEOPLE if p.supplier in codes and Role(p.role) is Role.SUPPLIER_ADMINISTRATOR]
    found = [(reader, missed(signed_in(reader.email)[0])) for reader in readers]
    reader, (card, line) = next((reader, hit) for reader, hit in found if hit is not None)

    # The supplier finds the scorecard among what is due, opens it, and reads its own numbers there.
    supplier, portal = signed_in(reader.email)
    home = portal.get(reverse("portal-home"))
    assert home.status_code == 200
    page = portal.get(reverse("portal-publication", args=[card.id]))
    assert page.status_code == 200
    assert str(line["order"]) in page.content.decode()
    known = publications.known_at(buyer, supplier.company, NOW + timedelta(minutes=1))
    assert {p.id for p in known.current} == {p.id for p in shared.my_publications(supplier, current=True)}

    # It acknowledges the demand and disputes one line of the scorecard.
    demand = next(p for p in shared.my_publications(supplier, kind=PublicationKind.DEMAND, current=True))
    acknowledge_publication(supplier, demand.id)
    claim = Claim(DisputeReason.NOT_OUR_FAULT, "The gate was closed on the day we arrived.")
    case = dispute_line(supplier, line["id"], claim)  # type: ignore[arg-type]
    assert portal.get(reverse("portal-case", args=[case])).status_code == 200

    # The buyer rules; the scorecard is restated without the line, and the supplier is sent the new one.
    assert desk.get(reverse("desk-case", args=[case])).status_code == 200
    with ticking(NOW + timedelta(hours=1)):
        rule_case(buyer, case, Ruling(True, "Our gate log says so too.", excluded=ExclusionReason.BUYER_CAUSED))
        while deliver(SYSTEM):
            pass
        assert cases.my_case(supplier, case).case.state is CaseState.UPHELD
        restated = shared.my_publications(supplier, segment=card.segment, kind=PublicationKind.SCORECARD, current=True)
        new = next(p for p in restated if p.supersedes == card.id)
        before, after = (_value(supplier, p, "otif") for p in (card, new))
        assert after[1] < before[1]
        assert after[0] >= before[0]

    # What it knew before the ruling stays on record, and the next cycle sends nothing twice.
    then = publications.known_at(buyer, supplier.company, NOW + timedelta(minutes=30))
    assert card.id in {p.id for p in then.current}
    sent = publications.publications(buyer)
    with ticking(NOW + timedelta(days=1)):
        run_cycle(SYSTEM, today())
    again = {p.id for p in publications.publications(buyer)} - {p.id for p in sent}
    assert [p for p in publications.publications(buyer) if p.id in again] == []


def _value(viewer: Viewer, card: PublicationRecord, measure: str) -> tuple[float, float]:
    """Value and denominator of a measure as published."""
    rows = shared.my_measures(viewer, card.id)
    row = rows.filter(rows["measure"] == measure).row(0, named=True)
    return float(row["value"]), float(row["denominator"])
