/**
 * Loaded before a command (`--import`): the process is killed before its nth call of the file system on a folder, DIES_AT in
 * DIES_IN, so that a test meets each moment once, whatever the load of the machine.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'

const { DIES_AT = '', DIES_IN = '' } = process.env
let left = Number(DIES_AT)

const changing = [
  'mkdirSync',
  'openSync',
  'renameSync',
  'rmSync',
  'unlinkSync',
  'writeFileSync',
  'createWriteStream',
  'copyFileSync',
] as const
type Changing = Record<(typeof changing)[number], (...parameters: unknown[]) => unknown>

const functions = fs as unknown as Changing
for (const name of changing) {
  const before = functions[name]
  functions[name] = (...parameters) => {
    if (parameters.some((each) => typeof each === 'string' && each.startsWith(DIES_IN)) && --left === 0) die()
    return before(...parameters)
  }
}
syncBuiltinESMExports()

function die(): never {
  process.kill(process.pid, 'SIGKILL')
  // The signal is on its way; nothing more is done.
  for (;;);
}
