// The list of messages: follows the newest one until the viewer scrolls up, and keeps its length
// within bounds.

import { echoRow, rowOf } from "./chatrows.js";
import { button, make, put } from "./elements.js";

const MOST_ROWS = 300;
/** Nearer to the end than this is at the end. */
const NEAR_PX = 48;

export class ChatList {
  #room;
  #acts;
  #rows = []; // {entry, row, removal}
  #list = make("ol", { class: "lines" });
  #echoes = make("ol", { class: "lines" });
  #log;
  #pill;
  #echoShape = "[]";
  #missed = 0;
  #following = true;

  /** `acts`: {reply, menu, edit, discard}, each for one entry or echo; empty where one only reads. */
  constructor(room, acts) {
    this.#room = room;
    this.#acts = acts;
    // It is not live by itself: a busy room would drown a screen reader (see announcer.js).
    this.#log = make("div", {
      class: "log", role: "log", "aria-live": "off", "aria-label": "Messages", tabindex: "0",
      on: { scroll: () => this.#onScroll(), keydown: (event) => this.#onKey(event) },
    }, this.#list, this.#echoes);
    this.#pill = button("New messages", () => this.toEnd(), { class: "pill", hidden: true });
    this.element = make("div", { class: "logframe" }, this.#log, this.#pill);
    new ResizeObserver(() => this.#following && this.#stick()).observe(this.#log);
  }

  /** Draw what ChatRoom.advance gave. */
  draw({ cleared, backTo, removed, shown, changed }) {
    if (cleared) this.#drop(() => true);
    if (backTo !== null) this.#drop(({ entry }) => entry.seq > backTo);
    if (removed) this.#redraw();
    this.#list.append(...shown.flatMap((item) => (item.gap ? [holeRow(), this.#made(item)] : [this.#made(item)])));
    this.#trim();
    if (changed) this.#drawEchoes();
    if (shown.length === 0 && !changed) return;
    if (this.#following) this.#stick();
    else this.#miss(shown.length);
  }

  toEnd() {
    this.#following = true;
    this.#miss(-this.#missed);
    this.#stick();
  }

  /** The entry of the line that has the focus, if any. */
  get focused() {
    return this.#rows.find(({ row }) => row === document.activeElement)?.entry ?? null;
  }

  #made({ entry, silent }) {
    const row = rowOf(entry, this.#room, this.#acts);
    if (!silent) row.classList.add("fresh");
    this.#rows.push({ entry, row, removal: this.#room.removalOf(entry) });
    return row;
  }

  #drawEchoes() {
    const shape = JSON.stringify([...this.#room.echoes.values()]);
    if (shape === this.#echoShape) return; // whoever has the focus in one of them keeps it
    this.#echoShape = shape;
    const rows = Array.from(this.#room.echoes.values(), (echo) => echoRow(echo, this.#room, this.#acts));
    this.#echoes.replaceChildren(...rows);
  }

  #redraw() {
    this.#drop(({ entry }) => this.#room.removalOf(entry) === "swept");
    for (const item of this.#rows) {
      const removal = this.#room.removalOf(item.entry);
      if (removal === item.removal) continue;
      const row = rowOf(item.entry, this.#room, this.#acts);
      item.row.replaceWith(row);
      Object.assign(item, { row, removal });
    }
  }

  #drop(which) {
    this.#rows = this.#rows.filter((item) => {
      if (!which(item)) return true;
      item.row.remove();
      return false;
    });
  }

  #trim() {
    // Who reads further up keeps what they read, within twice the bound.
    const most = this.#following ? MOST_ROWS : 2 * MOST_ROWS;
    for (const { row } of this.#rows.splice(0, Math.max(0, this.#rows.length - most))) row.remove();
    while (this.#list.firstChild?.classList.contains("hole") && this.#rows.length > 0) this.#list.firstChild.remove();
  }

  #onScroll() {
    const { scrollHeight, scrollTop, clientHeight } = this.#log;
    this.#following = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    if (this.#following) this.#miss(-this.#missed);
  }

  #stick() {
    this.#log.scrollTop = this.#log.scrollHeight;
  }

  #miss(count) {
    this.#missed += count;
    this.#pill.hidden = this.#missed === 0;
    put(this.#pill, this.#missed === 1 ? "1 new message" : `${this.#missed} new messages`);
  }

  /** Arrows walk the lines, Enter opens what can be done with one, Escape leads back. */
  #onKey(event) {
    const at = this.#rows.findIndex(({ row }) => row === document.activeElement);
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step !== undefined) this.#focus(at < 0 ? this.#rows.length - 1 : at + step, step);
    else if (event.key === "Home") this.#focus(0, 1);
    else if (event.key === "End") this.#focus(this.#rows.length - 1, -1);
    else if (event.key === "Enter" && at >= 0 && this.#acts.menu) this.#acts.menu(this.#rows[at].entry);
    else if (event.key === "Escape" && at >= 0) this.#log.focus();
    else return;
    event.preventDefault();
  }

  #focus(at, step) {
    for (let i = at; i >= 0 && i < this.#rows.length; i += step) {
      if (!this.#rows[i].row.hasAttribute("tabindex")) continue;
      this.#rows[i].row.focus();
      return;
    }
  }
}

function holeRow() {
  return make("li", { class: "line quiet hole" }, "Some messages are missing here.");
}
