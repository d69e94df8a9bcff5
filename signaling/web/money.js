// Amounts of money: whole minor units with a currency, never fractions. Pure.

/** What is offered first, in the currency's main unit. */
const OFFERED = [2, 5, 10, 20, 50];

/** How many digits follow the point: 2 for euros, 0 for yen, 3 for dinars. */
export function exponentOf(currency) {
  const format = new Intl.NumberFormat("en", { style: "currency", currency });
  return format.resolvedOptions().maximumFractionDigits;
}

/** "€5.00" for 500 in euros. */
export function shownAmount(minor, currency, locale) {
  const format = new Intl.NumberFormat(locale, { style: "currency", currency });
  return format.format(minor / 10 ** exponentOf(currency));
}

/** Amounts to choose from, in minor units. A unit of some currencies is worth a hundredth. */
export function offeredAmounts(currency) {
  const exponent = exponentOf(currency);
  const scale = exponent === 0 ? 100 : 1;
  return OFFERED.map((amount) => amount * scale * 10 ** exponent);
}

/** Minor units of what somebody typed, "5", "5.50" or "5,50"; null where that is no such amount. */
export function parseAmount(text, currency) {
  const match = /^\s*(\d{1,9})(?:[.,](\d{1,4}))?\s*$/.exec(text);
  if (!match) return null;
  const exponent = exponentOf(currency);
  const [, whole, fraction = ""] = match;
  if (fraction.length > exponent) return null;
  const minor = Number(whole + fraction.padEnd(exponent, "0"));
  return minor > 0 ? minor : null;
}

/** From 0 to 1. */
export function shareOfGoal(reached, target) {
  return target > 0 ? Math.min(1, Math.max(0, reached / target)) : 0;
}
