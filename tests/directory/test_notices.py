"""News: who is told what, once, in which words, and by how many mails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend

import tierwise.config.urls  # noqa: F401 - pages put themselves into the rails when they are imported
from collaboration.scenes import at, demand_draft, entries, offered, scored
from directory.signing_in import signed_in
from fixtures.worlds import World
from tierwise.collaboration.publish.actions import publish
from tierwise.directory import queries
from tierwise.directory.actions import confirm_support, end_support, give_notices
from tierwise.directory.jobs import mail_notices
from tierwise.directory.models import Notice, Person
from tierwise.directory.records import Involvement, NoticePut
from tierwise.directory.shared import my_news
from tierwise.kernel.audit import NotAllowed
from tierwise.kernel.clock import now, today
from tierwise.kernel.ids import uuid7
from tierwise.kernel.outbox import deliver
from tierwise.kernel.viewer import viewer_scope

pytestmark = pytest.mark.database
KEY = str(uuid7())


@pytest.fixture(autouse=True)
def _in_july() -> Iterator[None]:
    with at():
        yield


@pytest.fixture
def joined(world: World) -> World:
    """A world in which everybody has taken up the invitation."""
    with viewer_scope(world["administrator"]):
        Person.objects.update(joined_at=now())
    return world


def recipients() -> list[str]:
    return sorted(one.to[0] for one in mail.outbox)


def test_a_supplier_hears_of_its_own_publications_in_one_mail_a_day(joined: World) -> None:
    scored(joined, "A")
    publish(joined["planner"], demand_draft(joined))
    scored(joined, "B", "STD", title="The other's scorecard")
    deliver(joined.worker)
    assert mail_notices(joined.worker, prompt=False) == 6
    assert recipients().count("a.planner@example.com") == 1
    told = next(one for one in mail.outbox if one.to == ["a.planner@example.com"])
    assert "Published to you: Scorecard 2025-06" in told.body
    assert "Published to you: Demand July to December 2025" in told.body
    assert "The other's" not in told.body
    assert "/portal/publications/" in told.body
    assert mail_notices(joined.worker, prompt=False) == 0


def test_what_is_due_is_mailed_at_once_and_takes_the_rest_along(joined: World) -> None:
    scored(joined, "A")
    deliver(joined.worker)
    with viewer_scope(joined.worker):
        Notice.objects.filter(kind="agreement_offered").update(mailed_at=now())
    assert mail_notices(joined.worker, prompt=True) == 0
    offered(joined, "A", "STD")
    deliver(joined.worker)
    assert mail_notices(joined.worker, prompt=True) == 3
    body = mail.outbox[0].body
    assert "offers you agreement" in body
    assert "Published to you" in body


def test_the_same_news_is_given_once(joined: World) -> None:
    put = NoticePut(joined.suppliers["A"], "publication_made", KEY, {"number": 1, "title": "T"})
    for _ in range(2):
        give_notices(joined.worker, [put])
    assert len(my_news(joined["a viewer"])) == 1
    assert entries(joined, "give_notices") == 2
    with pytest.raises(NotAllowed):
        give_notices(joined["administrator"], [put])


def test_a_supplier_reads_its_own_news_and_nobody_elses(joined: World) -> None:
    put = NoticePut(joined.suppliers["A"], "publication_made", KEY, {"number": 1, "title": "For A alone"})
    give_notices(joined.worker, [put])
    assert "For A alone" in signed_in(joined["a viewer"]).text("/portal/")
    assert "For A alone" not in signed_in(joined["b viewer"]).text("/portal/")
    assert "For A alone" not in signed_in(joined["planner"]).text("/desk/")
    with at(None, days=60):
        assert my_news(joined["a viewer"]) == []


def test_supports_that_begin_and_end_are_told_under_the_suppliers_name_for_the_segment(joined: World) -> None:
    support = next(
        one
        for one in queries.supports(joined["planner"], supplier=joined.suppliers["B"])
        if one.segment == joined.segments["STD"]
    )
    confirm_support(joined["planner"], support.id, Involvement.EXECUTION)
    end_support(joined["planner"], support.id, today())
    deliver(joined.worker)
    mail_notices(joined.worker, prompt=True)
    body = next(one.body for one in mail.outbox if one.to == ["b.viewer@example.com"])
    assert "You serve the segment Line Std: what" in body
    assert f"You serve the segment Line Std until {today()}" in body
    assert "a.viewer@example.com" not in recipients()


def test_mail_goes_to_those_who_are_there_in_their_language(joined: World) -> None:
    with viewer_scope(joined["administrator"]):
        Person.objects.filter(id=joined["a viewer"].person).update(joined_at=None)
        Person.objects.filter(id=joined["a administrator"].person).update(active=False)
    give_notices(
        joined.worker, [NoticePut(joined.suppliers["A"], "publication_made", KEY, {"number": 1, "title": "T"})]
    )
    mail_notices(joined.worker, prompt=False)
    assert recipients() == ["a.planner@example.com"]


def test_a_mail_server_that_is_down_leaves_everything_to_the_next_try(
    joined: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_notices(
        joined.worker, [NoticePut(joined.suppliers["A"], "publication_made", KEY, {"number": 1, "title": "T"})]
    )

    def down(backend: EmailBackend, messages: list[EmailMessage]) -> int:
        raise OSError("no route to host")

    with monkeypatch.context() as patched:
        patched.setattr(EmailBackend, "send_messages", down)
        with pytest.raises(OSError, match="no route"):
            mail_notices(joined.worker, prompt=False)
    assert mail_notices(joined.worker, prompt=False) == 3


def test_long_news_is_cut_and_counted(joined: World) -> None:
    puts = [NoticePut(joined.suppliers["A"], "publication_made", str(uuid7()), {"title": f"No {n}"}) for n in range(50)]
    give_notices(joined.worker, puts)
    mail_notices(joined.worker, prompt=False)
    assert mail.outbox[0].body.count("Published to you") == 20
    assert "30 more stand in Tierwise." in mail.outbox[0].body
