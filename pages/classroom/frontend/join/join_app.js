// The participants' page: joins a class, shows its tasks, sends answers.
/** @import { Message } from "../common/room_socket.js" */
/** @import { AnsweredMessage, StateMessage, TaskState, TaskView } from "./messages.js" */
/** @import { Participant } from "./participant_store.js" */
/** @import { Connection } from "./top_bar.js" */
import { element } from "../../../live/frontend/common/dom.js";
import { RoomSocket } from "../common/room_socket.js";
import { AnswerOutbox } from "./answer_outbox.js";
import { ArteryTask } from "./artery_task.js";
import { CurveTask } from "./curve_task.js";
import { JoinForm } from "./join_form.js";
import { addressOf, readLink } from "./join_link.js";
import { noticeScreen } from "./notice_screen.js";
import { PaintTask } from "./paint_task.js";
import { ParticipantStore } from "./participant_store.js";
import { QuestionsTask } from "./questions_task.js";
import { TopBar } from "./top_bar.js";

const TASKS = { artery: ArteryTask, curve: CurveTask, predict: QuestionsTask, quiz: QuestionsTask, paint: PaintTask };
const COMING = "Tasks appear here by themselves: find an artery, draw a curve, answer questions. Keep this page open.";

export class JoinApp {
  #store = new ParticipantStore();
  /** @type {RoomSocket | null} */
  #socket = null;
  /** @type {Participant | null} */
  #person = null;
  /** @type {JoinForm | null} */
  #form = null;
  /** The task in view. @type {{round: number, view: TaskView} | null} */
  #task = null;
  #outbox = new AnswerOutbox((message) => this.#socket?.send(message) ?? false);
  /** @type {Connection} */
  #connection = "closed";
  /** Key of the link that this page was opened by; only in memory. */
  #key = "";

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.bar = new TopBar({ onLeave: () => this.#socket?.send({ type: "leave" }) ?? false });
    this.main = element("main", {});
    root.append(this.bar.element, this.main, this.bar.dialog);
    const { code, key, address } = readLink(location.href);
    history.replaceState(null, "", address);
    this.#key = key;
    const known = code ? this.#store.find(code) : null;
    if (known) this.#rejoin(known);
    else this.#showForm({ code });
  }

  // Screens

  /** @param {string} name @param {{element: HTMLElement, title: HTMLElement}} screen */
  #show(name, screen) {
    const isFirst = !this.root.dataset.screen;
    this.root.dataset.screen = name;
    this.main.replaceChildren(screen.element);
    scrollTo(0, 0);
    if (!isFirst) screen.title.focus({ preventScroll: true });
  }

  /** @param {{code?: string, notice?: string}} start */
  #showForm({ code = "", notice = "" }) {
    const name = this.#person?.name ?? this.#store.lastName;
    this.#person = null;
    this.bar.show(null);
    this.#closeTask();
    this.#form = new JoinForm({ code, name, notice }, (typed, chosen) => this.#join(typed, chosen));
    this.#show("form", this.#form);
  }

  /** @param {string} name @param {string} title @param {string[]} lines */
  #showEnd(name, title, lines) {
    if (this.#person) this.#store.forget(this.#person.code);
    this.#socket?.close();
    this.bar.show(null);
    this.#closeTask();
    history.replaceState(null, "", addressOf(location.href, ""));
    this.#show(name, noticeScreen({ title, lines, again: () => this.#showForm({}) }));
  }

  #closeTask() {
    this.#task?.view.close();
    this.#task = null;
  }

  // Connection

  /** @param {string} code @param {string} name */
  #join(code, name) {
    if (this.#form) this.#form.busy = true;
    const key = readLink(location.href).code === code ? this.#key : "";
    this.#connect(code, () => (this.#person
      ? { type: "rejoin", code, token: this.#person.token } : { type: "join", code, key, name }));
  }

  /** @param {Participant} known */
  #rejoin(known) {
    this.#person = known;
    this.bar.show(known);
    this.#show("connecting", noticeScreen({ title: "Returning to the class …", lines: [] }));
    this.#connect(known.code, () => ({ type: "rejoin", code: known.code, token: known.token }));
  }

  /** @param {string} code @param {() => Message} firstMessage */
  #connect(code, firstMessage) {
    this.#socket?.close();
    this.#socket = new RoomSocket(code, {
      firstMessage, onMessage: (message) => this.#receive(message), onStatus: (status) => this.#showStatus(status),
    });
  }

  /** @param {Connection} connection */
  #showStatus(connection = this.#connection) {
    this.#connection = connection;
    if (connection !== "live" && this.#outbox.status === "sending") this.#outbox.status = "waiting";
    this.root.dataset.connection = connection;
    this.root.dataset.sent = this.#outbox.status;
    this.bar.showStatus(connection, this.#outbox.status);
  }

  // Messages

  /** @param {Message} message */
  #receive(message) {
    switch (message.type) {
      case "joined": this.#joined(/** @type {any} */ (message)); break;
      case "state": this.#showState(/** @type {StateMessage} */ (message)); break;
      case "answered": this.#answered(/** @type {AnsweredMessage} */ (message)); break;
      case "error": this.#failed(message.message, message.seq); break;
      case "refused": this.#refused(message.message); break;
      case "replaced": this.#replaced(message.message); break;
      case "ended": this.#showEnd("ended", "The class has ended", ["Thank you for taking part. Its answers are no longer on the server."]); break;
      case "left": this.#showEnd("left", "You have left the class", ["Your answers have been removed. Goodbye."]); break;
      default:
    }
  }

  /** @param {Participant} person */
  #joined({ code, token, name }) {
    this.#person = { code, token, name };
    this.#form = null;
    this.#store.keep(this.#person);
    this.bar.show(this.#person);
    history.replaceState(null, "", addressOf(location.href, code));
  }

  /** The server has no such class or participant. @param {string} message */
  #refused(message) {
    this.#socket?.close();
    if (this.#form && !this.#person) { this.#form.showError(message); return; }
    const code = this.#key ? this.#person?.code : ""; // an old code of a class that has ended is not worth trying
    if (this.#person) this.#store.forget(this.#person.code);
    if (!code) history.replaceState(null, "", addressOf(location.href, ""));
    this.#showForm({ code, notice: message });
  }

  /** Too many windows use this participant's token; it stays valid. @param {string} message */
  #replaced(message) {
    this.#socket?.close();
    this.#closeTask();
    this.#show("replaced", noticeScreen({ title: "Open in another window", lines: [message, "Reload this page to go on here."] }));
  }

  /** @param {StateMessage} state */
  #showState(state) {
    const { task } = state;
    if (state.answer) this.#outbox.known(state.answer.seq);
    if (!task) {
      this.#closeTask();
      if (this.root.dataset.screen !== "waiting") this.#show("waiting", noticeScreen({ title: "Waiting for the lecturer", lines: [`You are ${state.name}.`, COMING] }));
    } else {
      const shown = /** @type {TaskState} */ (state);
      if (this.#task?.round !== task.round || this.root.dataset.screen !== "task") this.#openTask(shown);
      this.#task?.view.update(shown);
    }
    this.#outbox.resume(task);
    this.#showStatus();
  }

  /** @param {TaskState} state */
  #openTask(state) {
    const { token, code } = /** @type {Participant} */ (this.#person);
    const { round, kind } = state.task;
    this.#closeTask();
    const send = (/** @type {import("./messages.js").AnswerValue} */ value) => {
      const seq = this.#outbox.put(round, value);
      this.#showStatus();
      return seq;
    };
    const view = new TASKS[kind](state, { credentials: { token, code }, send });
    this.#task = { round, view };
    this.#show("task", { element: view.element, title: view.frame.title });
  }

  /** @param {AnsweredMessage} message */
  #answered(message) {
    this.#outbox.answered(message);
    if (message.round === this.#task?.round) this.#task.view.answered(message);
    this.#showStatus();
  }

  /** @param {string} message @param {number} seq */
  #failed(message, seq) {
    if (this.#outbox.failed(seq)) this.#task?.view.showError(message);
    this.#showStatus();
  }
}
