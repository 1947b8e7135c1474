/** Files with code of a user's, a config or contracts: what goes wrong in them is theirs to mend, and told in a sentence. */
import { statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { ConfigError, ContractError, defineConfig, type SignalboxConfig } from '@signalbox/contract'
import { CommandError } from './exit-codes.ts'

const mostMs = 30_000

/** Throws CommandError (usage). */
export async function loadModule(file: string): Promise<Readonly<Record<string, unknown>>> {
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory() === true)
    throw new CommandError('usage', `${file} is a folder; name the file in it`)
  if (/\.json$/i.test(file))
    throw new CommandError('usage', `${file} is JSON, which holds no code; name a TypeScript or JavaScript file (.ts, .mts, .js, .mjs)`)
  const timeUp = new AbortController()
  try {
    return await Promise.race([
      import(pathToFileURL(file).href) as Promise<Readonly<Record<string, unknown>>>,
      sleep(mostMs, undefined, { signal: timeUp.signal }).then(() => {
        throw new Error(`it still waits for something after ${mostMs / 1_000} s (an await outside of functions)`)
      }),
    ])
  } catch (cause) {
    throw mistakeIn(file, cause)
  } finally {
    timeUp.abort()
  }
}

/** A config as `defineConfig` gives it, also where the file did not call it. Throws CommandError (usage). */
export function configIn(file: string, exported: unknown): SignalboxConfig {
  if (exported instanceof Promise) throw new CommandError('usage', `${file} exports a promise; await it there: export default await ...`)
  if (typeof exported !== 'object' || exported === null || !('contracts' in exported))
    throw new CommandError('usage', `${file} has no default export with contracts; write export default defineConfig({ contracts: [...] })`)
  try {
    return defineConfig(exported as SignalboxConfig)
  } catch (cause) {
    throw mistakeIn(file, cause)
  }
}

function mistakeIn(file: string, cause: unknown): CommandError {
  if (cause instanceof ContractError || cause instanceof ConfigError)
    return new CommandError('usage', `${file}: ${cause.message}`, { cause })
  const what = cause instanceof Error ? `${cause.name}: ${cause.message}` : 'it throws something that is no error'
  const next =
    (cause as { code?: unknown } | null)?.code === 'ERR_MODULE_NOT_FOUND' && /package/.test(what)
      ? 'packages are looked for in the node_modules of its folder and of those above: install it there, or move the file into the project that has it'
      : 'mend it, or name another with --config'
  return new CommandError('usage', `${file} cannot be loaded: ${what}; ${next}`, { cause })
}
