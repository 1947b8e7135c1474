// Runs a TypeScript file of this repository on the Node that the repository pins, on any host with Node 20 or later
// and npm. Installs the pinned dependencies first when they are missing or the lock file has changed.
//
//   node infra/toolchain/run.mjs FILE [ARGUMENT ...]
//
// Plain JavaScript on purpose: the host's Node may be too old to run TypeScript.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
const marker = join(root, 'node_modules', '.signalbox-install')
const node = join(root, 'node_modules', 'node', 'bin', 'node')

function lockDigest() {
  const hash = createHash('sha256')
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json']) hash.update(readFileSync(join(root, file)))
  return hash.digest('hex')
}

function install() {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  process.stderr.write(`signalbox: installing the pinned dependencies with ${packageManager} (once; about a minute)\n`)
  const result = spawnSync('npm', ['exec', '--yes', '--package', packageManager, '--', 'pnpm', 'install', '--frozen-lockfile'], {
    cwd: root,
    // stdout belongs to the command that was asked for.
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  if (result.status !== 0 || !existsSync(node)) {
    process.stderr.write(
      'signalbox: the install failed; the lines above say why. It needs npm and a package registry that npm can reach. Run the same command again once that is so.\n',
    )
    process.exit(4)
  }
  mkdirSync(dirname(marker), { recursive: true })
  writeFileSync(marker, lockDigest())
}

if (!existsSync(node) || !existsSync(marker) || readFileSync(marker, 'utf8') !== lockDigest()) install()

const [file, ...rest] = process.argv.slice(2)
if (file === undefined) {
  process.stderr.write('usage: node infra/toolchain/run.mjs FILE [ARGUMENT ...]\n')
  process.exit(2)
}
// npm runs its scripts in the package's folder; the person typed the command somewhere else, perhaps.
const cwd = process.env.INIT_CWD ?? process.cwd()
const child = spawn(node, ['--disable-warning=ExperimentalWarning', join(root, file), ...rest], { cwd, stdio: 'inherit' })
// What it is to do with a signal is for the command to say. A terminal sends Ctrl-C to both: the command takes it for one.
const passedOn = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']
for (const signal of passedOn) process.on(signal, () => child.kill(signal))
child.on('error', (error) => {
  process.stderr.write(`signalbox: ${node} cannot be started: ${error.message}\n`)
  process.exit(4)
})
child.on('exit', (code, signal) => {
  if (signal === null) process.exit(code ?? 1)
  // As process 1 of a container it cannot be ended by a signal, so it ends with the exit code that a shell would give.
  process.exitCode = 128 + constants.signals[signal]
  for (const each of passedOn) process.removeAllListeners(each)
  if (process.pid !== 1) process.kill(process.pid, signal)
})
