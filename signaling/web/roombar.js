// What stands above the messages: the goal, the pinned message, the poll, how the room talks, and
// for moderators what waits for them.

import { partNodes } from "./chatrows.js";
import { heldWords, modeWords } from "./chatwords.js";
import { button, icon, make } from "./elements.js";
import { shareOfGoal, shownAmount } from "./money.js";

export class RoomBar {
  #room;
  #acts;
  #shapes = new Map();
  #voted = new Map(); // poll -> option
  #parts = {
    held: make("details", { class: "held", hidden: true }),
    goal: make("section", { class: "goal", "aria-label": "Goal", hidden: true }),
    modes: make("p", { class: "modes quiet", hidden: true }),
    pin: make("section", { class: "pin", "aria-label": "Pinned message", hidden: true }),
    // Where there is little room, the question alone stands there until somebody opens it.
    poll: make("details", { class: "poll", "aria-label": "Poll", open: matchMedia("(min-width: 960px)").matches, hidden: true }),
  };

  /** `acts`: {vote(poll, option), closePoll(poll), unpin(), settle(held, approve)} */
  constructor(room, acts) {
    this.#room = room;
    this.#acts = acts;
    this.element = make("div", { class: "roombar" }, ...Object.values(this.#parts));
  }

  /** `serverNow` ends polls whose time is over. */
  draw(serverNow) {
    const { goal, modes, pin, poll, isStaff, held } = this.#room;
    const over = poll !== null && (poll.ended === true || serverNow >= poll.until);
    this.#part("goal", goal && goal.target > 0 ? goal : null, (part) => this.#drawGoal(part, goal));
    this.#part("modes", modeWords(modes), (part) => part.append(modeWords(modes)));
    this.#part("pin", pin && [pin, isStaff, this.#room.removalOf(pin)], (part) => this.#drawPin(part, pin));
    this.#part("poll", poll && [poll, over, this.#voted.get(poll.id), isStaff], (part) => this.#drawPoll(part, poll, over));
    const waiting = isStaff ? [...held.values()] : [];
    this.#part("held", waiting.length > 0 ? waiting.map(({ seq }) => seq) : null, (part) => this.#drawHeld(part, waiting));
  }

  /** Redraw a part only where it changed: focus and open sheets stay. */
  #part(name, state, draw) {
    const shape = JSON.stringify(state) ?? "";
    if (this.#shapes.get(name) === shape) return;
    this.#shapes.set(name, shape);
    const part = this.#parts[name];
    part.hidden = !state;
    const focused = part.contains(document.activeElement);
    part.replaceChildren();
    if (state) draw(part);
    if (focused) part.querySelector("button, summary")?.focus();
  }

  #drawGoal(part, { title, currency, target, reached }) {
    const bar = make("div", {
      class: "bar", role: "progressbar", "aria-label": title, "aria-valuemin": "0", "aria-valuemax": "100",
      "aria-valuenow": String(Math.round(100 * shareOfGoal(reached, target))),
    }, make("span"));
    bar.style.setProperty("--share", String(shareOfGoal(reached, target)));
    const amounts = `${shownAmount(reached, currency)} of ${shownAmount(target, currency)}`;
    part.append(make("p", { class: "both" }, make("strong", {}, title), make("span", { class: "quiet" }, amounts)), bar);
  }

  #drawPin(part, pin) {
    part.append(icon("pin"));
    const gone = this.#room.removalOf(pin) !== null;
    const said = gone ? ["Message removed"] : partNodes(pin.parts ?? [{ t: "text", v: pin.text ?? "" }], this.#room);
    part.append(make("p", {}, make("b", {}, `${pin.user?.name ?? ""} `), ...said));
    if (this.#room.isStaff) part.append(button("Take the pin away", () => this.#acts.unpin(), { icon: "close" }));
  }

  #drawPoll(part, poll, over) {
    const total = poll.votes.reduce((sum, count) => sum + count, 0);
    const mine = this.#voted.get(poll.id);
    const options = poll.options.map((text, option) => {
      const share = total > 0 ? (poll.votes[option] ?? 0) / total : 0;
      const choice = make("button", {
        type: "button", "aria-pressed": String(mine === option), disabled: over || this.#room.you.id === null,
        on: { click: () => this.#vote(poll.id, option) },
      }, make("span", {}, text), make("span", { class: "share" }, `${Math.round(100 * share)} %`));
      choice.style.setProperty("--share", String(share));
      return choice;
    });
    const words = `${over ? "Ended. " : ""}${total === 1 ? "1 vote" : `${total} votes`}`;
    const foot = make("p", { class: "both quiet" }, make("span", {}, words));
    if (this.#room.isStaff && !over) foot.append(button("End the poll", () => this.#acts.closePoll(poll.id), { class: "text" }));
    part.append(make("summary", {}, poll.question), make("div", { class: "options" }, ...options), foot);
  }

  #vote(poll, option) {
    this.#voted.set(poll, option);
    this.#acts.vote(poll, option);
  }

  #drawHeld(part, waiting) {
    const count = waiting.length === 1 ? "1 message waits for you" : `${waiting.length} messages wait for you`;
    const items = waiting.map((entry) =>
      make("li", {},
        make("p", {}, make("b", {}, `${entry.user.name} `), entry.text, make("small", { class: "quiet" }, ` (${heldWords(entry.why)})`)),
        make("span", { class: "row" },
          button("Let it through", () => this.#acts.settle(entry.seq, true), { class: "text" }),
          button("Refuse", () => this.#acts.settle(entry.seq, false), { class: "text fault" }),
        ),
      ),
    );
    part.append(make("summary", {}, count), make("ul", { class: "plainlist" }, ...items));
  }
}
