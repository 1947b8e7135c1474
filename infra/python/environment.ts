/** The Python that runs this repository's Python files: a virtual environment with pinned packages, made on first use. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { cachedFolder, cacheFolder } from '../kafka/cache.ts'
import { lastLines, runCommand } from '../kafka/command.ts'

/** There is no Python to run, or its packages could not be installed. `message` says what happened and what to do next. */
export class PythonError extends Error {
  override readonly name = 'PythonError'
}

export interface PythonOptions {
  /** Where the environment is kept; `$SIGNALBOX_CACHE_DIR`, else `.cache` of the repository. */
  readonly cacheDir?: string
  /** Commands to look for, the first that is Python 3.11 or later is taken. Default `python3`, `python`. */
  readonly commands?: readonly string[]
}

export const WHAT_TO_INSTALL_FOR_PYTHON =
  'Install Python 3.11 or later with its venv module (Debian: apt-get install python3-venv; macOS: brew install python), then run the same command again.'

const REQUIREMENTS = resolve(import.meta.dirname, 'requirements.txt')
const EXAMPLE_REQUIREMENTS = resolve(import.meta.dirname, '../../packages/examples/python/requirements.txt')
/** The oldest that the pinned packages run on. */
const OLDEST = [3, 11] as const
const PYTHON_TIMEOUT_MS = 20_000
const VENV_TIMEOUT_MS = 2 * 60_000
const PIP_TIMEOUT_MS = 8 * 60_000

/**
 * The path of a Python that has the pinned packages. Made once, also where two processes ask at the same time: an
 * environment that was cut off leaves nothing that looks finished. Errors: PythonError; BrokerError where another process
 * has been making it for too long.
 */
export async function pythonWithPackages(options: PythonOptions = {}): Promise<string> {
  const { command, identity } = await findPython(options.commands ?? ['python3', 'python'])
  const hash = createHash('sha256').update(identity)
  for (const file of [REQUIREMENTS, EXAMPLE_REQUIREMENTS]) hash.update(await readFile(file))
  // Other packages, or another Python: another folder.
  const name = `python-${hash.digest('hex').slice(0, 12)}`
  const folder = await cachedFolder(options.cacheDir ?? cacheFolder(), name, (partial) => makeEnvironment(command, partial))
  return pythonIn(folder)
}

/** Its scripts name the folder that it was made in, which is renamed: run modules (`-m pip`) instead. */
function pythonIn(folder: string): string {
  return process.platform === 'win32' ? join(folder, 'Scripts', 'python.exe') : join(folder, 'bin', 'python')
}

async function findPython(commands: readonly string[]): Promise<{ readonly command: string; readonly identity: string }> {
  const seen: string[] = []
  for (const command of commands) {
    const program = 'import sys; print(*sys.version_info[:3], sep="."); print(sys.executable)'
    const result = await runCommand(command, ['-c', program], PYTHON_TIMEOUT_MS)
    const version = /^(\d+)\.(\d+)\.\d+$/m.exec(result?.output ?? '')
    if (result?.exitCode !== 0 || version === null) continue
    const [major, minor] = [Number(version[1]), Number(version[2])]
    if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return { command, identity: result.output }
    seen.push(`${command} is ${version[0]}`)
  }
  const found = seen.length > 0 ? `, and ${seen.join(', ')}` : ''
  throw new PythonError(`Python ${OLDEST.join('.')} or later is needed here${found}. ${WHAT_TO_INSTALL_FOR_PYTHON}`)
}

async function makeEnvironment(command: string, folder: string): Promise<void> {
  process.stderr.write('signalbox: making a virtual environment for Python with its packages (once; 40 MB)\n')
  const made = await runCommand(command, ['-m', 'venv', folder], VENV_TIMEOUT_MS)
  if (made?.exitCode !== 0) {
    throw new PythonError(
      `${command} could not make a virtual environment (exit code ${made?.exitCode ?? 'none'}). Its last lines were:\n` +
        `${lastLines(made?.output ?? '', 10)}\n${WHAT_TO_INSTALL_FOR_PYTHON}`,
    )
  }
  const install = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', '--quiet', '-r', REQUIREMENTS]
  const installed = await runCommand(pythonIn(folder), install, PIP_TIMEOUT_MS)
  if (installed?.exitCode === 0) return
  throw new PythonError(
    `pip could not install the packages of ${REQUIREMENTS} (exit code ${installed?.exitCode ?? 'none'}). Its last lines were:\n` +
      `${lastLines(installed?.output ?? '', 15)}\n` +
      'Check that pip can reach its package index (a proxy belongs in HTTPS_PROXY or in its configuration), then run the same command again.',
  )
}
