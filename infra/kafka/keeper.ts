// Runs a command and ends it when this process's standard input closes, which is what happens when whoever started this
// process ends in any way, `kill -9` included. Then deletes the folder it was given.
//
//   node keeper.ts FOLDER_TO_DELETE LOG_FILE COMMAND [ARGUMENT ...]
//
// Prints the process id of the command on standard output, once.
import { spawn } from 'node:child_process'
import { openSync, rmSync } from 'node:fs'

const GRACE_MS = 10_000

const [folder, logFile, command, ...commandArguments] = process.argv.slice(2)
if (folder === undefined || logFile === undefined || command === undefined) {
  process.stderr.write('usage: node keeper.ts FOLDER_TO_DELETE LOG_FILE COMMAND [ARGUMENT ...]\n')
  process.exit(2)
}

const log = openSync(logFile, 'a')
const child = spawn(command, commandArguments, { stdio: ['ignore', log, log] })
let ending = false

function end(): void {
  if (ending) return
  ending = true
  child.kill('SIGTERM')
  setTimeout(() => child.kill('SIGKILL'), GRACE_MS).unref()
}

child.on('spawn', () => process.stdout.write(`${child.pid}\n`))
child.on('error', (error) => {
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
})
child.on('exit', (code) => {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  process.exit(ending ? 0 : (code ?? 1))
})
process.stdin.on('end', end)
process.stdin.on('error', end)
process.stdin.resume()
// Nobody may be reading any more.
process.stdout.on('error', () => {})
// Ctrl-C reaches the whole group; whoever started this process decides when the broker stops.
for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})
process.on('SIGTERM', end)
