"""Companies and the people who work for them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from tierwise.directory.records import CompanyKind, CompanySide
from tierwise.kernel.clock import now
from tierwise.kernel.ids import uuid7
from tierwise.kernel.retention import Retention
from tierwise.kernel.viewer import Role
from tierwise.kernel.zones import ALL, EDIT, READ, Rights, Zone, shared


class Company(models.Model):
    """One legal or trading entity: ourselves or a supplier. A supplier reads its own row alone."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.CharField(max_length=240, unique=True)
    side = models.CharField(max_length=16, choices=[(s.value, s.value) for s in CompanySide])
    name = models.CharField(max_length=300)
    parent_code = models.CharField(max_length=240, blank=True)
    country = models.CharField(max_length=2, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    duns = models.CharField(max_length=9, blank=True)
    lei = models.CharField(max_length=20, blank=True)
    kind = models.CharField(
        max_length=32, choices=[(k.value, k.value) for k in CompanyKind], default=CompanyKind.MANUFACTURER.value
    )
    active = models.BooleanField(default=True)
    source = models.CharField(max_length=64, blank=True)

    rights: ClassVar[Rights] = shared("", company="id")

    class Meta:
        indexes = [models.Index(fields=["side", "code"], name="company_side")]

    def __str__(self) -> str:
        return self.name


# A role decides which login a person gets, so a supplier must not be able to write a buyer's role into its own row.
_FITS_SIDE = (
    r"(role like 'supplier\_%') = "
    "(select c.side = 'supplier' from directory_company c where c.id = directory_person.company_id)"
)


class Person(models.Model):
    """Somebody with a role in one company. Names live here and nowhere else, so that they can be erased."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    company = models.ForeignKey(Company, models.PROTECT, related_name="people")
    name = models.CharField(max_length=120)
    email = models.EmailField()
    role = models.CharField(max_length=32, choices=[(r.value, r.value) for r in Role if r is not Role.SYSTEM])
    # Empty: as the browser asks.
    language = models.CharField(max_length=8, blank=True)
    active = models.BooleanField(default=True)
    invited_at = models.DateTimeField(default=now)
    joined_at = models.DateTimeField(null=True)
    erased_at = models.DateTimeField(null=True)

    rights: ClassVar[Rights] = Rights(
        Zone.IDENTITY, buyer=EDIT, supplier=EDIT, identity="select update(joined_at,language)", worker=READ,
        supplier_column="company_id", check=_FITS_SIDE,
    )  # fmt: skip

    class Meta:
        constraints = [models.UniqueConstraint("company", Lower("email"), name="person_email")]

    def __str__(self) -> str:
        return self.name


class Invitation(models.Model):
    """A way in for one person; only the token's digest is kept."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    company = models.ForeignKey(Company, models.PROTECT, related_name="+")
    person = models.ForeignKey(Person, models.CASCADE, related_name="invitations", db_constraint=False)
    digest = models.CharField(max_length=64)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    rights: ClassVar[Rights] = Rights(
        Zone.IDENTITY, buyer="insert", supplier="insert", identity=ALL, supplier_column="company_id"
    )
    retention: ClassVar[Retention] = Retention(90, "expires_at", _("A link that no longer opens anything"))

    class Meta:
        indexes = [models.Index(fields=["company", "digest"], name="invitation_digest")]

    def __str__(self) -> str:
        return str(self.id)


# A token's role decides its login as a person's does; who makes one cannot write another side's into it.
_TOKEN_FITS_SIDE = _FITS_SIDE.replace("directory_person", "directory_apitoken")


class ApiToken(models.Model):
    """A machine's way in, in the name of the administrator who made it. Only the secret's digest is kept."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    company = models.ForeignKey(Company, models.PROTECT, related_name="+")
    person = models.ForeignKey(Person, models.PROTECT, related_name="+", db_constraint=False)
    name = models.CharField(max_length=80)
    role = models.CharField(max_length=32, choices=[(r.value, r.value) for r in Role if r is not Role.SYSTEM])
    scopes = models.CharField(max_length=400)
    digest = models.CharField(max_length=64)
    made_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    rights: ClassVar[Rights] = Rights(
        Zone.IDENTITY, buyer=EDIT, supplier="select insert update(revoked_at)",
        identity="select update(last_used_at)", supplier_column="company_id", check=_TOKEN_FITS_SIDE,
    )  # fmt: skip
    retention: ClassVar[Retention] = Retention(None, "", _("Says which machine was let in, by whom, when"))

    class Meta:
        indexes = [models.Index(fields=["company", "-made_at"], name="token_latest")]

    def __str__(self) -> str:
        return self.name
