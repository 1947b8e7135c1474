/** A process that says what it has to say as JSON lines. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface Talking<Line> {
  readonly child: ChildProcess
  /** The last line so far. */
  readonly last: () => Line | null
  /** Exit code, null after a signal. */
  readonly ended: Promise<number | null>
  /** Resolves with the first line that fits; rejects where the process ends before. */
  heard(fits: (line: Line) => boolean): Promise<Line>
}

export function talk<Line>(file: string, ...parameters: readonly string[]): Talking<Line> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', file, ...parameters], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let last: Line | null = null
  const listeners = new Set<(line: Line) => void>()
  createInterface({ input: child.stdout! }).on('line', (text) => {
    last = JSON.parse(text) as Line
    for (const listener of listeners) listener(last)
  })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  return {
    child,
    last: () => last,
    ended,
    heard: (fits) =>
      new Promise((resolve, reject) => {
        const listener = (line: Line) => {
          if (!fits(line)) return
          listeners.delete(listener)
          resolve(line)
        }
        listeners.add(listener)
        void ended.then((code) => reject(new Error(`${file} ended with ${code}`)))
      }),
  }
}
