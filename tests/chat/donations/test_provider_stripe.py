"""Stripe through its own library, against a server that answers as Stripe's documents say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest
from aiohttp import web

from chat.donations.amounts import Money
from chat.donations.currencies import Currency
from chat.donations.provider import Order, Paid, ProviderError, SignatureRefused
from chat.donations.provider_fake import FakeProvider
from chat.donations.provider_stripe import VERSION, StripeProvider
from tests.chat.donations.world import SECRET, euros

NOW_MS = 1_790_000_000_000
ORDER = Order("don_1", "donation", euros(500), "Donation to live", "https://x.test/watch/live")


class Stripe:
    """What it was asked, and what it answers."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.status = 200
        self.answer: dict[str, object] = {}

    async def handle(self, request: web.Request) -> web.Response:
        form = dict(parse_qsl(await request.text()))
        self.asked.append((request.path, form, dict(request.headers)))
        return web.json_response(self.answer, status=self.status)


@pytest.fixture
async def stripe() -> AsyncIterator[tuple[Stripe, StripeProvider]]:
    there = Stripe()
    app = web.Application()
    app.router.add_post("/{path:.*}", there.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    provider = StripeProvider(
        "sk_test_x", ["whsec_old", SECRET.decode()], address=f"http://{host}:{port}"
    )
    yield there, provider
    await provider.close()
    await runner.cleanup()


async def test_a_donation_is_paid_on_stripes_own_page(
    stripe: tuple[Stripe, StripeProvider],
) -> None:
    there, provider = stripe
    there.answer = {"id": "cs_1", "object": "checkout.session", "url": "https://pay.test/cs_1"}
    checkout = await provider.check_out(ORDER)
    assert (checkout.ref, checkout.url) == ("cs_1", "https://pay.test/cs_1")
    ((path, form, headers),) = there.asked
    assert path == "/v1/checkout/sessions"
    assert form["mode"] == "payment"
    assert form["line_items[0][price_data][unit_amount]"] == "500"
    assert form["line_items[0][price_data][currency]"] == "eur"
    assert form["payment_intent_data[metadata][sluice_order]"] == "don_1"
    assert form["success_url"] == ORDER.return_url
    assert headers["Idempotency-Key"] == "don_1"
    assert headers["Authorization"] == "Bearer sk_test_x"
    assert headers["Stripe-Version"] == VERSION


async def test_a_subscription_is_paid_each_month(stripe: tuple[Stripe, StripeProvider]) -> None:
    there, provider = stripe
    there.answer = {"id": "cs_1", "object": "checkout.session", "url": "https://pay.test/cs_1"}
    await provider.check_out(replace(ORDER, id="sub_1", purpose="subscription"))
    form = there.asked[0][1]
    assert form["mode"] == "subscription"
    assert form["line_items[0][price_data][recurring][interval]"] == "month"
    assert form["subscription_data[metadata][sluice_order]"] == "sub_1"
    assert "payment_intent_data[metadata][sluice_order]" not in form


async def test_a_refund_names_payment_amount_and_key(
    stripe: tuple[Stripe, StripeProvider],
) -> None:
    there, provider = stripe
    there.answer = {"id": "re_1", "object": "refund"}
    money = Money(500, Currency("ISK"))
    assert await provider.refund("pi_1", money, "ref_1") == "re_1"
    ((path, form, headers),) = there.asked
    assert path == "/v1/refunds"
    assert (form["payment_intent"], form["amount"]) == ("pi_1", "50000")
    assert form["metadata[sluice_order]"] == "ref_1"
    assert headers["Idempotency-Key"] == "ref_1"


@pytest.mark.parametrize(
    ("status", "kind", "refused"),
    [
        (400, "invalid_request_error", True),
        (402, "card_error", True),
        (401, "invalid_request_error", False),
        (500, "api_error", False),
    ],
)
async def test_what_stripe_refuses_is_told_from_what_it_could_not_do(
    stripe: tuple[Stripe, StripeProvider], status: int, kind: str, refused: bool
) -> None:
    there, provider = stripe
    there.status = status
    there.answer = {"error": {"type": kind, "message": "Amount must be larger", "code": "x"}}
    with pytest.raises(ProviderError) as error:
        await provider.refund("pi_1", euros(1), "ref_1")
    assert error.value.refused is refused
    assert "sk_test_x" not in str(error.value)


async def test_a_stripe_that_is_away_may_have_done_it() -> None:
    provider = StripeProvider("sk_test_x", ["w"], address="http://127.0.0.1:1")
    with pytest.raises(ProviderError) as error:
        await provider.check_out(ORDER)
    assert not error.value.refused
    await provider.close()


async def test_an_amount_that_stripe_cannot_take_is_refused_without_asking(
    stripe: tuple[Stripe, StripeProvider],
) -> None:
    there, provider = stripe
    money = Money(1_501, Currency("KWD"))
    with pytest.raises(ProviderError) as error:
        await provider.check_out(replace(ORDER, money=money))
    assert error.value.refused
    assert there.asked == []


async def test_its_webhooks_are_read_as_the_pretend_providers_are(
    stripe: tuple[Stripe, StripeProvider],
) -> None:
    _, provider = stripe
    fake = FakeProvider(SECRET)
    letter = fake.tell_payment("don_1", euros(500))
    provider.verify(letter.body, fake.sign(letter, NOW_MS), NOW_MS)
    told = provider.read(letter.body)
    assert isinstance(told, Paid)
    assert told.money == euros(500)
    with pytest.raises(SignatureRefused):
        provider.verify(letter.body + b" ", fake.sign(letter, NOW_MS), NOW_MS)
