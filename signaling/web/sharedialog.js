// The dialog with a recording's link, from the beginning or from where one is.

import { make, put } from "./elements.js";
import { LinkField } from "./linkfield.js";
import { vodLink } from "./pagelinks.js";
import { timeText } from "./vodwords.js";

export class ShareDialog {
  #vod;
  #field = new LinkField("Link to this recording");
  #words = make("span", {});
  #fromHere = make("input", { type: "checkbox", on: { change: () => this.#show() } });
  #positionMs = 0;
  #dialog = make("dialog", { class: "sheet", "aria-labelledby": "sharetitle", on: { click: (event) => this.#onClick(event) } },
    make("h2", { id: "sharetitle" }, "Share"),
    this.#field.element,
    make("label", { class: "check" }, this.#fromHere, this.#words),
    make("form", { method: "dialog" }, make("button", { class: "button", type: "submit" }, "Close")),
  );

  constructor(vod) {
    this.#vod = vod;
    document.body.append(this.#dialog);
  }

  open(positionMs) {
    this.#positionMs = positionMs;
    this.#fromHere.checked = positionMs >= 1000;
    put(this.#words, `Start at ${timeText(positionMs)}`);
    this.#show();
    this.#dialog.showModal();
    this.#field.focus();
  }

  #show() {
    const atMs = this.#fromHere.checked ? this.#positionMs : null;
    this.#field.address = new URL(vodLink(this.#vod, { atMs }), location.origin).href;
  }

  #onClick(event) {
    if (event.target === this.#dialog) this.#dialog.close(); // beside it
  }
}
