// Playback: frames pass at a chosen rate, independent of the screen's refresh rate, in a loop.

export class Playback {
  /** Frames per second. */
  rate = 10;
  nFrames = 1;
  frame = 0;
  playing = false;
  /** Time of the last frame shown, in ms; null when timing starts anew. @type {number | null} */
  #since = null;
  #request = 0;

  /** @param {(frame: number) => void} show */
  constructor(show) { this.show = show; }

  /** Show a frame; beyond the ends it wraps around. @param {number} frame */
  goTo(frame) {
    this.frame = ((Math.round(frame) % this.nFrames) + this.nFrames) % this.nFrames;
    this.#since = null;
    this.show(this.frame);
  }

  /** @param {number} rate */
  setRate(rate) {
    this.rate = rate;
    this.#since = null;
  }

  /** @param {boolean} playing */
  play(playing) {
    if (playing === this.playing) return;
    this.playing = playing;
    this.#since = null;
    if (playing) this.#next();
    else cancelAnimationFrame(this.#request);
  }

  #next() { this.#request = requestAnimationFrame((now) => this.#tick(now)); }

  /** @param {number} now */
  #tick(now) {
    if (!this.playing) return;
    this.#since ??= now;
    const due = Math.floor(((now - this.#since) * this.rate) / 1000);
    if (due > 0) {
      this.#since += (due * 1000) / this.rate;
      // When a hidden tab becomes visible, playback continues from its last frame.
      this.frame = (this.frame + (due > this.nFrames ? 1 : due)) % this.nFrames;
      this.show(this.frame);
    }
    this.#next();
  }
}
