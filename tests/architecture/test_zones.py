"""Every table says which zone it stands in, and PostgreSQL holds it to that."""

from __future__ import annotations

import pytest
from django.apps import apps

from fixtures.databases import Template
from tierwise.kernel.zones import IDENTITY_ONLY, Login, Rights, Zone, declared_tables, rights_of

OURS = "tierwise."


def our_models() -> list[type]:
    return [model for model in apps.get_models() if model.__module__.startswith(OURS)]


def test_every_model_of_ours_declares_its_own_rights() -> None:
    assert our_models()
    assert [m for m in our_models() if not isinstance(getattr(m, "rights", None), Rights)] == []


def test_columns_that_decide_about_rows_exist_and_are_never_empty() -> None:
    for model in our_models():
        rights = rights_of(model)
        columns = {field.column: field for field in model._meta.concrete_fields}  # type: ignore[attr-defined]
        for name in filter(None, (rights.supplier_column, rights.segment_column)):
            assert name in columns, f"{model.__name__} ties its rows to {name}, which it does not have"
            assert not columns[name].null, f"{model.__name__}.{name} may be null: the row would be nobody's"


def test_verbs_fit_the_zone() -> None:
    for table, rights in declared_tables().items():
        people = {login for login in Login if rights.verbs(login)}
        if rights.zone is Zone.INTERNAL:
            assert Login.SUPPLIER not in people, table
        if rights.zone is Zone.PRIVATE:
            assert people == {Login.SUPPLIER, Login.GLASS}, table
            assert rights.verbs(Login.GLASS) == ("select",), table
        elif Login.GLASS in people:
            assert table == "kernel_brokenglass"
        if rights.zone in {Zone.SHARED, Zone.PRIVATE} or rights.supplier:
            assert rights.supplier_column, f"suppliers reach {table}, and it does not say whose a row is"


def test_indexes_of_shared_tables_lead_with_the_supplier() -> None:
    """Row policies switch off indexes on other columns first: a page would read the whole table."""
    for model in our_models():
        rights = rights_of(model)
        if rights.zone is not Zone.SHARED or rights.supplier_column == "id":
            continue
        for index in model._meta.indexes:  # type: ignore[attr-defined]
            first = model._meta.get_field(index.fields[0].lstrip("-")).column  # type: ignore[attr-defined]
            assert first == rights.supplier_column, f"{index.name} of {model.__name__}"


@pytest.mark.database
def test_every_table_of_the_house_has_forced_policies(database: Template) -> None:
    query = """
        select c.relname, c.relrowsecurity, c.relforcerowsecurity,
               array(select p.polname::text from pg_policy p where p.polrelid = c.oid)
        from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
    """
    with database.connect(Login.OWNER.alias) as connection:
        found = {row[0]: row[1:] for row in connection.execute(query).fetchall()}
    assert set(found) == set(declared_tables())
    for model in our_models():
        table, rights = model._meta.db_table, rights_of(model)  # type: ignore[attr-defined]
        enabled, forced, policies = found[table]
        if rights is IDENTITY_ONLY:
            continue
        assert (enabled, forced) == (True, True), table
        assert set(policies) == {login.value for login in Login if rights.verbs(login)}, table
