// One sentence for a person: it goes with the next edit or after a while, a passing one with the next good map.

const SHOWN_MS = 9000;

export class Notice {
  constructor(node) {
    Object.assign(this, { node, passing: false });
    node.addEventListener("click", () => this.say(""));
  }

  say(text, passing = false) {
    const { node } = this;
    this.passing = passing;
    if (!text && node.hidden) return;
    node.textContent = text;
    node.hidden = !text;
    clearTimeout(this.timer);
    if (text) this.timer = setTimeout(() => this.say(""), SHOWN_MS);
  }
}
