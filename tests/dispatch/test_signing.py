"""A render process signs as the runner does, byte for byte, and nobody else gets to see the key (D6)."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

from mailtui.audience.recipient import recipient_of
from mailtui.dispatch.encoding import SentEncoding
from mailtui.dispatch.renderers import Batch, Renderers
from mailtui.dispatch.rendering import Mail, Row
from mailtui.dispatch.runner import Runner
from mailtui.errors import AccountError
from mailtui.message.compose import compile_message
from mailtui.message.dkim import DkimSpec, Signer
from mailtui.message.dkim_key import make_key, read_signing_key
from mailtui.message.mime import TransferEncoding
from mailtui.message.rendered import RenderedMessage
from mailtui.outbox.records import Claim
from mailtui.outbox.states import OrderKind
from mailtui.sandbox.capture import message_of, read_captured
from mailtui.sandbox.server import SandboxServer
from tests.dispatch.bench import House, Passwords, options, source
from tests.dispatch.test_renderers import _some_child
from tests.message.dkim_oracle import verifies

DATE = 1.7e9


class Keys(Passwords):
    """One key, once somebody has found it."""

    pem = b""

    async def signing_key(self, account: str) -> bytes:
        if not self.pem:
            raise AccountError(f"The key of {account} was not found", hint="Look under the mat")
        return self.pem


async def test_d6_without_its_key_a_campaign_pauses_and_goes_on_once_it_is_there(house: House, tmp_path: Path) -> None:
    """Nobody failed meanwhile, and what arrives is signed; lines that begin with dots are as they were."""
    keys = Keys()
    text = "Grüße {{ name }}\n.\n..\n.dot  \t \n\n\n"
    async with SandboxServer(tmp_path / "sandbox") as server:
        campaign = await house.launch(6, server.port, text=text, dkim=DkimSpec("s1"))
        # It was sent unsigned before, with 8bit bodies: no relay may have to encode a signed one anew.
        ledger = house.outbox.ledger()
        await ledger.fix_encoding(campaign.number, SentEncoding(TransferEncoding.EIGHT_BIT, smtputf8=True).to_json())
        ledger.close()
        chosen = options(house.outbox, say=house.said.append, scale=0.01)
        async with asyncio.timeout(30):
            await Runner(house.outbox, chosen, keys).run(lambda: None)
        held = await house.reader.campaign(campaign.id)
        assert (held.state, held.reason) == ("paused", "The key of acme was not found. Look under the mat")
        counts = await house.counts(campaign)
        assert (counts.queued, counts.failed) == (6, 0)
        keys.pem = make_key("ed25519")
        await house.order(campaign, OrderKind.RESUME)
        async with asyncio.timeout(30):
            await Runner(house.outbox, chosen, keys).run(lambda: None)
    rows = await house.check_books(campaign, server.folder)
    assert {row.state for row in rows.values()} == {"sent"}
    asked: list[bytes] = []
    for mail in read_captured(server.folder):
        assert message_of(server.folder, mail).isascii()
        assert verifies(message_of(server.folder, mail), read_signing_key(keys.pem).record, asked=asked)
    assert asked == [b"s1._domainkey.acme.test."] * 6


async def test_d6_a_render_process_signs_as_the_runner_does() -> None:
    pem = make_key("ed25519")
    signer = Signer(DkimSpec("s1", "acme.test"), pem)
    arrived = asyncio.Event()
    renderers = Renderers(
        ("name",), b"secret", "c", seconds=20, signer=signer, arrived=arrived.set, returned=lambda claims: None
    )
    message = compile_message(source(), ("name",), secret=b"secret", campaign_id="c")
    rows: list[Row] = [("a@example.com", n, "a@example.com", (f"Zoé {n}",), (), DATE, 0, -1, ()) for n in range(3)]
    claims = [Claim(1, n, 1, "a@example.com", n, "a@example.com", (f"Zoé {n}",), 0, DATE, 1) for n in range(3)]
    encoding = SentEncoding(TransferEncoding.EIGHT_BIT, smtputf8=False)
    taken: list[bytes] = []
    try:
        await renderers.start()
        child = await _some_child()
        async with asyncio.timeout(60):
            while not renderers.room:
                await arrived.wait()
                arrived.clear()
            renderers.give(Batch(claims, rows, {0: message}, encoding))
            while len(taken) < len(claims):
                if (done := renderers.take()) is None:
                    await arrived.wait()
                    arrived.clear()
                    continue
                assert isinstance(done[1], Mail)
                taken.append(done[1].data)
        seen = b"".join((Path("/proc") / str(child) / name).read_bytes() for name in ("cmdline", "environ"))
    finally:
        await renderers.close()
    for n, data in enumerate(taken):
        recipient = recipient_of(("name",), "a@example.com", n, "a@example.com", (f"Zoé {n}",), ())
        here = message.render(recipient, date=DATE, encoding=encoding.transfer)
        assert isinstance(here, RenderedMessage)
        assert data == signer.signed(here.data, here.sender)
        assert verifies(data, read_signing_key(pem).record)
    body = b"".join(pem.splitlines()[1:-1])
    assert b"PRIVATE" not in seen
    assert all(piece not in seen for piece in (body[:40], base64.b64encode(pem)[:40]))
