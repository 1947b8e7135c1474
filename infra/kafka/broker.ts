import { type ClusterOptions, startCluster } from './cluster.ts'
import type { BrokerUser } from './security.ts'

export type BrokerOptions = Omit<ClusterOptions, 'brokers'>

export interface RunningBroker {
  /** `HOST:PORT`, what `KAFKA_BROKERS` takes. */
  readonly brokers: string
  /** Process id of the broker itself, for tests that kill it. */
  readonly pid: number
  /** The folder with its data, its properties and its log. */
  readonly folder: string
  /** Who may do everything, where clients log in. */
  readonly admin: BrokerUser | null
  /** The certificate that clients must trust (PEM), where connections are encrypted. */
  readonly authorityFile: string | null
  /** Resolves when the broker has ended in any way; a reason when nobody asked for it. */
  readonly ended: Promise<string | null>
  /** Stops the broker and deletes its data unless a folder was given. Safe to call twice. */
  stop(): Promise<void>
}

/**
 * Starts one Kafka broker (KRaft: broker and controller in one process) on 127.0.0.1 without Docker, its data in a
 * temporary folder. The broker ends with the process that called this, however that ends. Errors: BrokerError, with the
 * last lines of the broker's log.
 */
export async function startBroker(options: BrokerOptions = {}): Promise<RunningBroker> {
  const { brokers, members, folder, admin, authorityFile, ended, stop } = await startCluster({ ...options, brokers: 1 })
  const endedAndLeft = ended.then(async (reason) => {
    // Nothing is left behind by a broker that died, either.
    await stop()
    return reason
  })
  return { brokers, pid: members[0]!.pid, folder, admin, authorityFile, ended: endedAndLeft, stop }
}
