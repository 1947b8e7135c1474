/** A service as a process of its own: what its main gets, and what it gives to whoever starts it. */
import type { Codec } from '@signalbox/codec'
import type { ListenSettings } from '@signalbox/http'
import type { Log } from '@signalbox/log'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'

/** What every main gets. Who opened the log closes it, after the service has stopped. */
export interface ServiceContext {
  readonly log: Log
  readonly codec: Codec
  readonly logger: Logger
  readonly registry: Registry
}

export interface RunningService {
  /** Rejects when the process should end. */
  readonly failed: Promise<never>
  /** Starts to listen; gives the address as a URL. Errors: ListenError. */
  listen(where: ListenSettings): Promise<string>
  /** Finishes what is under way. */
  stop(): Promise<void>
}
