"""What a company's people have to know."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from tierwise.directory.models.parties import Company
from tierwise.kernel.clock import now
from tierwise.kernel.ids import uuid7
from tierwise.kernel.zones import Rights, shared


class Notice(models.Model):
    """One piece of news for the people of one company, put into words when it is read.

    ``said`` holds what the words need, in the form that its kind declares, and nothing the company may not know.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    company = models.ForeignKey(Company, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=32)
    key = models.CharField(max_length=128)
    at = models.DateTimeField(default=now)
    effective_on = models.DateField(null=True)
    said = models.JSONField(default=dict)
    mailed_at = models.DateTimeField(null=True)

    rights: ClassVar[Rights] = shared("", company="company_id")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["company", "kind", "key"], name="notice_key")]
        indexes = [
            models.Index(fields=["company", "-at"], name="notice_news"),
            models.Index(fields=["company"], condition=models.Q(mailed_at__isnull=True), name="notice_unmailed"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
