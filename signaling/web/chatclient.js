// One client of a room's protocol, whatever carries it: greets, resumes where it was, matches
// answers to questions, and knows when the line is dead. Knows no network, no timer, no DOM.

export const VERSION = 1;

/** Silence after which the server is asked for a sign of life, and how long it has for that. */
const QUIET_MS = 20_000;
const ANSWER_MS = 8000;
const GREETING_MS = 5000;

/** A frame that did not take effect; `code` as in the server's table. */
export class ChatError extends Error {
  constructor({ code, detail = "", retryMs = 0 }) {
    super(detail || code);
    this.name = "ChatError";
    this.code = code;
    this.detail = detail;
    this.retryMs = retryMs;
  }
}

export class ChatClient {
  #onFrame;
  #makeId;
  #send = null;
  #state = "out"; // out | greeting | in
  #since = 0;
  #heardAt = 0;
  #pinged = false;
  #waiting = new Map(); // id -> {frame, again, resolve, reject}

  /** {epoch, seq}: everything up to there was heard of. Null before the first welcome. */
  position = null;

  /**
   * @param {(frame: object, bytes: number) => void} onFrame hears every frame that is no answer
   * @param {() => string} makeId unique for ten minutes, 1 to 36 letters and digits
   */
  constructor(onFrame, makeId) {
    this.#onFrame = onFrame;
    this.#makeId = makeId;
  }

  /** For a frame whose fate is to be known. */
  newId() {
    return this.#makeId();
  }

  get isIn() {
    return this.#state === "in";
  }

  /** A line is open. `at`: the moment on the viewer's screen, or null. */
  connect(send, { ticket, at }, now) {
    this.#send = send;
    this.#state = "greeting";
    this.#since = now;
    this.#heardAt = now;
    this.#pinged = false;
    const hello = { op: "hello", v: VERSION };
    if (ticket) hello.ticket = ticket;
    if (this.position?.seq > 0) hello.resume = this.position;
    if (at !== null) hello.at = Math.max(0, Math.round(at));
    send(JSON.stringify(hello));
  }

  /** The line is gone. Questions are lost with it; what changes the room is said again later. */
  disconnect() {
    this.#state = "out";
    this.#send = null;
    this.#fail(({ again }) => !again, { code: "lost", detail: "The connection broke." });
  }

  /** It does not come back. */
  giveUp() {
    this.disconnect();
    this.#fail(() => true, { code: "lost", detail: "The connection broke." });
  }

  /** A frame came. False where it cannot be read: then the line is of no use. */
  receive(text, now) {
    this.#heardAt = now;
    this.#pinged = false;
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      return false;
    }
    if (typeof frame?.op !== "string") return false;
    // Where a client of ours is greeted already, only another line leads in.
    if (this.#state === "greeting" && frame.op === "error" && frame.code === "not-welcome") return false;
    this.#take(frame, text.length);
    return true;
  }

  /** To be called about each second. False where the line is dead. */
  tick(now) {
    if (this.#state === "out") return true;
    if (this.#state === "greeting") return now - this.#since < GREETING_MS;
    const quiet = now - this.#heardAt;
    if (quiet >= QUIET_MS && !this.#pinged) {
      this.#pinged = true;
      this.#send(JSON.stringify({ op: "ping", id: this.#makeId() }));
    }
    return quiet < QUIET_MS + ANSWER_MS;
  }

  /**
   * Say something to the room. Resolves with the `ack`, rejects with ChatError; a line that breaks
   * meanwhile changes nothing, as it is said again under the same id.
   */
  ask(frame, id = this.newId()) {
    return this.#put({ ...frame, id }, true);
  }

  /** Entries: {after} or {since, until}. Resolves with the `page`. */
  fetch(want) {
    return this.#put({ op: "fetch", id: this.#makeId(), ...want }, false);
  }

  /** What needs no answer and is worth nothing later. False where there is no line. */
  tell(frame) {
    if (!this.isIn) return false;
    this.#send(JSON.stringify(frame));
    return true;
  }

  #put(frame, again) {
    if (!this.isIn && !again) return Promise.reject(new ChatError({ code: "lost" }));
    return new Promise((resolve, reject) => {
      this.#waiting.set(frame.id, { frame, again, resolve, reject });
      if (this.isIn) this.#send(JSON.stringify(frame));
    });
  }

  #take(frame, bytes) {
    switch (frame.op) {
      case "welcome":
        this.#state = "in";
        this.#onFrame(frame, bytes);
        this.position = { epoch: frame.epoch, seq: this.#resumedSeq(frame) };
        for (const { frame: waiting } of this.#waiting.values()) this.#send(JSON.stringify(waiting));
        return;
      case "ack":
      case "page":
        this.#settle(frame.id)?.resolve({ ...frame, bytes });
        return;
      case "error": {
        const error = { code: frame.code, detail: frame.detail, retryMs: frame.retry_ms ?? 0 };
        const asked = this.#settle(frame.id);
        if (asked) asked.reject(new ChatError(error));
        else this.#onFrame(frame, bytes);
        return;
      }
      case "batch":
        this.#heard(frame.epoch, frame.last);
        break;
      case "gap":
        if (this.position) this.#heard(this.position.epoch, frame.to);
        break;
      case "retract":
        this.position = { epoch: frame.now_epoch, seq: Math.min(frame.from - 1, this.position?.seq ?? 0) };
        break;
      case "pong":
        return;
    }
    this.#onFrame(frame, bytes);
  }

  /** Until the batches after a welcome came, it is not more than what was there before. */
  #resumedSeq({ recovered, seq }) {
    return recovered && this.position ? Math.min(this.position.seq, seq) : 0;
  }

  #heard(epoch, seq) {
    this.position = { epoch, seq: Math.max(seq, this.position?.seq ?? 0) };
  }

  #settle(id) {
    const asked = this.#waiting.get(id);
    this.#waiting.delete(id);
    return asked;
  }

  #fail(which, error) {
    for (const [id, asked] of this.#waiting) {
      if (!which(asked)) continue;
      this.#waiting.delete(id);
      asked.reject(new ChatError(error));
    }
  }
}
