import { vi } from 'vitest'
import { run } from '../../packages/cli/src/main.ts'
import type { Ended } from '../support/commands.ts'

/** The brokers of the tests are not meant by commands on an embedded log. */
const embedded = { KAFKA_BROKERS: undefined, KAFKA_BOOTSTRAP_SERVERS: undefined }

export interface EndedHere extends Ended {
  /** On both, in the order in which it was written. */
  readonly said: string
}

/** The command in this process, which is quicker by far; what it writes is kept. */
export async function runHere(
  parameters: readonly string[],
  variables: Readonly<Record<string, string | undefined>> = {},
): Promise<EndedHere> {
  const out = { stdout: '', stderr: '', said: '' }
  const spies = (['stdout', 'stderr'] as const).map((stream) =>
    vi.spyOn(process[stream], 'write').mockImplementation((text) => {
      out[stream] += String(text)
      out.said += String(text)
      return true
    }),
  )
  for (const [name, value] of Object.entries({ ...embedded, ...variables })) vi.stubEnv(name, value)
  try {
    const code = await run(parameters)
    return { code, ...out }
  } finally {
    vi.unstubAllEnvs()
    for (const spy of spies) spy.mockRestore()
  }
}
