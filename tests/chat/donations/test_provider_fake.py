"""The pretend provider signs and tells as the real one does."""

from __future__ import annotations

import pytest
import stripe

from chat.donations.amounts import Money
from chat.donations.currencies import Currency
from chat.donations.provider import Order, Paid, ProviderError, Refunded, Renewed, SignatureRefused
from chat.donations.provider_fake import FakeProvider, payment_of
from tests.chat.donations.world import SECRET, euros

NOW_MS = 1_790_000_000_000


@pytest.fixture
def provider() -> FakeProvider:
    return FakeProvider(SECRET)


async def test_its_checkout_is_a_page_of_ours(provider: FakeProvider) -> None:
    order = Order("don_1", "donation", euros(500), "x", "https://x.test/")
    checkout = await provider.check_out(order)
    assert checkout.url == "/fake-pay/don_1"
    assert await provider.check_out(order) == checkout


def test_what_it_tells_is_believed_and_understood(provider: FakeProvider) -> None:
    letter = provider.tell_payment("don_1", euros(500))
    provider.verify(letter.body, provider.sign(letter, NOW_MS), NOW_MS)
    told = provider.read(letter.body)
    assert told == Paid(letter.event, "don_1", payment_of("don_1"), euros(500))


def test_stripes_own_library_would_believe_it(provider: FakeProvider) -> None:
    letter = provider.tell_payment("don_1", euros(500))
    header = provider.sign(letter, NOW_MS)["stripe-signature"]
    assert stripe.WebhookSignature.verify_header(letter.body, header, SECRET.decode())


def test_another_secret_is_not_believed(provider: FakeProvider) -> None:
    letter = provider.tell_payment("don_1", euros(500))
    with pytest.raises(SignatureRefused):
        FakeProvider(b"another").verify(letter.body, provider.sign(letter, NOW_MS), NOW_MS)


def test_the_same_news_is_the_same_event_whoever_tells_it(provider: FakeProvider) -> None:
    again = FakeProvider(SECRET).tell_payment("don_1", euros(500))
    assert again == provider.tell_payment("don_1", euros(500))
    assert again.event != provider.tell_payment("don_1", euros(501)).event


async def test_a_refund_is_told_by_a_letter(provider: FakeProvider) -> None:
    ref = await provider.refund("pi_1", euros(200), "ref_1")
    (letter,) = provider.take_letters()
    assert provider.read(letter.body) == Refunded(letter.event, ref, "pi_1", euros(200), "ref_1")
    assert provider.take_letters() == []


async def test_it_refuses_what_stripe_would_refuse(provider: FakeProvider) -> None:
    with pytest.raises(ProviderError) as refused:
        await provider.refund("pi_1", Money(1_501, Currency("KWD")), "ref_1")
    assert refused.value.refused


def test_months_of_a_subscription_are_payments_of_their_own(provider: FakeProvider) -> None:
    first = provider.read(provider.tell_renewal("sub_1", 1, euros(499), NOW_MS).body)
    second = provider.read(provider.tell_renewal("sub_1", 2, euros(499), NOW_MS).body)
    assert isinstance(first, Renewed)
    assert isinstance(second, Renewed)
    assert first.order == second.order == "sub_1"
    assert first.payment != second.payment
    assert first.until_ms == NOW_MS
