// Page /projector: follows a room and shows its state on the screen.
/** @import { Credentials } from "./credentials.js" */
/** @import { HostMessage } from "./messages.js" */
import { element, inTextField } from "../../../live/frontend/common/dom.js";
import { RoomSocket } from "../common/room_socket.js";
import { TaskCase } from "../common/task_case.js";
import { AifView } from "./aif_view.js";
import { readCredentials } from "./credentials.js";
import { ItemsView } from "./items_view.js";
import { Lobby } from "./lobby.js";
import { PaintView } from "./paint_view.js";
import { RoomModel } from "./room_model.js";
import { installTheme } from "./theme.js";
import { Waiting } from "./waiting.js";

const PAUSE = 3; // between two drawings, in durations of one
const MAX_PAUSE_MS = 400;

/** @typedef {AifView | ItemsView | PaintView} AnswersView */

class Notice {
  /** @param {HTMLElement} host @param {string} text */
  constructor(host, text) { host.append(element("p", { className: "notice", textContent: text })); }

  update() {}
}

class Projector {
  model = new RoomModel();
  /** @type {Lobby | Waiting | AnswersView | Notice | null} */
  #view = null;
  #viewKey = "";
  /** @type {{key: string, task: TaskCase | null} | null} */
  #case = null;
  /** @type {RoomSocket | null} */
  #socket = null;
  #watched = "";
  /** Public address of the room when its link was asked for. @type {string | null} */
  #linked = null;
  #pending = false;
  #pauseMs = 0;
  #drawnAt = 0;
  #mapsPending = false;

  /** @param {HTMLElement} root @param {Credentials | null} credentials */
  constructor(root, credentials) {
    this.root = root;
    this.credentials = credentials;
    this.title = element("h1");
    this.count = element("span", { className: "header-count" });
    this.badges = element("span", { className: "badges", role: "status" });
    this.code = element("span", { className: "code" });
    const theme = element("button", { className: "theme" });
    this.stage = element("main");
    root.append(element("header", {}, this.title, this.count, this.badges, this.code, theme), this.stage);
    installTheme(theme, () => this.schedule());
    new ResizeObserver(() => this.schedule()).observe(this.stage);
    document.addEventListener("keydown", (event) => this.#key(event));
    addEventListener("hashchange", () => location.reload());
    if (credentials) this.#connect(credentials);
    else this.model.ended = "Open the projector from the page Class.";
    this.schedule();
  }

  /** @param {Credentials} credentials */
  #connect({ token, code }) {
    this.#socket = new RoomSocket(code, {
      firstMessage: () => ({ type: "host", token }),
      onMessage: (message) => this.#receive(/** @type {HostMessage} */ (message)),
      onStatus: (status) => {
        if (this.root.dataset.status === status) return;
        this.root.dataset.status = status;
        this.schedule();
      },
    });
  }

  /** @param {HostMessage} message */
  #receive(message) {
    this.model.receive(message);
    if (message.type === "setup") { // a new connection
      this.#watched = "";
      this.#linked = null;
    }
    const address = this.model.room?.publicAddress ?? null;
    if (address !== this.#linked && this.#socket?.send({ type: "link", address: new URL(".", document.baseURI).href })) this.#linked = address;
    const compared = String(this.model.compared?.round ?? "");
    if (compared !== this.#watched && this.#socket?.send({ type: "watch", rounds: compared ? [Number(compared)] : [] })) this.#watched = compared;
    if (this.model.ended !== null) this.#socket?.close();
    if (message.type === "room") this.#openCase();
    this.schedule();
  }

  /** Load the case of the task while people answer. */
  #openCase() {
    const info = this.model.task?.case, credentials = this.credentials;
    if (!info || !credentials || this.#case?.key === info.key) return;
    this.#case?.task?.close();
    /** @type {{key: string, task: TaskCase | null}} */
    const opening = { key: info.key, task: null };
    this.#case = opening;
    TaskCase.open(info, credentials, {
      onMaps: () => this.#mapsCame(), onNumbers: () => {}, onStatus: () => this.#mapsCame(),
    }).then((task) => {
      if (this.#case !== opening) { task.close(); return; }
      opening.task = task;
      this.schedule();
    }, () => { if (this.#case === opening) this.#case = null; });
  }

  #mapsCame() {
    if (this.#mapsPending) return;
    this.#mapsPending = true;
    requestAnimationFrame(() => {
      this.#mapsPending = false;
      const view = this.#view;
      if (view instanceof AifView || view instanceof PaintView) view.mapsCame();
    });
  }

  /** Draw once for all messages until then; of a large class the screen is free for most of the time. */
  schedule() {
    if (this.#pending) return;
    this.#pending = true;
    const frame = () => requestAnimationFrame((start) => {
      this.#pending = false;
      this.#draw();
      this.#pauseMs = Math.min(PAUSE * (performance.now() - start), MAX_PAUSE_MS);
      this.#drawnAt = performance.now();
    });
    const wait = this.#drawnAt + this.#pauseMs - performance.now();
    if (wait > 0) setTimeout(frame, wait);
    else frame();
  }

  #draw() {
    const { model, root } = this;
    const { room, task, stage, compared } = model;
    const n = task ? model.answers(task.round).length : 0;
    Object.assign(root.dataset, { stage, round: task?.round ?? "", answers: n, compare: compared?.round ?? "" });
    const shows = stage === "open" || stage === "revealed";
    this.title.textContent = stage === "lobby" ? "Join the class" : shows && task ? task.title : "AIF Lab · class";
    this.count.textContent = stage === "revealed" ? `${n} of ${Math.max(room?.people.length ?? 0, n)} answered` : "";
    this.code.textContent = shows && room ? room.code : "";
    const lost = root.dataset.status === "reconnecting";
    this.badges.replaceChildren(
      ...(room?.frozen && shows ? [element("span", { className: "badge", textContent: "Frozen" })] : []),
      ...(lost && stage !== "ended" ? [element("span", { className: "badge lost", textContent: "Reconnecting" })] : []),
    );
    const key = `${stage} ${shows ? task?.round : ""}`;
    if (key !== this.#viewKey) {
      this.#viewKey = key;
      this.stage.replaceChildren();
      this.#view = this.#newView();
    }
    this.#view?.update(model, this.#case?.task ?? null);
  }

  #newView() {
    const { stage, task } = this.model;
    if (stage === "connecting") return new Notice(this.stage, "Connecting");
    if (stage === "ended") return new Notice(this.stage, this.model.ended ?? "");
    if (stage === "lobby") return new Lobby(this.stage);
    if (stage === "open") return new Waiting(this.stage);
    if (task?.kind === "paint") return new PaintView(this.stage);
    return task?.items.length ? new ItemsView(this.stage) : new AifView(this.stage, task?.kind === "artery");
  }

  /** ← → step through people, ↑ ↓ through slices or questions, Esc shows all. @param {KeyboardEvent} event */
  #key(event) {
    const view = this.#view;
    if (!(view instanceof AifView || view instanceof PaintView || view instanceof ItemsView)) return;
    if (inTextField(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowRight" || event.key === "ArrowLeft") view.picker.step(event.key === "ArrowRight" ? 1 : -1);
    else if (event.key === "ArrowUp" || event.key === "ArrowDown") view.stepSlice(event.key === "ArrowUp" ? 1 : -1);
    else if (event.key === "Escape") view.picker.pick(null);
    else return;
    event.preventDefault();
  }
}

new Projector(/** @type {HTMLElement} */ (document.getElementById("root")), readCredentials());
