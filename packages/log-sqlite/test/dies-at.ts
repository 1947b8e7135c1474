/**
 * Loaded before a program (`--import`): the process is killed before the nth call, DIES_AT, that one of its threads makes of the file
 * system on a folder, DIES_IN, or, with DIES_OF=sqlite, that it makes of a database. So a test meets each moment once, whatever the load
 * of the machine.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { DatabaseSync, StatementSync } from 'node:sqlite'

const { DIES_AT = '', DIES_IN = '', DIES_OF = 'files' } = process.env
let left = Number(DIES_AT)

function count(isMeant: boolean): void {
  if (!isMeant || --left !== 0) return
  process.kill(process.pid, 'SIGKILL')
  // The signal is on its way; nothing more is done.
  for (;;);
}

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
    count(DIES_OF === 'files' && parameters.some((each) => typeof each === 'string' && each.startsWith(DIES_IN)))
    return before(...parameters)
  }
}
syncBuiltinESMExports()

for (const [prototype, name] of [
  [DatabaseSync.prototype, 'exec'],
  [StatementSync.prototype, 'run'],
] as const) {
  const methods = prototype as unknown as Record<string, (this: unknown, ...parameters: unknown[]) => unknown>
  const before = methods[name]!
  methods[name] = function (...parameters) {
    count(DIES_OF === 'sqlite')
    return before.apply(this, parameters)
  }
}
