// A room over a WebSocket. What a room's client needs of a line: `send`, `close`, and to hear
// `onOpen()`, `onFrame(text)` and `onClose(code)`, the last one once.

export class SocketLine {
  name = "websocket";
  #socket;

  constructor(url, { onOpen, onFrame, onClose }) {
    this.#socket = new WebSocket(url);
    this.#socket.addEventListener("open", onOpen);
    this.#socket.addEventListener("message", ({ data }) => {
      if (typeof data === "string") onFrame(data);
    });
    this.#socket.addEventListener("close", ({ code }) => onClose(code));
  }

  send(text) {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(text);
  }

  /** Hearts go the same way as everything else. */
  sendLoose(text) {
    this.send(text);
  }

  close() {
    this.#socket.close();
  }
}
