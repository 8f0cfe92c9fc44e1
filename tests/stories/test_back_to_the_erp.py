"""A ruling goes back to the ERP by SFTP, to whoever listens by webhook, and its refusal comes to people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from collaboration.scenes import at
from fixtures.worlds import World
from modules.exchange.receivers import sftp_server, web_server
from modules.exchange.scenes import RULINGS, TODAY, deliveries, ndjson, on_channel, ruled
from tierwise.kernel.outbox import deliver
from tierwise.kernel.viewer import viewer_scope
from tierwise.modules.exchange import actions, jobs
from tierwise.modules.exchange.actions import ChannelPut
from tierwise.modules.exchange.queries import log
from tierwise.modules.exchange.records.words import ChannelKind, DeliveryState, RowState
from tierwise.web.due import due_for

pytestmark = pytest.mark.database


@pytest.fixture(autouse=True)
def _erp(settings: Any) -> Iterator[None]:
    settings.EXCHANGE_NETWORKS = ["127.0.0.0/8"]
    with at():
        yield


def test_an_upheld_ruling_reaches_the_erp_and_its_refusal_reaches_people(world: World, tmp_path: Path) -> None:
    import tierwise.config.urls  # noqa: F401  pages put their worklists in place when they are imported

    inbox, answers = tmp_path / "sap" / "in", tmp_path / "sap" / "out"
    inbox.mkdir(parents=True)
    answers.mkdir()
    integrator = world["administrator"]
    with sftp_server(tmp_path / "sap") as sap, web_server() as listener:
        # The administrator sets up both ways once. The webhook's secret is shown to her, then never again.
        files = actions.put_channel(
            integrator,
            ChannelPut(
                "SAP inbox", ChannelKind.SFTP,
                {"host": "127.0.0.1", "port": sap.port, "user": "tierwise", "host_key": sap.host_key, "path": "in",
                 "acks": "out"},
                {"password": "open sesame"},
            ),
        ).channel  # fmt: skip
        hook = actions.put_channel(
            integrator, ChannelPut("Quality system", ChannelKind.WEBHOOK, {"url": f"{listener.url}/hook"})
        )
        on_channel(world, files, RULINGS)
        on_channel(world, hook.channel, ndjson(RULINGS))

        # A category manager upholds what a supplier says about a delivery. News of it sets the worker going.
        ruled(world)
        deliver(world.worker)
        jobs.collect(world.worker, TODAY, feeds=["rulings"])
        for channel in (files, hook.channel):
            jobs.work_channel(world.worker, channel)

        # The ERP finds the correction in its own words, whole, with a done-file that says how to check it.
        name = "rulings_00000001.csv"
        assert (inbox / name).read_text() == (
            "VENDOR,CASE,PO,POSITION,DELIVERED,VERDICT,CHANGE\nA,1,PO00000,10,20250609,X,I\n"
        )
        done = json.loads((inbox / f"{name}.done").read_text())
        [by_file] = deliveries(world, files)
        assert (done["batch"], done["rows"], done["digest"]) == (1, 1, by_file.digest)
        assert sorted(one.name for one in inbox.iterdir()) == [name, f"{name}.done"]
        assert by_file.state is DeliveryState.SENT

        # The listener gets the same, signed; its answer acknowledges it.
        [call] = listener.requests
        with at():
            message = Webhook(hook.secret)
            signed = message.sign(call.headers["webhook-id"], _sent_at(call.headers), call.body.decode())
        assert call.headers["webhook-signature"] == signed
        told = json.loads(call.body)
        assert (told["type"], told["data"]["rows"][0]["DELIVERED"]) == ("rulings.sent", "20250609")
        assert deliveries(world, hook.channel)[0].state is DeliveryState.ACKNOWLEDGED

        # The ERP cannot book it, the period is closed. Its answer comes to the administrator's worklist.
        (answers / f"{name}.ack").write_text("key;state;reason\nA|1;refused;Period 06/2025 is closed\n")
        jobs.work_channel(world.worker, files)
        with viewer_scope(integrator):
            due = [one.row.what for one in due_for(integrator)]
        assert "Decide about refused rows of rulings 1 to SAP inbox" in due
        [row] = log.refused_rows(integrator, by_file.id)
        assert (row.key, row.reason, row.state) == ("A|1", "Period 06/2025 is closed", RowState.OPEN)
        # Nobody is asked the same thing twice: until somebody decides, the row stays here.
        assert jobs.collect(world.worker, TODAY)["batches"] == 0

        # Once the period is open again, she lets the row go out with the next batch, which the ERP takes.
        actions.decide_rows(integrator, by_file.id, RowState.AGAIN)
        assert jobs.collect(world.worker, TODAY)["rows"] == 1
        jobs.work_channel(world.worker, files)
        assert "A,1,PO00000,10,20250609,X,I" in (inbox / "rulings_00000002.csv").read_text()
        (answers / "rulings_00000002.csv.ack").touch()
        jobs.work_channel(world.worker, files)
        assert [one.state for one in deliveries(world, files)] == [DeliveryState.ACKNOWLEDGED] * 2
        with viewer_scope(integrator):
            assert not [one for one in due_for(integrator) if one.key.startswith("delivery-")]

        # The inbox was lost in a restore: the very same bytes go out again, under the same number.
        before = (inbox / "rulings_00000002.csv").read_bytes()
        (inbox / "rulings_00000002.csv").unlink()
        actions.resend(integrator, deliveries(world, files)[1].id)
        jobs.work_channel(world.worker, files)
        assert (inbox / "rulings_00000002.csv").read_bytes() == before


def _sent_at(headers: dict[str, str]) -> Any:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
