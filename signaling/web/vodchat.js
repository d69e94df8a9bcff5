// The chat of a recorded broadcast beside its picture: what was said then, when it was said. Nobody
// writes here.

import { ChatList } from "./chatlist.js";
import { ChatReplay } from "./chatreplay.js";
import { recalledLook } from "./chatsettings.js";
import { make, put } from "./elements.js";
import { getJson, ProblemError } from "./problem.js";

const TICK_MS = 100;
const PAGE = 200;
const KEPT_SHOWN = 600;
/** Signs of emotes as servers have them from the beginning; an answer may bring others. */
const EMOTES = Object.freeze({ heart: "❤️", fire: "🔥", clap: "👏", laugh: "😂", wow: "😮", sad: "😢" });

/** What rows and list ask of a room, of one where all is over. */
const PAST_ROOM = {
  emotes: { ...EMOTES },
  you: { id: null, name: null, roles: [] },
  echoes: new Map(),
  isStaff: false,
  removalOf: () => null,
  deletedBy: () => "",
};

export class VodChat {
  #address;
  #position;
  #rate;
  #replay;
  #list = new ChatList(PAST_ROOM, {});
  #status = make("p", { class: "linestate", role: "status" });
  #fault = "";

  /** What came into view: {seq, kind, text, t, positionMs}; about the last 600. For tests. */
  shown = [];

  /**
   * @param {HTMLElement} root the element to fill
   * @param {object} page
   * @param {VodAddress} page.address
   * @param {() => number} page.position VOD time in ms
   * @param {() => number} page.rate how fast it plays
   * @param {number} page.durationMs
   */
  constructor(root, { address, position, rate, durationMs }) {
    this.#address = address;
    this.#position = position;
    this.#rate = rate;
    this.#replay = new ChatReplay(durationMs);
    root.dataset.size = recalledLook(localStorage).size;
    root.replaceChildren(
      make("header", { class: "chathead" }, make("h2", {}, "Chat replay")),
      this.#list.element,
      this.#status,
    );
  }

  /** Whether anybody said anything at all. */
  static async isThere(address, durationMs) {
    try {
      const [path, init] = address.api(`/chat?from=0&to=${Math.ceil(durationMs) + 1}&limit=20`);
      const { items, next } = await getJson(path, init);
      return items.length > 0 || next !== null;
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      return error.passing; // it may be there when it is asked for again
    }
  }

  start() {
    setInterval(() => this.#advance(), TICK_MS);
  }

  get figures() {
    return { waiting: this.#replay.waiting, ready: this.#replay.isReady };
  }

  #advance() {
    const now = performance.now();
    const position = this.#position();
    const { cleared, shown } = this.#replay.advance(position, now, this.#rate());
    if (cleared) this.shown = [];
    this.#list.draw({ cleared, backTo: null, removed: false, shown, changed: false });
    if (cleared) this.#list.toEnd();
    for (const { entry } of shown) this.#note(entry, position);
    const empty = this.shown.length === 0 ? "Messages come as they were written." : "";
    put(this.#status, this.#fault || empty);
    this.#fetch(position, now);
  }

  #note({ seq, kind, text = "", t }, positionMs) {
    this.shown.push({ seq, kind, text, t, positionMs });
    if (this.shown.length > KEPT_SHOWN) this.shown.shift();
  }

  async #fetch(position, now) {
    const want = this.#replay.wanted(position, now);
    if (want === null) return;
    const { from, to, after } = want;
    const query = new URLSearchParams({ from, to, limit: PAGE, ...(after === null ? {} : { after }) });
    const [path, init] = this.#address.api(`/chat?${query}`);
    try {
      const page = await getJson(path, init);
      Object.assign(PAST_ROOM.emotes, page.emotes ?? {});
      this.#replay.page(want, page);
      this.#fault = "";
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      this.#replay.pageFailed(want, performance.now());
      this.#fault = "The chat cannot be loaded right now.";
    }
  }
}
