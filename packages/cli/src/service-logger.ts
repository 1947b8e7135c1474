/** The log of a service process: JSON lines on stderr. */
import pino, { type Logger } from 'pino'
import { logLevel } from './environment.ts'
import { sayJsonLine } from './output.ts'

export function serviceLogger(level = logLevel('info')): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write: sayJsonLine })
}
