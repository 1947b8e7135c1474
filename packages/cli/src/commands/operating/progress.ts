import { say } from '../../output.ts'

const everyMs = 2_000

/** Says how much of the bytes is done, every two seconds at most. */
export function percentTo(what: string): (done: { readonly bytes: number; readonly totalBytes: number }) => void {
  const tell = seldom()
  return ({ bytes, totalBytes }) => tell(() => `${what} ${Math.floor((100 * bytes) / Math.max(1, totalBytes))} % of ${totalBytes} bytes`)
}

/** Says something every two seconds at most. */
export function seldom(): (text: () => string) => void {
  let saidMs = performance.now()
  return (text) => {
    if (performance.now() - saidMs < everyMs) return
    saidMs = performance.now()
    say(text())
  }
}
