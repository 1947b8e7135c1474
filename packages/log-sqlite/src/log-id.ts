/** The id of a log: 96 random bits, made with the database and kept in its settings. */
import { createHash, randomBytes } from 'node:crypto'
import type { SettingValues } from './settings-table.ts'

const rows = ['log_id_high', 'log_id_low'] as const
const rowBytes = 6

/** Settings of a log, or of a copy that goes on as a log of its own. */
export function newLogId(): SettingValues {
  return new Map(rows.map((row) => [row, randomBytes(rowBytes).readUIntBE(0, rowBytes)]))
}

/** A log that an earlier release made has none. */
export function hasLogId(settings: SettingValues): boolean {
  return rows.every((row) => settings.has(row))
}

/** A log of an earlier release that is only read is named by its place, until its owner opens it. */
export function logIdOf(settings: SettingValues, file: string): string {
  const digits = 2 * rowBytes
  if (!hasLogId(settings))
    return `sqlite-unnamed-${createHash('sha256')
      .update(file)
      .digest('hex')
      .slice(0, 2 * digits)}`
  return `sqlite-${rows.map((row) => settings.get(row)!.toString(16).padStart(digits, '0')).join('')}`
}
