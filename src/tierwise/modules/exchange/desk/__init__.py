"""Sent decisions at the buyer's desk: the log, the feeds, the channels."""

from __future__ import annotations

from django.urls import path
from django.utils.translation import gettext_lazy

from tierwise.kernel.viewer import Side
from tierwise.modules.exchange.desk import channels, deliveries, feeds
from tierwise.web import navigation
from tierwise.web.due import add_due_sources
from tierwise.web.navigation import Place
from tierwise.web.subjects import register_subject

navigation.add_places(
    Place("desk-exchange", gettext_lazy("Sent decisions"), "exchange", Side.BUYER, 630, gettext_lazy("Directory"))
)
add_due_sources(Side.BUYER, deliveries.stuck, channels.disabled)
register_subject("delivery", deliveries.address)
register_subject("channel", channels.address)

urlpatterns = [
    path("exchange/", deliveries.log_page, name="desk-exchange"),
    path("exchange/send", deliveries.send, name="desk-exchange-send"),
    path("exchange/deliveries/<uuid:delivery>/", deliveries.record, name="desk-exchange-delivery"),
    path("exchange/deliveries/<uuid:delivery>/files/<int:place>", deliveries.file, name="desk-exchange-file"),
    path("exchange/deliveries/<uuid:delivery>/resend", deliveries.resend, name="desk-exchange-resend"),
    path("exchange/deliveries/<uuid:delivery>/answer", deliveries.answer, name="desk-exchange-answer"),
    path("exchange/deliveries/<uuid:delivery>/rows", deliveries.rows, name="desk-exchange-rows"),
    path("exchange/feeds/", feeds.feeds_page, name="desk-exchange-feeds"),
    path("exchange/feeds/<str:name>/", feeds.feed_page, name="desk-exchange-feed"),
    path("exchange/channels/", channels.list_page, name="desk-exchange-channels"),
    path("exchange/channels/new", channels.new, name="desk-exchange-channel-new"),
    path("exchange/channels/<uuid:channel>/", channels.record, name="desk-exchange-channel"),
    path("exchange/channels/<uuid:channel>/edit", channels.edit, name="desk-exchange-channel-edit"),
    path("exchange/channels/<uuid:channel>/state", channels.state, name="desk-exchange-channel-state"),
    path("exchange/channels/<uuid:channel>/test", channels.test, name="desk-exchange-channel-test"),
    path("exchange/channels/<uuid:channel>/host-key", channels.host_key, name="desk-exchange-channel-host-key"),
    path("exchange/channels/<uuid:channel>/secret", channels.secret, name="desk-exchange-channel-secret"),
    path("exchange/channels/<uuid:channel>/feed", feeds.route_form, name="desk-exchange-route-edit"),
    path("exchange/routes/<uuid:route>/", feeds.route_page, name="desk-exchange-route"),
    path("exchange/routes/<uuid:route>/active", feeds.set_active, name="desk-exchange-route-active"),
    path("exchange/routes/<uuid:route>/resend", feeds.resend_all, name="desk-exchange-route-resend"),
    path("exchange/check", feeds.check, name="desk-exchange-check"),
]
