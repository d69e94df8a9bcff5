// The chat as people see it: puts the connection, the room and what is drawn of it together. The
// watch page and the studio differ in who asks and where the picture is; that is given.

import { Announcer } from "./announcer.js";
import { ChatConnection, NAME_TAKEN } from "./chatconnection.js";
import { ChatIdentity } from "./chatidentity.js";
import { ChatList } from "./chatlist.js";
import { mentions } from "./chatparts.js";
import { ChatRoom } from "./chatroom.js";
import { ChatSettings } from "./chatsettings.js";
import { alertWords, peopleWords, refusalWords, statusWords } from "./chatwords.js";
import { Composer } from "./composer.js";
import { button, make, put } from "./elements.js";
import { MessageMenu } from "./messagemenu.js";
import { HeartSum } from "./reactions.js";
import { RoomBar } from "./roombar.js";

const TICK_MS = 50;
const HEARTS_MS = 200;
const KEPT_SHOWN = 600;
/** A page that could not be had is asked for again after this, where the server says nothing. */
const REFETCH_MS = 500;
const MOST_SPEAKERS = 100;
const HEART = "heart";
/** Answers that mean: nobody takes a name here by themselves. */
const NO_GUESTS = [401, 403, 404, 405];

/**
 * Fires `alert` (an entry in `detail`) when a donation or subscription comes into view, and
 * `status` when the connection's status changed.
 */
export class ChatPanel extends EventTarget {
  #root;
  #clock;
  #position;
  #hearts;
  #identity;
  #connection;
  #list;
  #bar;
  #composer;
  #menu;
  #settings;
  #announcer = new Announcer();
  #clicks = new HeartSum();
  #people = make("span", { class: "quiet" });
  #status = make("p", { class: "linestate", role: "status" });
  #said = make("p", { class: "unseen", "aria-live": "polite" });
  #back = button("Come back", () => this.#connection.start(), { class: "button", hidden: true });
  #timers = [];
  #speakers = new Set(); // the latest last
  #canJoin = true;
  #supported = false;

  room = new ChatRoom();
  /** What was shown last: {seq, kind, text, t, shownMs, positionMs}, server's clock. For tests. */
  shown = [];

  /**
   * @param {HTMLElement} root the element to fill
   * @param {object} options
   * @param {string} options.channel
   * @param {() => string|null} options.pass a viewer token or the stream key
   * @param {object} options.clock {at()} the server's clock
   * @param {() => number|null} options.position the moment on the viewer's screen, Unix ms
   * @param {object|null} options.hearts a HeartLayer
   * @param {(() => void)|null} options.support opens the donate dialog
   * @param {Storage} options.storage where a name that was taken is kept
   */
  constructor(root, { channel, pass, clock, position, hearts = null, support = null, storage = localStorage }) {
    super();
    this.#root = root;
    this.#clock = clock;
    this.#position = position;
    this.#hearts = hearts;
    this.#identity = new ChatIdentity(channel, pass, storage);
    this.#connection = new ChatConnection({
      identity: this.#identity,
      onFrame: (frame, bytes) => this.#onFrame(frame, bytes),
      position,
    });
    this.#connection.addEventListener("status", () => this.#onStatus());
    const answer = (entry) => this.#composer.answer(entry);
    this.#menu = new MessageMenu(this.room, {
      act: (frame) => this.#act(frame),
      reply: answer,
      mention: (entry) => this.#composer.insert(`@${entry.user.name} `),
    });
    this.#list = new ChatList(this.room, {
      reply: answer,
      menu: (entry) => this.#menu.open(entry, this.#clock.at()),
      edit: (echo) => {
        this.room.forget(echo.id);
        this.#composer.write(echo.text);
      },
      discard: (echo) => this.room.forget(echo.id),
    });
    this.#bar = new RoomBar(this.room, {
      vote: (poll, option) => this.#act({ op: "vote", poll, option }),
      closePoll: (poll) => this.#act({ op: "poll_close", poll }),
      unpin: () => this.#act({ op: "pin", seq: 0 }),
      settle: (held, approve) => this.#act({ op: "settle", held, approve }),
    });
    this.#composer = new Composer({
      say: (text, reply) => this.#say(text, reply),
      heart: () => this.#heart(),
      support: () => support?.(),
      names: () => [...this.#speakers].reverse(),
      join: (name) => this.#join(name),
    });
    this.#settings = new ChatSettings(this.room, {
      act: (frame) => this.#act(frame),
      changed: (look) => this.#applyLook(look),
      hasName: () => this.#identity.token !== null,
      leave: () => {
        this.#identity.use(null);
        this.#connection.renew();
      },
    });
    this.#applyLook(this.#settings.look);
    root.replaceChildren(
      make("header", { class: "chathead" }, make("h2", {}, "Chat"), this.#people, make("span", { class: "grow" }),
        button("Chat settings", () => this.#settings.open(), { icon: "quality", class: "tool" })),
      this.#bar.element, this.#list.element, this.#said, this.#status, this.#back, this.#composer.element,
      this.#menu.element, this.#settings.element,
    );
  }

  /** To write, or to read where one may not write. */
  focus() {
    this.#composer.focus();
  }

  get connection() {
    return this.#connection;
  }

  get identity() {
    return this.#identity;
  }

  open() {
    this.#root.hidden = false;
    this.#connection.start();
    this.#timers = [setInterval(() => this.#advance(), TICK_MS), setInterval(() => this.#sendHearts(), HEARTS_MS)];
    this.#onStatus();
  }

  close() {
    for (const timer of this.#timers) clearInterval(timer);
    this.#connection.stop();
  }

  /** Whether there is somebody to give money to. */
  set supported(supported) {
    this.#supported = supported;
    this.#showComposer();
  }

  #onFrame(frame, bytes) {
    if (frame.op === "welcome") this.#canJoin = frame.you.id === null;
    if (frame.op === "error") this.#composer.tell(refusalWords({ code: frame.code, detail: frame.detail, retryMs: frame.retry_ms }));
    this.room.take(frame, bytes, this.#position());
    this.#advance();
  }

  #onStatus() {
    const { status, problem } = this.#connection;
    this.#root.hidden = status === "absent" || status === "off";
    this.#root.dataset.status = status;
    if (status === "away" && problem?.bye === NAME_TAKEN) return this.#loseName(problem.title);
    put(this.#status, statusWords(status, problem));
    this.#back.hidden = status !== "away";
    this.#showComposer();
    this.dispatchEvent(new Event("status"));
  }

  #advance() {
    const position = this.#position();
    const result = this.room.advance(performance.now(), position);
    this.#list.draw(result);
    const serverNow = this.#clock.at();
    for (const item of result.shown) this.#note(item, serverNow, position);
    this.#hearts?.rise(result.hearts, this.room.emotes);
    this.#bar.draw(serverNow);
    if (result.changed) this.#showState();
    const words = this.#announcer.take(performance.now());
    if (words !== null) put(this.#said, words);
    this.#fill(position);
  }

  #note({ entry, silent }, serverNow, position) {
    const { seq, kind, text = "", t } = entry;
    this.shown.push({ seq, kind, text, t, shownMs: serverNow, positionMs: position });
    if (this.shown.length > KEPT_SHOWN) this.shown.shift();
    if (kind === "message") this.#noteSpeaker(entry.user.name);
    if (silent) return;
    if (kind === "alert") {
      this.#announcer.noteUrgent(alertWords(entry));
      this.dispatchEvent(new CustomEvent("alert", { detail: entry }));
    } else if (kind === "message" && mentions(entry, this.room.you.id)) {
      this.#announcer.noteUrgent(`${entry.user.name} to you: ${entry.text}`);
    } else if (kind === "message" && entry.user.id !== this.room.you.id) this.#announcer.note(entry.user.name, entry.text);
  }

  #noteSpeaker(name) {
    this.#speakers.delete(name);
    this.#speakers.add(name);
    if (this.#speakers.size > MOST_SPEAKERS) this.#speakers.delete(this.#speakers.values().next().value);
  }

  /** What the queue lacks is asked for, one page at a time. */
  #fill(position) {
    const { client } = this.#connection;
    const want = client.isIn ? this.room.wanted(position) : null;
    if (want === null) return;
    const round = Object.fromEntries(Object.entries(want).map(([name, value]) => [name, Math.max(0, Math.round(value))]));
    client.fetch(round).then(
      (page) => this.room.page(want, page),
      (error) => setTimeout(() => this.room.pageFailed(want), error.retryMs || REFETCH_MS),
    );
  }

  #showState() {
    const { people, sampled } = this.room;
    const words = people === null ? "" : peopleWords(people);
    put(this.#people, sampled ? `${words}, a choice of messages` : words);
    this.#showComposer();
  }

  #showComposer() {
    const { you, emotes } = this.room;
    const isIn = this.#connection.status === "in";
    const canJoin = this.#canJoin && this.room.isKnown && this.room.limits.guests !== 0;
    this.#composer.show({ you, emotes, isIn, canJoin, supported: this.#supported });
  }

  #applyLook({ size, times, hearts }) {
    this.#root.dataset.size = size;
    this.#root.classList.toggle("times", times);
    if (this.#hearts) this.#hearts.shown = hearts;
  }

  // --- what the viewer does

  async #say(text, reply) {
    const { client } = this.#connection;
    const id = client.newId();
    const seen = this.#position();
    this.room.echo(id, text, reply && { name: reply.user.name, text: reply.text });
    this.#list.toEnd();
    const frame = { op: "say", text };
    if (seen !== null) frame.seen = Math.max(0, Math.round(seen));
    if (reply) frame.reply = reply.seq;
    try {
      this.room.acked(id, await client.ask(frame, id));
    } catch (error) {
      this.room.refused(id, { code: error.code, detail: error.detail, retryMs: error.retryMs });
    }
  }

  async #act(frame) {
    this.#composer.tell("");
    try {
      await this.#connection.client.ask(frame);
    } catch (error) {
      this.#composer.tell(refusalWords(error));
    }
  }

  async #join(name) {
    try {
      await this.#identity.becomeGuest(name);
    } catch (error) {
      if (NO_GUESTS.includes(error.status)) {
        this.#canJoin = false;
        this.#showComposer();
        throw new Error("Only people who are signed in can write here.");
      }
      throw new Error(error.detail || error.title);
    }
    this.#connection.renew();
  }

  /** Somebody else has the name: as a reader one may choose another. */
  #loseName(words) {
    this.#identity.use(null);
    this.#connection.start();
    this.#composer.tell(words);
  }

  #heart() {
    this.#clicks.add(HEART);
    this.#hearts?.rise([{ emote: HEART, n: 1 }], this.room.emotes);
    this.room.react(HEART, 1);
  }

  #sendHearts() {
    const position = this.#position();
    const at = position === null ? {} : { at: Math.max(0, Math.round(position)) };
    for (const { emote, n } of this.#clicks.take()) this.#connection.tellLoosely({ op: "react", emote, n, ...at });
  }
}
