"""Stripe, through its official library: hosted checkouts, refunds, signed webhooks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import stripe

from chat.donations import signature, stripe_events
from chat.donations.amounts import Money
from chat.donations.provider import Checkout, Event, Order, ProviderError

NAME: Final = "stripe"
TIMEOUT_S: Final = 15
VERSION: Final = "2026-10-28.endive"
"""Of Stripe's API, for what we ask. The webhook endpoint at Stripe should have a version from
2025-03-31 on: before that, invoices did not name their subscription where we read it."""

# Nothing of how we use the API is reported beside it.
stripe.enable_telemetry = False


class StripeProvider:
    """`secrets` are the webhook endpoint's; two while one takes the place of the other."""

    def __init__(
        self,
        key: str,
        secrets: Sequence[str],
        *,
        tolerance_s: int = 300,
        address: str | None = None,
    ) -> None:
        self._http = stripe.AIOHTTPClient(timeout=TIMEOUT_S)
        self._api = stripe.StripeClient(
            key,
            http_client=self._http,
            stripe_version=VERSION,
            max_network_retries=2,
            base_addresses={} if address is None else {"api": address},
        )
        self._secrets = [secret.encode() for secret in secrets]
        self._tolerance_ms = tolerance_s * 1000

    @property
    def name(self) -> str:
        return NAME

    async def check_out(self, order: Order) -> Checkout:
        try:
            params = _checkout_params(order)
        except ValueError as error:
            raise ProviderError(str(error), refused=True) from None
        try:
            session = await self._api.v1.checkout.sessions.create_async(
                params, {"idempotency_key": order.id}
            )
        except stripe.StripeError as error:
            raise _provider_error(error) from error
        if session.url is None:
            raise ProviderError("Stripe gave no address for the checkout.", refused=False)
        return Checkout(session.id, session.url)

    async def refund(self, payment: str, money: Money, key: str) -> str:
        try:
            made = await self._api.v1.refunds.create_async(
                {
                    "payment_intent": payment,
                    "amount": stripe_events.to_stripe(money),
                    "metadata": {stripe_events.ORDER_KEY: key},
                },
                {"idempotency_key": key},
            )
        except ValueError as error:
            raise ProviderError(str(error), refused=True) from None
        except stripe.StripeError as error:
            raise _provider_error(error) from error
        return made.id

    def verify(self, body: bytes, headers: Mapping[str, str], now_ms: int) -> None:
        given = headers.get(signature.HEADER)
        signature.verify(body, given, self._secrets, now_ms, self._tolerance_ms)

    def read(self, body: bytes) -> Event:
        return stripe_events.read(body)

    async def close(self) -> None:
        await self._http.close_async()  # type: ignore[no-untyped-call]


def _checkout_params(order: Order) -> stripe.params.checkout.SessionCreateParams:
    """Raises ValueError where Stripe cannot take the amount."""
    metadata = {stripe_events.ORDER_KEY: order.id}
    item: stripe.params.checkout.SessionCreateParamsLineItem = {
        "quantity": 1,
        "price_data": {
            "currency": order.money.currency.lower(),
            "unit_amount": stripe_events.to_stripe(order.money),
            "product_data": {"name": order.description},
        },
    }
    params: stripe.params.checkout.SessionCreateParams = {
        "client_reference_id": order.id,
        "metadata": metadata,
        "line_items": [item],
        "success_url": order.return_url,
        "cancel_url": order.return_url,
    }
    if order.purpose == "donation":
        params["mode"] = "payment"
        params["submit_type"] = "donate"
        params["payment_intent_data"] = {"metadata": metadata}
    else:
        params["mode"] = "subscription"
        item["price_data"]["recurring"] = {"interval": "month"}
        params["subscription_data"] = {"metadata": metadata}
    return params


def _provider_error(error: stripe.StripeError) -> ProviderError:
    """Refused for good: what Stripe says about the request itself. All else may pass later."""
    refused = isinstance(error, stripe.InvalidRequestError | stripe.CardError)
    text = error.user_message or type(error).__name__
    return ProviderError(f"Stripe: {text}", refused=refused)
