/** Signals that end a command, and output whose reader is gone. */
import { constants } from 'node:os'

/** How long a start may still take after a signal. */
const startMs = 10_000

// A terminal sends Ctrl-C to a process and to who started it, who passes it on: that is one signal.
const echoMs = 250

/**
 * Resolves at the first SIGINT or SIGTERM, or SIGHUP where a terminal is closed; a second one ends the process at once, with 128 and its
 * number as exit code. Ask before anything is printed: whoever reads that something is up may send a signal at that moment.
 */
export function signalled(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let firstMs: number | null = null
    const take = (signal: NodeJS.Signals) => {
      if (firstMs !== null && performance.now() - firstMs > echoMs) process.exit(128 + constants.signals[signal])
      firstMs ??= performance.now()
      resolve(signal)
    }
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, take)
    if (hasTerminal) process.on('SIGHUP', take)
  })
}

/** What a start gives. A signal meanwhile is taken at its end, and a start that then takes too long is given up. */
export async function started<Started>(starting: Promise<Started>, stop: Promise<NodeJS.Signals>): Promise<Started> {
  let isOver = false
  let late: NodeJS.Timeout | undefined
  void stop.then((signal) => {
    if (!isOver) late = setTimeout(() => process.exit(128 + constants.signals[signal]), startMs)
  })
  try {
    return await starting
  } finally {
    isOver = true
    clearTimeout(late)
  }
}

const hasTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY

/**
 * Without a terminal nothing hangs up: `nohup` takes all three away, and Node has forgotten by now that SIGHUP was to be ignored. Whose
 * stderr nobody reads any more goes on all the same.
 */
export function surviveReaders(): void {
  if (!hasTerminal) process.on('SIGHUP', () => {})
  process.stderr.on('error', () => {})
}
