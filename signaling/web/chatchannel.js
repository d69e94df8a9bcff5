// A room over the data channels of a viewer's WebRTC session: `chat` for what must arrive, in
// order, and `hearts` for what may be lost. A line as in chatsocket.js.

/** What closes with the channel, as a WebSocket without a goodbye would say it. */
const LOST = 1006;

/** Channels have to be there before the session's offer is made. */
export function openChatChannels(pc) {
  return {
    chat: pc.createDataChannel("chat"),
    hearts: pc.createDataChannel("hearts", { ordered: false, maxRetransmits: 0 }),
  };
}

export class ChannelLine {
  name = "webrtc";
  #channels;
  #listeners = new AbortController();

  /** `channels` as openChatChannels made them. */
  constructor(channels, { onOpen, onFrame, onClose }) {
    this.#channels = channels;
    const listen = (channel, name, act) => channel.addEventListener(name, act, { signal: this.#listeners.signal });
    for (const channel of [channels.chat, channels.hearts]) {
      listen(channel, "message", ({ data }) => {
        if (typeof data === "string") onFrame(data);
      });
    }
    listen(channels.chat, "close", () => {
      this.#listeners.abort();
      onClose(LOST);
    });
    if (channels.chat.readyState === "open") queueMicrotask(() => !this.#listeners.signal.aborted && onOpen());
    else listen(channels.chat, "open", onOpen);
  }

  send(text) {
    if (this.#channels.chat.readyState === "open") this.#channels.chat.send(text);
  }

  sendLoose(text) {
    if (this.#channels.hearts.readyState === "open") this.#channels.hearts.send(text);
    else this.send(text);
  }

  /** `again`: the same channels will greet once more; else they are of no use any longer. */
  close({ again = false } = {}) {
    this.#listeners.abort();
    if (again) return;
    this.#channels.chat.close();
    this.#channels.hearts.close();
  }
}
