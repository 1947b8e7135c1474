/** What the schema of the Compose specification cannot see: names that lead nowhere. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

export interface ComposeService {
  readonly image?: string
  readonly build?: unknown
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly healthcheck?: { readonly disable?: boolean }
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
}

export interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>
  readonly volumes?: Readonly<Record<string, unknown>>
}

/** `root` is the folder of the file, where relative paths start. */
export function referenceProblems(compose: Compose, root: string): readonly string[] {
  return Object.entries(compose.services).flatMap(([name, service]) => [
    ...Object.entries(service.depends_on ?? {}).flatMap(([other, { condition }]) => dependencyProblems(compose, name, other, condition)),
    ...(service.volumes ?? []).flatMap((volume) => volumeProblems(compose, name, volume, root)),
    ...(service.ports ?? []).flatMap((port) => (port.startsWith('127.0.0.1:') ? [] : [`${name} publishes ${port} to everybody`])),
  ])
}

function dependencyProblems(compose: Compose, name: string, other: string, condition: string): readonly string[] {
  const service = compose.services[other]
  if (service === undefined) return [`${name} depends on ${other}, which is no service`]
  // An image that is built here has its healthcheck in the Dockerfile.
  const hasHealth = service.healthcheck === undefined ? service.build !== undefined : service.healthcheck.disable !== true
  return condition === 'service_healthy' && !hasHealth ? [`${name} waits for the health of ${other}, which tells none`] : []
}

function volumeProblems(compose: Compose, name: string, volume: string, root: string): readonly string[] {
  // ${VARIABLE:-default} stands for its default.
  const [source] = volume.replace(/\$\{\w+:-([^}]*)\}/, '$1').split(':') as [string]
  if (source.startsWith('.')) return existsSync(join(root, source)) ? [] : [`${name} mounts ${source}, which is not there`]
  return Object.hasOwn(compose.volumes ?? {}, source) ? [] : [`${name} mounts the volume ${source}, which is not declared`]
}
