/** Who may reach a server that does not authenticate: this machine alone, unless something else guards the network. */
import { isIP } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { RequestRefused } from './problems.ts'

export interface ListenSettings {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** Whoever reaches any address may do what the server lets them, and that was said to be wanted: something else guards the network. */
  readonly trustNetwork?: boolean
  /** Names by which requests may call the server besides those of loopback: a proxy's, or that of a container. */
  readonly allowedHosts?: readonly string[]
}

export interface Openness {
  /** Like `the projector`. */
  readonly who: string
  /** Like `the projector does not authenticate`. */
  readonly why: string
  /** What whoever reaches it may do, like `may read every row`. */
  readonly risk: string
}

/** Whether an address reaches this machine alone. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

/** Starts to listen; gives the address as a URL. Errors: RequestRefused for an address that others reach. */
export async function listenGuarded(
  app: FastifyInstance,
  { host, port, trustNetwork }: ListenSettings,
  openness: Openness | null,
  logger: Logger,
): Promise<string> {
  const isLocal = isLoopback(host)
  if (openness !== null && !isLocal && trustNetwork !== true) {
    throw new RequestRefused(
      'NOT_READY',
      `${openness.why}, so it listens on loopback only; bind it to 127.0.0.1 and reach it through a proxy that authenticates, instead of ${host}. Where nothing but such a proxy can reach ${host}, set SIGNALBOX_TRUST_NETWORK=true`,
    )
  }
  const address = await app.listen({ host, port })
  const whoever = isLocal ? 'every program on this machine' : 'whoever reaches this address'
  if (openness !== null) logger.warn({ address }, `${openness.who} listens without authentication: ${whoever} ${openness.risk}`)
  return address
}
