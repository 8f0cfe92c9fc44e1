"""People as the mailroom knows them: who has an address, and what he would see if he signed in now."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import QuerySet

from tierwise.directory.models import Person
from tierwise.directory.viewers import viewer_of_person
from tierwise.directory.wording import language_for
from tierwise.doors.ports import Correspondent
from tierwise.kernel.models import Account
from tierwise.kernel.viewer import Role


class DirectoryOfCorrespondents:
    """The directory's answer to the port of the doors."""

    def person(self, person: UUID) -> Correspondent | None:
        return next(iter(_active(_people().filter(id=person))), None)

    def known(self, email: str) -> list[Correspondent]:
        return _active(_people().filter(email__iexact=email))

    def of_company(self, company: UUID, roles: Collection[Role]) -> list[Correspondent]:
        return _active(_people().filter(company_id=company, role__in=[role.value for role in roles]))


def _people() -> QuerySet[Person]:
    return Person.objects.using("default").filter(active=True).order_by("name", "id")


def _active(rows: QuerySet[Person]) -> list[Correspondent]:
    people = list(rows)
    shut = set(
        Account.objects.using("default")
        .filter(person_id__in=[person.id for person in people], is_active=False)
        .values_list("person_id", flat=True)
    )
    found = [(person, viewer_of_person(person.id)) for person in people if person.id not in shut]
    return [
        Correspondent(viewer, person.name, person.email, language_for(person.language, supplier=viewer.is_supplier))
        for person, viewer in found
        if viewer is not None
    ]
