import { type BrokerSecurity, securityProperties, securityProtocol } from './security.ts'

export interface ServerPorts {
  /** For clients. */
  readonly broker: number
  /** For the other brokers. */
  readonly internal: number
  /** For the vote of the controllers. */
  readonly controller: number
  /** `HOST:PORT` that clients are told to connect to, where that is not the broker itself. */
  readonly advertised?: string
}

/** What all members of a cluster have in common. */
export interface ClusterLayout {
  /** One entry a member; the node id of the first is 1. */
  readonly ports: readonly ServerPorts[]
  readonly security: BrokerSecurity | null
}

const COMMON_SETTINGS = {
  // Internal topics have 50 partitions by default, each with files of its own: far more than one laptop's worth.
  'offsets.topic.num.partitions': '4',
  'transaction.state.log.num.partitions': '8',
  'group.initial.rebalance.delay.ms': '0',
  'auto.create.topics.enable': 'false',
  // Topics say how large their batches may be (2 MiB); this is the most that they may say.
  'message.max.bytes': '4194304',
} as const

function replication(factor: number, minInSync: number): Readonly<Record<string, string>> {
  return {
    'offsets.topic.replication.factor': `${factor}`,
    'transaction.state.log.replication.factor': `${factor}`,
    'transaction.state.log.min.isr': `${minInSync}`,
    'share.coordinator.state.topic.replication.factor': `${factor}`,
    'share.coordinator.state.topic.min.isr': `${minInSync}`,
    'default.replication.factor': `${factor}`,
    'min.insync.replicas': `${minInSync}`,
  }
}

/** Settings that a broker of one node needs to fit Signalbox, whichever way it is started. */
export const SINGLE_BROKER_SETTINGS: Readonly<Record<string, string>> = { ...replication(1, 1), ...COMMON_SETTINGS }

/** Settings of brokers that replicate: what has been acknowledged survives the loss of any one. */
const REPLICATED_SETTINGS: Readonly<Record<string, string>> = {
  ...replication(3, 2),
  ...COMMON_SETTINGS,
  // A dead broker is noticed after this long, and its partitions get another leader; so does one that is paused. The
  // default of 9 s makes every failover in a test as long. All members are on one machine: the network needs no patience.
  'broker.session.timeout.ms': '3000',
  'broker.heartbeat.interval.ms': '500',
  // A broker that cannot reach the controller any more gives up an orderly shutdown after this long.
  'controlled.shutdown.max.retries': '1',
}

/** `server.properties` of one process that is broker and controller, reachable from this machine only. */
export function serverProperties(nodeId: number, layout: ClusterLayout, folder: string, dataFolder: string): string {
  const ports = layout.ports[nodeId - 1]!
  const protocol = securityProtocol(layout.security)
  const controllerProtocol = layout.security?.sasl === undefined ? 'PLAINTEXT' : 'SASL_PLAINTEXT'
  const settings: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': `${nodeId}`,
    listeners: `CLIENT://${local(ports.broker)},INTERNAL://${local(ports.internal)},CONTROLLER://${local(ports.controller)}`,
    'advertised.listeners': `CLIENT://${ports.advertised ?? local(ports.broker)},INTERNAL://${local(ports.internal)}`,
    // Of their own, so that whatever is put between clients and brokers is not between the brokers as well.
    'inter.broker.listener.name': 'INTERNAL',
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': `CONTROLLER:${controllerProtocol},INTERNAL:${protocol},CLIENT:${protocol}`,
    'controller.quorum.voters': layout.ports.map(({ controller }, index) => `${index + 1}@${local(controller)}`).join(','),
    'log.dirs': dataFolder.replaceAll('\\', '/'),
    ...(layout.ports.length === 1 ? SINGLE_BROKER_SETTINGS : REPLICATED_SETTINGS),
    ...(layout.security === null ? {} : securityProperties(layout.security, folder)),
  }
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}

function local(port: number): string {
  return `127.0.0.1:${port}`
}
