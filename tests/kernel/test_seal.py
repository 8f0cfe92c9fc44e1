"""The audit trail under seal: whatever is cut, changed or slipped in is found, and nothing else is blamed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixtures.databases import Template
from fixtures.worlds import World
from tierwise.kernel.audit import Subject, action, record, record_many
from tierwise.kernel.models import AuditEntry, AuditSeal
from tierwise.kernel.seal import stamp
from tierwise.kernel.seal.chain import Place, Signer, signed_by
from tierwise.kernel.seal.sealer import (
    export_heads,
    exported_heads,
    heads_file,
    seal_settled,
    statement_of,
)
from tierwise.kernel.seal.verify import keys_file, verify
from tierwise.kernel.viewer import BUYER_EDITORS, SUPPLIER_EDITORS, Viewer, viewer_scope

pytestmark = pytest.mark.database
Admin = psycopg.Connection[Any]


@action("remark", roles=BUYER_EDITORS | SUPPLIER_EDITORS)
def remark(actor: Viewer, text: str, times: int = 1) -> None:
    record_many(actor, [(Subject("remark", str(n)), {"text": text, "amount": "0.10"}) for n in range(times)])


@pytest.fixture
def admin(database: Template) -> Iterator[Admin]:
    """The superuser, whom no policy and, in this session, no trigger holds."""
    name = connections["worker"].settings_dict["NAME"]
    with psycopg.connect(database.runtime.admin_conninfo(name), autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        yield connection


def fill(world: World, entries: int = 12) -> None:
    for number in range(entries):
        actor = world["planner"] if number % 2 else world["a planner"]
        remark(actor, f"remark {number}", times=1 + number % 3)
        if number % 4 == 3:
            seal_settled(world.worker, limit=5)
    seal_settled(world.worker, limit=5)


def kinds(world: World) -> set[str]:
    return {fault.kind for fault in verify(world.worker).faults}


def test_what_is_sealed_is_found_sound(world: World) -> None:
    fill(world)
    remark(world["planner"], "not yet")
    verdict = verify(world.worker)
    assert verdict.sound
    assert (verdict.entries, verdict.unsealed) == (24, 1)
    assert verdict.oldest_unsealed is not None
    assert verdict.head == exported_heads()[verdict.seals]["head"]
    assert seal_settled(world.worker) == 1
    assert seal_settled(world.worker) == 0
    assert verify(world.worker).unsealed == 0


def test_nothing_yet_is_sound(world: World) -> None:
    assert verify(world.worker).sound
    assert seal_settled(world.worker) == 0


def test_one_large_transaction_is_one_seal(world: World) -> None:
    remark(world["planner"], "small")
    remark(world["planner"], "large", times=40)
    remark(world["planner"], "small")
    assert seal_settled(world.worker, limit=5) == 42
    with viewer_scope(world.worker):
        assert [seal.entries for seal in AuditSeal.objects.all()] == [1, 40, 1]


def test_an_older_transaction_that_ends_later_is_waited_for(world: World) -> None:
    """Its entries would fall into a range that is sealed already, were ids or clocks the order."""
    planner = world["planner"]
    began, may_end = threading.Event(), threading.Event()

    @action("slow", roles=BUYER_EDITORS)
    def slow(actor: Viewer) -> None:
        record(actor, Subject("slow", "1"))
        began.set()
        assert may_end.wait(10)

    def work() -> None:
        slow(planner)
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    assert began.wait(10)
    remark(planner, "quick")
    assert seal_settled(world.worker) == 0, "the quick one's number is higher than one still under way"
    may_end.set()
    thread.join()
    assert seal_settled(world.worker) == 2
    assert verify(world.worker).sound


def test_nobody_chooses_the_place_of_an_entry(world: World) -> None:
    fill(world)
    with viewer_scope(world["planner"]), transaction.atomic(using="buyer"):
        remark(world["planner"], "x")
        AuditEntry.objects.filter(subject="0").first()
        forged = AuditEntry.objects.order_by("-era", "-transaction").first()
        assert forged is not None
        forged.id, forged.era, forged.transaction = forged.person, 0, 1
        forged.save(force_insert=True, using="buyer")
    assert verify(world.worker).sound
    assert verify(world.worker).unsealed == 2


def test_sealing_at_once_from_two_places_makes_one_chain(world: World) -> None:
    for number in range(30):
        remark(world["planner"], str(number))
    sealed: list[int] = []

    def work() -> None:
        sealed.append(seal_settled(world.worker, limit=3))
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(sealed) == 30
    assert verify(world.worker).sound


ENTRIES = "(select id from kernel_auditentry order by era, transaction, id offset {} limit 1)"
ENTRY_CHANGES = (
    "detail = '{\"text\": \"other\"}'", "at = at + interval '1 microsecond'", "outcome = 'refused'", "count = 99",
    "person = company", "action = action || ' '", "subject = 'x'", "supplier = company", "door = 'api'",
)  # fmt: skip
SEAL_CHANGES = (
    "entries = entries + 1", "digest = repeat('0', 64)", "previous = repeat('1', 64)", "head = repeat('2', 64)",
    "sealed_at = sealed_at + interval '1 second'", "signature = repeat('00', 64)", "key = repeat('0', 64)",
    "until_transaction = until_transaction - 1",
)  # fmt: skip


def mutations() -> st.SearchStrategy[str]:
    entry = st.integers(0, 23).map(ENTRIES.format)
    seal = st.integers(1, 6)
    return st.one_of(
        st.builds("delete from kernel_auditentry where id = {}".format, entry),
        st.builds("update kernel_auditentry set {} where id = {}".format, st.sampled_from(ENTRY_CHANGES), entry),
        st.builds("update kernel_auditentry set transaction = transaction + 1 where id = {}".format, entry),
        st.builds(
            "insert into kernel_auditentry select gen_random_uuid(), at, person, company, role, door, action, outcome, "
            "subject_kind, subject, supplier, segment, count, detail, era, transaction from kernel_auditentry "
            "where id = {}".format,
            entry,
        ),
        st.builds("update kernel_auditseal set {1} where number = {0}".format, seal, st.sampled_from(SEAL_CHANGES)),
        st.builds("delete from kernel_auditseal where number = {}".format, seal),
        st.builds("delete from kernel_auditseal where number >= {}".format, seal),
        st.builds(
            "delete from kernel_auditentry where (era, transaction) >= "
            "(select since_era, since_transaction from kernel_auditseal where number = {0}); "
            "delete from kernel_auditseal where number >= {0}".format,
            seal,
        ),
    )


def test_every_mutation_is_found(world: World, admin: Admin) -> None:
    fill(world)
    admin.execute(
        "create table kept_entries as table kernel_auditentry; create table kept_seals as table kernel_auditseal"
    )
    with viewer_scope(world.worker):
        assert AuditSeal.objects.count() == 6

    @settings(max_examples=60, suppress_health_check=list(HealthCheck))
    @given(mutation=mutations())
    def found(mutation: str) -> None:
        admin.execute(
            "delete from kernel_auditentry; delete from kernel_auditseal; "
            "insert into kernel_auditentry table kept_entries; insert into kernel_auditseal table kept_seals"
        )
        before = state(admin)
        admin.execute(mutation)
        assert verify(world.worker).sound == (state(admin) == before), mutation

    found()


def state(admin: Admin) -> list[Any]:
    entries = admin.execute("select e::text from kernel_auditentry e order by 1").fetchall()
    return entries + admin.execute("select s::text from kernel_auditseal s order by 1").fetchall()


def test_faults_name_the_entry(world: World, admin: Admin) -> None:
    fill(world)
    ids = [row[0] for row in admin.execute("select id from kernel_auditentry order by era, transaction, id")]
    admin.execute("delete from kernel_auditentry where id = %s", [ids[0]])
    admin.execute("update kernel_auditentry set count = 7 where id = %s", [ids[8]])
    faults = {(fault.kind, fault.entry) for fault in verify(world.worker).faults}
    assert faults == {("missing", str(ids[0])), ("changed", str(ids[8]))}


def test_a_trail_rewritten_and_sealed_anew_is_not_the_exported_one(world: World, admin: Admin) -> None:
    fill(world)
    admin.execute("delete from kernel_auditentry where subject = '1'")
    admin.execute("delete from kernel_auditseal")
    line = heads_file().read_text()
    assert seal_settled(world.worker, limit=5) > 0
    assert heads_file().read_text() == line, "what was exported is never written over"
    assert {"head", "truncated"} & kinds(world)


def test_another_key_is_not_believed_until_it_is_named(
    world: World, admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(world)
    monkeypatch.setattr("tierwise.kernel.seal.sealer.signer", lambda: Signer("somebody else"))
    remark(world["planner"], "late")
    seal_settled(world.worker)
    assert kinds(world) == {"key"}
    assert verify(world.worker, frozenset({Signer("somebody else").public})).sound
    keys_file().write_text(Signer("somebody else").public + "\n")
    assert verify(world.worker).sound


def test_a_crash_between_seal_and_export_is_made_good(world: World) -> None:
    fill(world)
    whole = heads_file().read_text()
    heads_file().write_text(whole[: len(whole) // 2])
    assert export_heads(world.worker) > 0
    assert verify(world.worker).sound
    assert sorted(exported_heads()) == list(range(1, verify(world.worker).seals + 1))


def test_a_server_with_lower_numbers_begins_an_era(world: World, admin: Admin, database: Template) -> None:
    """What a restored database finds: everything that was sealed elsewhere bears higher numbers than are given out."""
    fill(world)
    with viewer_scope(world.worker):
        last = statement_of(AuditSeal.objects.order_by("-number").first())  # type: ignore[arg-type]
    conninfo = database.runtime.admin_conninfo(connections["worker"].settings_dict["NAME"])
    assert not stamp.keep_order(conninfo)
    assert stamp.begin_era_before(admin, Place(last.until.era, last.until.transaction + 10**9))
    assert stamp.current_era("worker") == 2
    remark(world["planner"], "in a new era")
    assert seal_settled(world.worker) == 1
    assert verify(world.worker).sound
    assert not stamp.keep_order(conninfo)


def test_signatures_are_not_taken_on_faith() -> None:
    signer = Signer("a secret")
    signed = signer.sign("ab" * 32)
    assert signed_by(signer.public, "ab" * 32, signed)
    assert not signed_by(signer.public, "ac" * 32, signed)
    assert not signed_by(Signer("another").public, "ab" * 32, signed)
    assert not signed_by("zz", "ab" * 32, signed)
