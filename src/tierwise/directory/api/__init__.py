"""The directory for machines."""

from tierwise.directory.api import audit, masters, people, segments

routers = (people.router, masters.router, segments.router, audit.router)
