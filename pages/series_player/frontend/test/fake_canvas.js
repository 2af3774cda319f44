// Canvas at a place on the page, and the events that a browser would send it.

export class FakeCanvas extends EventTarget {
  /** @param {{left: number, top: number, width: number, height: number}} bounds on the page, in CSS pixels */
  constructor(bounds) {
    super();
    this.bounds = bounds;
  }

  getBoundingClientRect() { return this.bounds; }

  setPointerCapture() {}

  /**
   * Dispatch an event; returns whether its default was prevented.
   * @param {string} type
   * @param {object} fields of the event
   */
  send(type, fields = {}) {
    const event = Object.assign(new Event(type, { cancelable: true }), fields);
    this.dispatchEvent(event);
    return event.defaultPrevented;
  }
}
