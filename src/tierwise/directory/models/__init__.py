"""Tables of the directory, split by noun."""

from tierwise.directory.models.access import AccessReview, Onboarding, Redaction, ReviewedAccess
from tierwise.directory.models.masters import Arc, Closure, Customer, Item, ItemUnit, Lane, Site
from tierwise.directory.models.notices import Notice
from tierwise.directory.models.parties import ApiToken, Company, Invitation, Person
from tierwise.directory.models.segments import LanePolicy, PolicyFacet, Segment, Support

__all__ = [
    "AccessReview", "ApiToken", "Arc", "Closure", "Company", "Customer", "Invitation", "Item", "ItemUnit", "Lane",
    "LanePolicy", "Notice", "Onboarding", "Person", "PolicyFacet", "Redaction", "ReviewedAccess", "Segment", "Site",
    "Support",
]  # fmt: skip
