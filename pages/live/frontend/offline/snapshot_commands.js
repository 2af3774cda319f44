// Commands of the snapshot table, as pages/session/snapshot_sync.py carries them out.
/** @import { QueuedCommand } from "../types.js" */
/** @import { PageSession } from "./session.js" */
import { unpackCurve } from "./snapshot_shelf.js";

const MS = 1000;

/**
 * Carry out commands, each once; a notice names what fails.
 * @param {PageSession} session
 * @param {QueuedCommand[]} commands
 */
export async function carryOut(session, commands) {
  for (const command of commands) {
    if (command.id <= session.shelf.done) continue;
    try {
      await carryOutOne(session, command);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      session.notify(error.message);
    }
    session.shelf.done = command.id;
  }
}

/** @param {PageSession} session @param {QueuedCommand} command */
async function carryOutOne(session, command) {
  const { shelf } = session;
  switch (command.act) {
    case "keep": {
      const curve = unpackCurve(command.curve), { numbers } = await session.volumes.of(curve);
      shelf.add({ name: command.name, start: session.startId, curve, numbers, made: Date.now() / MS });
      break;
    }
    case "rename": shelf.rename(command.number, command.name); break;
    case "delete": shelf.delete(command.number); break;
    case "bring": shelf.bring(command.rows); break;
    case "restore": {
      const { start, curve } = shelf.get(command.number);
      session.select(start);
      session.wanted = { number: (session.wanted?.number ?? 0) + 1, curve };
    }
  }
}
