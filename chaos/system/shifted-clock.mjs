// Loaded with `node --import` into one service: its Date is ahead of the machine's by what the file says, or behind.
// Plain JavaScript, since it must be there before anything else is loaded.
import { readFileSync } from 'node:fs'

const everyMs = 100
const file = process.env.CHAOS_CLOCK_FILE
const RealDate = Date
let shiftMs = 0

function readShift() {
  try {
    shiftMs = Number(readFileSync(file, 'utf8')) || 0
  } catch {
    shiftMs = 0
  }
}

const now = () => RealDate.now() + shiftMs
// A proxy, so that a date is a Date whoever made it.
globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
  apply: () => new RealDate(now()).toString(),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
})

readShift()
setInterval(readShift, everyMs).unref()
