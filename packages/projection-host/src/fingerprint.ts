import { sha256 } from '@signalbox/codec'
import type { Projection } from '@signalbox/projection'

/** Of the code of the handlers: another one under the same version is worth a warning. */
export function fingerprintOf({ changes, key, on, tables }: Projection): string {
  const code = [...Object.entries(on), ...Object.entries(changes)].map(([name, handler]) => `${name}: ${handler.toString()}`)
  return sha256(JSON.stringify([Object.keys(tables).sort(), code.sort(), key?.toString() ?? null]))
}
