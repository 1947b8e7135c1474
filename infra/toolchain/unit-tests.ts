/** Which tests are units: they lie beside a package or a service, or hold the house's rules; they need no service, and are quick. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')

/** What a test says that uses a service: the variable with its address, or what starts one. */
const service = /\bKAFKA_BROKERS\b|\bPOSTGRES_URL\b|\binfra\/(?:kafka|postgres)\/(?:broker|cluster|registry|choose)\.ts\b/
const imports = /\bfrom '(\.[^']+)'|\bimport\('(\.[^']+)'\)/g

/** Whether a test needs Kafka, a registry or PostgreSQL: it, or support that it imports, says so. */
export function needsService(file: string, seen = new Set<string>()): boolean {
  if (seen.has(file) || !existsSync(join(root, file))) return false
  seen.add(file)
  const text = readFileSync(join(root, file), 'utf8')
  if (service.test(text)) return true
  return [...text.matchAll(imports)]
    .map(([, of, dynamic]) => normalize(join(dirname(file), (of ?? dynamic)!)))
    .some((target) => /(?:^|\/)test\//.test(target) && needsService(target, seen))
}

/** They need no service, and take long all the same: properties on cases by the thousand, processes that are killed again and again. */
const slow =
  /\/(?:laws|properties)\.test\.ts$|^packages\/log-sqlite\/test\/(?:conformance|event-index|first-start|index-repair|kill)\.test\.ts$/

export const unitTests: readonly string[] = globSync(
  ['packages/*/test/**/*.test.ts', 'services/*/test/**/*.test.ts', 'test/house/*.test.ts', 'test/bench/*.test.ts'],
  { cwd: root, exclude: ['**/node_modules/**'] },
)
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => !slow.test(file) && !needsService(file))
  .sort()
