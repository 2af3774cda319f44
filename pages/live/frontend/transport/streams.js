// An answer of many frames, which is started, paused, stepped and stopped: the server's half is pages/live/handlers/streams.py.

const LOST = "The connection was lost; start again to go on.";
let runs = 0;

export class Stream {
  /** @param {{onFrame: Function, onEnd: Function}} handlers onEnd takes a sentence, or null where all is done */
  constructor(lab, of, { onFrame, onEnd }) {
    Object.assign(this, { lab, of, run: 0, open: false });
    const mine = ({ run }) => this.open && run === this.run;
    lab.bus.on(`frame:${of}`, (frame) => { if (mine(frame)) onFrame(frame); });
    lab.bus.on(`frame:${of}-end`, (frame) => {
      if (!mine(frame)) return;
      this.open = false;
      onEnd(frame.message);
    });
    lab.bus.on("status", (status) => {
      if (status === "live" || !this.open) return;
      this.open = false;
      onEnd(LOST);
    });
  }

  get view() { return { slice: this.lab.view.slice, all: this.lab.view.montage }; }

  /** Begin anew; false where there is no socket to do it over. */
  start(asked) {
    if (this.lab.link.status !== "live") {
      this.lab.notice("This needs the live connection, which is not there now.");
      return false;
    }
    runs += 1;
    this.run = runs;
    this.open = true;
    this.say("start", asked);
    return true;
  }

  /** Tell the server a word: run, pause, step, or seen (a frame has been shown: another may come). */
  say(act, more = {}) {
    this.lab.ask({ type: "stream", of: this.of, act, run: this.run, view: this.view, ...more });
  }

  seen() { if (this.open) this.say("seen"); }

  stop() {
    if (!this.open) return;
    this.open = false;
    this.say("stop");
  }
}
