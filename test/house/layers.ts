/** Which room may import which. One way: services, then adapters, then the log, the codec, the contract. */
import { dirname, join, normalize } from 'node:path'

/** `packages/core`, `services/gateway`, `test`, `infra`: the room that a file is in. */
export function roomOf(file: string): string {
  const [top, second] = file.split('/')
  return top === 'packages' || top === 'services' ? `${top}/${second}` : top!
}

const allowed: Readonly<Record<string, readonly string[]>> = {
  'packages/contract': [],
  'packages/core': ['packages/contract'],
  'packages/handoff': ['packages/contract'],
  'packages/personal': ['packages/contract', 'packages/files'],
  'packages/follow-ups': ['packages/contract', 'packages/codec'],
  'packages/codec': ['packages/contract'],
  'packages/http': ['packages/contract'],
  'packages/service': ['packages/codec', 'packages/log', 'packages/http'],
  'packages/files': [],
  'packages/log': [],
  'packages/log-memory': ['packages/log'],
  'packages/log-sqlite': ['packages/log', 'packages/files'],
  'packages/log-kafka': ['packages/log', 'packages/codec'],
  'packages/event-log': ['packages/contract', 'packages/codec', 'packages/log'],
  'packages/partition-state': ['packages/contract', 'packages/codec', 'packages/core', 'packages/log', 'packages/event-log'],
  'packages/presentation': ['packages/contract', 'packages/core', 'packages/event-log', 'packages/partition-state'],
  'packages/replay': [
    'packages/contract',
    'packages/codec',
    'packages/core',
    'packages/log',
    'packages/files',
    'packages/event-log',
    'packages/partition-state',
    'packages/presentation',
  ],
  'packages/dead-letters': ['packages/contract', 'packages/codec', 'packages/log', 'packages/event-log'],
  'packages/projection': ['packages/contract'],
  'packages/projection-store': ['packages/contract', 'packages/projection'],
  'packages/projection-sqlite': ['packages/projection', 'packages/projection-store', 'packages/files'],
  'packages/projection-postgres': ['packages/projection', 'packages/projection-store'],
  'packages/projection-host': [
    'packages/contract',
    'packages/codec',
    'packages/log',
    'packages/event-log',
    'packages/projection',
    'packages/projection-store',
  ],
  'packages/backup': ['packages/contract', 'packages/codec', 'packages/log', 'packages/files'],
  'packages/generation': [
    'packages/contract',
    'packages/codec',
    'packages/core',
    'packages/log',
    'packages/event-log',
    'packages/partition-state',
    'packages/follow-ups',
    'packages/dead-letters',
  ],
  'packages/client': ['packages/contract'],
  'services/sequencer': [
    'packages/contract',
    'packages/codec',
    'packages/core',
    'packages/log',
    'packages/event-log',
    'packages/partition-state',
    'packages/http',
    'packages/service',
  ],
  'services/process-manager': [
    'packages/contract',
    'packages/codec',
    'packages/log',
    'packages/event-log',
    'packages/follow-ups',
    'packages/dead-letters',
    'packages/http',
    'packages/service',
  ],
  'services/ingest': ['packages/contract', 'packages/codec', 'packages/log', 'packages/follow-ups', 'packages/http', 'packages/service'],
  'services/escalation': [
    'packages/contract',
    'packages/codec',
    'packages/log',
    'packages/event-log',
    'packages/dead-letters',
    'packages/http',
    'packages/service',
  ],
  'services/projector': [
    'packages/contract',
    'packages/log',
    'packages/http',
    'packages/projection',
    'packages/projection-store',
    'packages/projection-host',
    'packages/service',
  ],
  'services/gateway': [
    'packages/contract',
    'packages/codec',
    'packages/core',
    'packages/log',
    'packages/event-log',
    'packages/partition-state',
    'packages/presentation',
    'packages/client',
    'packages/http',
    'packages/personal',
    'packages/service',
  ],
  // What a program imports to run Signalbox inside it: it joins the services.
  'packages/signalbox': [
    'packages/contract',
    'packages/codec',
    'packages/log',
    'packages/personal',
    'packages/service',
    'services/sequencer',
    'services/gateway',
    'services/process-manager',
    'services/escalation',
  ],
  // The command knows everything, and starts the services.
  'packages/cli': [
    'packages/contract',
    'packages/codec',
    'packages/core',
    'packages/log',
    'packages/log-sqlite',
    'packages/log-kafka',
    'packages/event-log',
    'packages/partition-state',
    'packages/presentation',
    'packages/replay',
    'packages/dead-letters',
    'packages/projection',
    'packages/projection-store',
    'packages/projection-sqlite',
    'packages/projection-postgres',
    'packages/projection-host',
    'packages/client',
    'packages/handoff',
    'packages/http',
    'packages/personal',
    'packages/backup',
    'packages/follow-ups',
    'packages/generation',
    'packages/files',
    'packages/service',
    'packages/signalbox',
    'services/sequencer',
    'services/gateway',
    'services/process-manager',
    'services/projector',
    'services/ingest',
    'services/escalation',
    'test',
  ],
  'packages/examples': [
    'packages/contract',
    'packages/codec',
    'packages/core',
    'packages/log',
    'packages/log-kafka',
    'packages/event-log',
    'packages/partition-state',
    'packages/presentation',
    'packages/replay',
    'packages/client',
    'packages/handoff',
    'packages/cli',
    'packages/signalbox',
    'packages/files',
    'infra',
  ],
  infra: ['packages/log-kafka', 'packages/projection-postgres'],
}

/** Every room that a room leads to, over the rooms that it may import; itself where it leads back to itself. */
export function reachedFrom(room: string, rooms = allowed): ReadonlySet<string> {
  const reached = new Set<string>()
  const go = (from: string) => {
    for (const to of rooms[from] ?? []) {
      if (reached.has(to)) continue
      reached.add(to)
      go(to)
    }
  }
  go(room)
  return reached
}

/** What a room may import. */
export function allowedOf(room: string): readonly string[] {
  return allowed[room] ?? []
}

/** Which rooms there are. */
export const rooms: readonly string[] = Object.keys(allowed)

/** Which files of the command may import services: who starts each as a process, and who takes a partition over for a moment. */
const mayImportServices = /^packages\/cli\/src\/commands\/(services|projector|skip|operating\/move)\.ts$/

/** Which third parties only some rooms may know. */
const exclusive: Readonly<Record<string, readonly string[]>> = {
  kafkajs: ['packages/log-kafka'],
  '@kafkajs/confluent-schema-registry': ['packages/log-kafka'],
  'node:sqlite': ['packages/log-sqlite', 'packages/projection-sqlite', 'packages/files'],
  pg: ['packages/projection-postgres'],
  avsc: ['packages/codec'],
  fastify: ['packages/http', 'services/gateway', 'services/projector'],
  'gpt-tokenizer': ['packages/handoff'],
}

function targetOf(file: string, imported: string): string | null {
  if (imported.startsWith('.')) return roomOf(normalize(join(dirname(file), imported)))
  const match = /^@signalbox\/([a-z-]+)/.exec(imported)
  if (match === null) return null
  const name = match[1]!
  const service = `services/${name}`
  return service in allowed ? service : `packages/${name}`
}

/** The packages and services that may import a room, sorted. */
export function importersOf(room: string): readonly string[] {
  return Object.keys(allowed)
    .filter((importer) => importer.includes('/') && allowed[importer]!.includes(room))
    .sort()
}

/** What is wrong with an import, in a sentence; null when it is allowed. Tests may import anything. */
export function layerProblem(file: string, imported: string): string | null {
  const room = roomOf(file)
  if (room === 'test' || file.includes('/test/') || file.endsWith('.test.ts') || !file.includes('/')) return null
  const target = targetOf(file, imported)
  if (target === null) return thirdPartyProblem(file, room, imported)
  if (target === room) return null
  if (!(allowed[room] ?? []).includes(target)) return `${file} imports ${imported}: ${room} may not know ${target}`
  if (room === 'packages/cli' && target.startsWith('services/') && !mayImportServices.test(file))
    return `${file} imports ${imported}: only what runs services may import one`
  if (target === 'test' && file !== 'packages/cli/src/commands/bench.ts') return `${file} imports ${imported}: that is for tests alone`
  return null
}

function thirdPartyProblem(file: string, room: string, imported: string): string | null {
  if (room === 'packages/core' && imported.startsWith('node:')) return `${file} imports ${imported}: the core has no host`
  if (room === 'packages/handoff' && imported.startsWith('node:')) return `${file} imports ${imported}: packets are compiled without a host`
  if (room === 'packages/contract' && imported.startsWith('node:')) return `${file} imports ${imported}: contracts have no input or output`
  for (const [name, owners] of Object.entries(exclusive)) {
    const isBench = file.includes('/bench/')
    if ((imported === name || imported.startsWith(`${name}/`)) && !owners.includes(room) && !isBench)
      return `${file} imports ${imported}: only ${owners.join(' and ')} may`
  }
  return null
}
