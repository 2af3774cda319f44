// @ts-nocheck
// Plays: frames go by at a chosen rate however fast the screen is, round and round.

export class Clock {
  /** @param {(frame: number) => void} show */
  constructor(show) { Object.assign(this, { show, rate: 10, count: 1, frame: 0, playing: false }); }

  go(frame) {
    this.frame = ((Math.round(frame) % this.count) + this.count) % this.count;
    this.since = null;
    this.show(this.frame);
  }

  play(playing) {
    if (playing === this.playing) return;
    this.playing = playing;
    this.since = null;
    if (playing) this.request = requestAnimationFrame((now) => this.tick(now));
    else cancelAnimationFrame(this.request);
  }

  tick(now) {
    if (!this.playing) return;
    this.since ??= now;
    const due = Math.floor(((now - this.since) * this.rate) / 1000);
    if (due > 0) {
      this.since += (due * 1000) / this.rate;
      // After a pause of the tab it goes on where it was.
      this.frame = (this.frame + (due > this.count ? 1 : due)) % this.count;
      this.show(this.frame);
    }
    this.request = requestAnimationFrame((next) => this.tick(next));
  }
}
