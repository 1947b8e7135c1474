import { spawn } from 'node:child_process'

export interface CommandResult {
  /** Null when the command was ended by a signal (its time ran out). */
  readonly exitCode: number | null
  /** Standard output and standard error as they came, interleaved. */
  readonly output: string
}

const OUTPUT_LIMIT = 1_000_000

/**
 * Runs a command to its end, at most `timeoutMs`, in `folder` (here when left out). Resolves to null when there is no such
 * command on this machine.
 */
export function runCommand(
  command: string,
  commandArguments: readonly string[],
  timeoutMs: number,
  folder: string = process.cwd(),
): Promise<CommandResult | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, commandArguments, {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    })
    let output = ''
    const collect = (chunk: Buffer) => {
      output = (output + chunk.toString('utf8')).slice(-OUTPUT_LIMIT)
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? resolve(null) : reject(error)))
    child.on('close', (exitCode) => resolve({ exitCode, output }))
  })
}

export function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n')
}
