// Runs commands and ends them when this process's standard input closes, which is what happens when whoever started this
// process ends in any way, `kill -9` included. Then deletes the folder it was given.
//
//   node keeper.ts FOLDER_TO_DELETE     `-` deletes nothing
//
// Standard input takes one JSON object a line: {"id", "log", "command": [NAME, ARGUMENT ...]} starts a command, its output
// appended to the file `log`. Standard output answers: {"id", "pid"}, later {"id", "exit"} with how it ended.
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, rmSync } from 'node:fs'
import { createInterface } from 'node:readline'

interface Order {
  readonly id: number
  readonly log: string
  readonly command: readonly [string, ...string[]]
}

const GRACE_MS = 10_000
const folder = process.argv[2]
if (folder === undefined) {
  process.stderr.write('usage: node keeper.ts FOLDER_TO_DELETE\n')
  process.exit(2)
}

const children = new Set<ChildProcess>()
let ending = false

function start({ id, log, command }: Order): void {
  const say = (fact: object) => process.stdout.write(`${JSON.stringify({ id, ...fact })}\n`)
  const output = openSync(log, 'a')
  const child = spawn(command[0], command.slice(1), { stdio: ['ignore', output, output] })
  closeSync(output)
  children.add(child)
  const ended = (exit: string) => {
    if (!children.delete(child)) return
    say({ exit })
    if (ending && children.size === 0) leave()
  }
  child.on('spawn', () => say({ pid: child.pid }))
  child.on('error', (error) => ended(error.message))
  child.on('exit', (code, signal) => ended(signal === null ? `exit code ${code}` : `signal ${signal}`))
}

function end(): void {
  if (ending) return
  ending = true
  for (const child of children) {
    // One that is paused could not hear the request to end.
    child.kill('SIGCONT')
    child.kill('SIGTERM')
  }
  setTimeout(() => {
    for (const child of children) child.kill('SIGKILL')
  }, GRACE_MS).unref()
  if (children.size === 0) leave()
}

function leave(): void {
  if (folder !== undefined && folder !== '-') rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  process.exit(0)
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    if (!ending) start(JSON.parse(line) as Order)
  })
  .on('close', end)
process.stdin.on('error', end)
// Nobody may be reading any more.
process.stdout.on('error', () => {})
// Ctrl-C reaches the whole group; whoever started this process decides when its commands stop.
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
process.on('SIGTERM', end)
