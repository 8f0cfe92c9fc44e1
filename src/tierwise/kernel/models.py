"""Tables without a business word: accounts, the audit trail, the outbox, files, pipeline runs."""

from __future__ import annotations

import math
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower

from tierwise.kernel.clock import now
from tierwise.kernel.ids import uuid7
from tierwise.kernel.retention import DERIVED, TRAIL, Retention
from tierwise.kernel.zones import (
    ALL,
    APPEND,
    EDIT,
    IDENTITY_ONLY,
    MACHINERY_PUT,
    PERSON,
    PUT,
    READ,
    Rights,
    Zone,
    internal,
    shared,
)


class AccountManager(BaseUserManager["Account"]):
    def create_account(self, email: str, person: UUID, password: str | None = None) -> Account:
        account = self.model(email=self.normalize_email(email), person_id=person)
        account.set_password(password)
        account.save(using=self._db)
        return account

    def get_by_natural_key(self, username: str | None) -> Account:
        return self.get(email__iexact=username)


class Account(AbstractBaseUser):
    """A way to sign in. The person behind it, with company and role, stands in the directory under an opaque id."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField()
    person_id = models.UUIDField(unique=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=now)

    rights: ClassVar[Rights] = IDENTITY_ONLY
    objects = AccountManager()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="account_email")]

    def __str__(self) -> str:
        return str(self.id)


class AuditEntry(models.Model):
    """One thing somebody did or was refused. Added by every action, changed by nobody."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField()
    person = models.UUIDField()
    company = models.UUIDField()
    role = models.CharField(max_length=32)
    door = models.CharField(max_length=16)
    action = models.CharField(max_length=64)
    outcome = models.CharField(max_length=16, default="done")
    subject_kind = models.CharField(max_length=48, blank=True)
    subject = models.CharField(max_length=128, blank=True)
    supplier = models.UUIDField(null=True)
    segment = models.UUIDField(null=True)
    count = models.PositiveIntegerField(default=1)
    detail = models.JSONField(default=dict)
    # Set by the database itself, see kernel/seal/stamp.py; the order in which entries are sealed.
    era = models.IntegerField(default=0)
    transaction = models.BigIntegerField(default=0)

    rights: ClassVar[Rights] = Rights(
        Zone.MACHINERY, buyer=APPEND, supplier=PUT, worker=APPEND, identity=PUT, supplier_column="company",
        check=f"person = {PERSON}",
    )  # fmt: skip
    retention: ClassVar[Retention] = TRAIL

    class Meta:
        indexes = [
            models.Index(fields=["-at"], name="audit_at"),
            models.Index(fields=["subject_kind", "subject", "-at"], name="audit_subject"),
            models.Index(fields=["era", "transaction"], name="audit_order"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"


class AuditSeal(models.Model):
    """A batch of audit entries under one signed head that carries the one before. See kernel/seal."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.PositiveIntegerField(unique=True)
    previous = models.CharField(max_length=64)
    since_era = models.IntegerField()
    since_transaction = models.BigIntegerField()
    until_era = models.IntegerField()
    until_transaction = models.BigIntegerField()
    entries = models.PositiveIntegerField()
    leaves = models.BinaryField()
    digest = models.CharField(max_length=64)
    head = models.CharField(max_length=64)
    sealed_at = models.DateTimeField()
    key = models.CharField(max_length=64)
    signature = models.CharField(max_length=128)

    rights: ClassVar[Rights] = internal(buyer=READ, worker=APPEND)

    class Meta:
        ordering = ["number"]

    def __str__(self) -> str:
        return f"seal {self.number}"


class OutboxEvent(models.Model):
    """News of what an action did, written in its transaction and delivered after it. ``company`` is the actor's."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    company = models.UUIDField()
    at = models.DateTimeField(default=now)
    name = models.CharField(max_length=64)
    payload = models.JSONField(default=dict)
    delivered_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.TextField(blank=True)

    rights: ClassVar[Rights] = MACHINERY_PUT
    retention: ClassVar[Retention] = Retention(30, "delivered_at", "News that was delivered")

    class Meta:
        indexes = [
            models.Index(fields=["at"], condition=models.Q(delivered_at__isnull=True), name="outbox_waiting"),
        ]

    def __str__(self) -> str:
        return self.name


class StoredFile(models.Model):
    """A file somebody handed in, addressed by its content; the bytes lie in the file store."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner_id = models.UUIDField()
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    name = models.CharField(max_length=200)
    media_type = models.CharField(max_length=100)
    stored_at = models.DateTimeField(default=now)
    stored_by = models.UUIDField()

    rights: ClassVar[Rights] = shared("", supplier=APPEND, buyer=APPEND, worker=APPEND, company="owner_id")

    class Meta:
        indexes = [models.Index(fields=["owner_id", "sha256"], name="file_content")]

    def __str__(self) -> str:
        return self.name


class StepRun(models.Model):
    """One pipeline step on one partition; a run with the same fingerprint is never repeated."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    step = models.CharField(max_length=64)
    partition = models.CharField(max_length=128)
    fingerprint = models.CharField(max_length=64)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    result = models.JSONField(default=dict)

    rights: ClassVar[Rights] = internal(buyer=READ, worker=EDIT)
    retention: ClassVar[Retention] = DERIVED

    class Meta:
        indexes = [models.Index(fields=["step", "partition", "-began_at"], name="step_latest")]

    def __str__(self) -> str:
        return f"{self.step} {self.partition}"


class RateBucket(models.Model):
    """How many requests a token or a person may still make. Processes take shares of it, never the whole."""

    owner = models.UUIDField(primary_key=True)
    level = models.FloatField()
    filled_at = models.DateTimeField()

    rights: ClassVar[Rights] = IDENTITY_ONLY

    def __str__(self) -> str:
        return str(self.owner)


class KeptAnswer(models.Model):
    """What a request with an idempotency key was answered, kept in the transaction of what it did.

    Operations on what is private to a supplier keep none, so nothing here is.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    company = models.UUIDField()
    owner = models.UUIDField()
    key = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    kept_at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(default=0)
    etag = models.CharField(max_length=80, blank=True)
    body = models.TextField(blank=True)

    rights: ClassVar[Rights] = Rights(Zone.MACHINERY, buyer=ALL, supplier=ALL, worker=ALL, supplier_column="company")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["company", "owner", "key"], name="kept_answer_key")]
        indexes = [models.Index(fields=["kept_at"], name="kept_answer_age")]

    def __str__(self) -> str:
        return self.key


class BrokenGlass(models.Model):
    """A look into a supplier's private tables by the buyer, for a reason and a time, told to the supplier."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    supplier_id = models.UUIDField()
    person = models.UUIDField()
    reason = models.CharField(max_length=600)
    opened_at = models.DateTimeField(default=now)
    until = models.DateTimeField()
    seen_at = models.DateTimeField(null=True)

    rights: ClassVar[Rights] = Rights(
        Zone.SHARED, buyer="select insert update(until)", supplier="select update(seen_at)", worker=READ, glass=READ,
        supplier_column="supplier_id",
    )  # fmt: skip

    class Meta:
        indexes = [models.Index(fields=["supplier_id", "-opened_at"], name="glass_latest")]
        constraints = [models.CheckConstraint(condition=models.Q(until__gt=models.F("opened_at")), name="glass_time")]

    def __str__(self) -> str:
        return f"{self.supplier_id} {self.opened_at}"


def as_detail(values: dict[str, Any]) -> dict[str, Any]:
    """Values of an audit entry as JSON keeps them: ids, dates and decimals as text, collections as lists."""
    return {key: _plain(value) for key, value in values.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, (set, frozenset)):
        return sorted((_plain(inner) for inner in value), key=str)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
