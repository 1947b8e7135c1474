/** Who may reach a server that does not authenticate: this machine alone, unless something else guards the network. */
import { isIP } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'

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

/** An address on which a server cannot or may not listen; the message says what to do. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
}

const whyNot: Readonly<Record<string, (host: string, port: number) => string>> = {
  EADDRINUSE: (host, port) => `another process listens on ${host}:${port}; stop it, or name another port with --port (0 takes a free one)`,
  EADDRNOTAVAIL: (host) => `this machine has no address ${host}; name one that it has with --host`,
  EACCES: (host, port) => `this user may not listen on ${host}:${port}; name a port from 1024 on with --port`,
  EPERM: (host, port) => `this user may not listen on ${host}:${port}; name another with --host and --port`,
  ENOTFOUND: (host) => `the host ${host} is not known; name an address of this machine with --host`,
  EAI_AGAIN: (host) => `the host ${host} could not be looked up; name an address of this machine with --host`,
  EAFNOSUPPORT: (host) => `this machine has no addresses of the kind of ${host}; name one that it has with --host`,
  EINVAL: (host, port) => `${host}:${port} is no address to listen on; name one of this machine with --host`,
  EMFILE: () => tooManyFiles,
  ENFILE: () => tooManyFiles,
}

export const tooManyFiles =
  'too many files and connections are open; allow this process more (ulimit -n, LimitNOFILE of a unit), or open fewer connections'

/** Starts to listen; gives the address as a URL. Errors: ListenError. */
export async function listenGuarded(
  app: FastifyInstance,
  { host, port, trustNetwork }: ListenSettings,
  openness: Openness | null,
  logger: Logger,
): Promise<string> {
  const isLocal = isLoopback(host)
  if (openness !== null && !isLocal && trustNetwork !== true) {
    throw new ListenError(
      `${openness.why}, so it listens on loopback only; bind it to 127.0.0.1 and reach it through a proxy that authenticates, instead of ${host}. Where nothing but such a proxy can reach ${host}, set SIGNALBOX_TRUST_NETWORK=true`,
    )
  }
  const address = await listen(app, host, port)
  const whoever = isLocal ? 'every program on this machine' : 'whoever reaches this address'
  if (openness !== null) logger.warn({ address }, `${openness.who} listens without authentication: ${whoever} ${openness.risk}`)
  return address
}

async function listen(app: FastifyInstance, host: string, port: number): Promise<string> {
  try {
    return await app.listen({ host, port })
  } catch (cause) {
    const why = whyNot[(cause as NodeJS.ErrnoException).code ?? '']
    if (why === undefined) throw cause
    throw new ListenError(why(host, port), { cause })
  }
}
