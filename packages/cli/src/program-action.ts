import type { CommonFlags, Settings } from './settings.ts'

/** Makes what commander calls of what a command does with its settings; the number is the exit code. */
export type Action = (
  run: (settings: Settings, parameters: readonly string[], flags: CommonFlags) => Promise<number | undefined>,
) => (...received: unknown[]) => Promise<void>
