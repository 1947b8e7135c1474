export interface ServerPorts {
  readonly broker: number
  readonly controller: number
}

/** Settings that a broker of one node needs to fit Signalbox, whichever way it is started. */
export const SINGLE_BROKER_SETTINGS: Readonly<Record<string, string>> = {
  'offsets.topic.replication.factor': '1',
  // Internal topics have 50 partitions by default, each with files of its own: far more than one laptop's worth.
  'offsets.topic.num.partitions': '4',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.state.log.num.partitions': '8',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  'group.initial.rebalance.delay.ms': '0',
  'auto.create.topics.enable': 'false',
  // Topics say how large their batches may be (2 MiB); this is the most that they may say.
  'message.max.bytes': '4194304',
}

/** `server.properties` of one process that is broker and controller, reachable from this machine only. */
export function serverProperties(ports: ServerPorts, dataFolder: string): string {
  const settings: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    listeners: `PLAINTEXT://127.0.0.1:${ports.broker},CONTROLLER://127.0.0.1:${ports.controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${ports.broker}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'controller.quorum.voters': `1@127.0.0.1:${ports.controller}`,
    'log.dirs': dataFolder.replaceAll('\\', '/'),
    ...SINGLE_BROKER_SETTINGS,
  }
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}
