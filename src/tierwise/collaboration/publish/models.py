"""Publications and what stands in them. Rows are added once and never changed; a correction is a new publication."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from django.db import models

from tierwise.collaboration.numbering import Counter
from tierwise.collaboration.publish.records import CellStatus, PublicationKind, Reply
from tierwise.kernel.ids import uuid7
from tierwise.kernel.zones import APPEND, Rights, internal, published, shared


def _quantity() -> models.DecimalField[Decimal | None, Decimal | None]:
    return models.DecimalField(null=True, max_digits=18, decimal_places=4)


class Published(models.Model):
    """A row that belongs to one supplier and one segment."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    supplier = models.ForeignKey("directory.Company", models.PROTECT, related_name="+")
    segment = models.ForeignKey("directory.Segment", models.PROTECT, related_name="+")

    rights: ClassVar[Rights] = published()

    class Meta:
        abstract = True


class Publication(Published):
    """One snapshot, numbered per supplier. ``digest`` covers every row in it, ``content`` names the shared fields."""

    agreement_version = models.ForeignKey(
        "agree.AgreementVersion", models.PROTECT, null=True, related_name="+", db_constraint=False
    )
    kind = models.CharField(max_length=16, choices=[(k.value, k.value) for k in PublicationKind])
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=160)
    period_start = models.DateField()
    period_end = models.DateField()
    published_at = models.DateTimeField()
    reply_due_at = models.DateTimeField(null=True)
    supersedes = models.ForeignKey("self", models.PROTECT, null=True, related_name="+", db_constraint=False)
    content = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    content_schema = models.CharField(max_length=32)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["supplier", "number"], name="publication_number")]
        indexes = [models.Index(fields=["supplier", "segment", "-published_at"], name="publication_latest")]

    def __str__(self) -> str:
        return self.title


class PublicationCounter(Counter):
    rights: ClassVar[Rights] = internal()


class PublicationBasis(models.Model):
    """What a publication was made from. Internal: it would tell which facts and rules stand behind it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    publication = models.UUIDField(unique=True)
    manifest = models.UUIDField()
    fingerprint = models.CharField(max_length=64)
    rules = models.JSONField(default=dict)

    rights: ClassVar[Rights] = internal(buyer=APPEND, worker=APPEND)

    class Meta:
        indexes = [models.Index(fields=["fingerprint"], name="basis_fingerprint")]

    def __str__(self) -> str:
        return str(self.publication)


class PublishedSeries(Published):
    """Demand or order forecast for one item, site and bucket."""

    publication = models.ForeignKey(Publication, models.PROTECT, related_name="series", db_constraint=False)
    signal = models.CharField(max_length=24)
    item = models.CharField(max_length=240)
    item_name = models.CharField(max_length=300, blank=True)
    site = models.CharField(max_length=240, blank=True)
    region = models.CharField(max_length=240, blank=True)
    bucket_start = models.DateField()
    bucket_days = models.PositiveSmallIntegerField()
    quantity = _quantity()
    unit = models.CharField(max_length=16)
    binds = models.CharField(max_length=32)
    status = models.CharField(max_length=16, choices=[(s.value, s.value) for s in CellStatus])

    class Meta:
        indexes = [models.Index(fields=["supplier", "publication", "item", "bucket_start"], name="series_cell")]

    def __str__(self) -> str:
        return f"{self.item} {self.bucket_start}"


class HeldBack(models.Model):
    """Why a published cell shows no value. Internal for ever."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    publication = models.UUIDField()
    cell = models.UUIDField()
    reason = models.CharField(max_length=120)
    numbers = models.JSONField(default=dict)

    rights: ClassVar[Rights] = internal(buyer=APPEND, worker=APPEND)

    class Meta:
        indexes = [models.Index(fields=["publication"], name="held_back_publication")]

    def __str__(self) -> str:
        return self.reason


class PublishedMeasure(Published):
    """One measure of a scorecard, with what it takes to judge it."""

    publication = models.ForeignKey(Publication, models.PROTECT, related_name="measures", db_constraint=False)
    measure = models.CharField(max_length=32)
    formula = models.CharField(max_length=48)
    value = models.FloatField(null=True)
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    shrunk = models.FloatField(null=True)
    numerator = models.FloatField(null=True)
    denominator = models.FloatField(null=True)
    n = models.PositiveIntegerField()
    effective_n = models.FloatField(null=True)
    target = models.FloatField(null=True)
    weight = models.FloatField(null=True)
    points = models.FloatField(null=True)
    standing = models.CharField(max_length=24, blank=True)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [models.Index(fields=["supplier", "publication", "measure"], name="measure_of")]

    def __str__(self) -> str:
        return self.measure


class PublishedLine(Published):
    """One purchase line as it was judged: what a supplier drills down to and may dispute."""

    publication = models.ForeignKey(Publication, models.PROTECT, related_name="lines", db_constraint=False)
    order = models.CharField(max_length=240)
    line = models.CharField(max_length=240)
    item = models.CharField(max_length=240)
    item_name = models.CharField(max_length=300, blank=True)
    site = models.CharField(max_length=240, blank=True)
    ordered_on = models.DateField(null=True)
    due_on = models.DateField(null=True)
    due_from = models.CharField(max_length=24, blank=True)
    delivered_on = models.DateField(null=True)
    days_late = models.IntegerField(null=True)
    ordered = _quantity()
    received = _quantity()
    rejected = _quantity()
    unit = models.CharField(max_length=16, blank=True)
    share = models.FloatField()
    on_time = models.BooleanField(null=True)
    in_full = models.BooleanField(null=True)
    otif = models.BooleanField(null=True)
    excluded = models.CharField(max_length=32, blank=True)

    class Meta:
        indexes = [models.Index(fields=["supplier", "publication", "order", "line"], name="line_of")]

    def __str__(self) -> str:
        return f"{self.order}/{self.line}"


class PublicationReply(Published):
    """A supplier's answer to a publication as a whole. One per publication."""

    publication = models.ForeignKey(Publication, models.PROTECT, related_name="replies", db_constraint=False)
    reply = models.CharField(max_length=16, choices=[(r.value, r.value) for r in Reply])
    replied_at = models.DateTimeField()
    replied_by = models.UUIDField()
    comment = models.TextField(blank=True)

    rights: ClassVar[Rights] = shared(supplier=APPEND, buyer="select", worker="select")
    redactable: ClassVar[tuple[str, ...]] = ("comment",)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["supplier", "publication"], name="one_reply")]

    def __str__(self) -> str:
        return self.reply
