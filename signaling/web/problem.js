// Failed requests in words: every one ends as a ProblemError that says what happened (title),
// why (detail) and what to do (advice).

/**
 * One failed request. `status` is 0 when no answer came at all; `code` is the server's own name for
 * what is wrong, or empty.
 */
export class ProblemError extends Error {
  #advice;

  constructor({ status = 0, code = "", title, detail = "", retryAfterMs = 0, advice = "" }) {
    super(detail ? `${title}: ${detail}` : title);
    this.name = "ProblemError";
    this.status = status;
    this.code = code;
    this.title = title;
    this.detail = detail;
    this.retryAfterMs = retryAfterMs;
    this.#advice = advice;
  }

  get advice() {
    return this.#advice || adviceFor(this.status);
  }

  /** Whether the same request may succeed later without anybody changing anything. */
  get passing() {
    return [0, 408, 425, 429].includes(this.status) || this.status >= 500;
  }
}

/**
 * `fetch` that throws a ProblemError for everything but 2xx.
 *
 * @param {string|URL} url
 * @param {RequestInit & {timeoutMs?: number}} init
 */
export async function request(url, { timeoutMs = 10_000, ...init } = {}) {
  let response;
  try {
    response = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(timeoutMs), ...init });
  } catch (error) {
    const late = error.name === "TimeoutError";
    throw new ProblemError({
      title: late ? "The server did not answer in time" : "The server cannot be reached",
    });
  }
  if (response.ok) return response;
  throw await problemOf(response);
}

/** The JSON body of a GET, or a ProblemError. */
export async function getJson(url, init) {
  const response = await request(url, init);
  try {
    return await response.json();
  } catch {
    throw new ProblemError({ status: response.status, title: "The server sent no valid JSON" });
  }
}

/** Bearer header for a token, or no header at all. */
export function bearer(token) {
  return token ? { Authorization: `Bearer ${token}` } : {};
}

async function problemOf(response) {
  let body = {};
  if (/\bjson\b/.test(response.headers.get("content-type") ?? "")) {
    body = await response.json().catch(() => ({}));
  }
  return new ProblemError({
    status: response.status,
    code: text(body.code),
    title: text(body.title) || `The server answered ${response.status}`,
    detail: text(body.detail),
    retryAfterMs: retryAfterMs(response.headers.get("retry-after"), Date.now()),
  });
}

/** Retry-After (RFC 9110 section 10.2.3), seconds or a date, in milliseconds; 0 when absent. */
export function retryAfterMs(header, nowMs) {
  if (!header) return 0;
  if (/^\d+$/.test(header.trim())) return Math.min(Number(header), 3600) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? 0 : Math.min(Math.max(0, date - nowMs), 3_600_000);
}

/** What a person can do about a status code. */
export function adviceFor(status) {
  if (status === 0) return "Check your connection. We keep trying.";
  if (status === 401) return "Check the key or the link you were given: it is missing or wrong.";
  if (status === 403) return "This key or link is not valid here, or no longer. Ask for a new one.";
  if (status === 404) return "Check the channel's name for typing errors.";
  if (status === 409) return "The channel is not live at the moment.";
  if (status === 413) return "The request was too large. Try another browser or another codec.";
  if ([400, 406, 415, 422].includes(status)) {
    return "The server could not work with this browser's offer. Try another codec or browser.";
  }
  if (status === 429) return "Too many tries in a short time. Wait a little, then try again.";
  if (status === 503) return "The server is full or starting. We try again by ourselves.";
  if (status >= 500) return "The server has a fault. Try again in a moment.";
  return "Try again in a moment.";
}

function text(value) {
  return typeof value === "string" ? value.slice(0, 500) : "";
}
