/** Whose tests may import which test support. What several rooms want lies in `test/support`, where who changes it knows that. */
import { dirname, join, normalize } from 'node:path'

/** Files that are there for tests alone. */
export function isOfTests(file: string): boolean {
  return /^test\/|^(?:packages|services)\/[^/]+\/(?:test|bench)\/|\.test\.ts$/.test(file)
}

/** The room of a test: a package, a service, a folder of `test` or of `infra`. */
function testRoomOf(file: string): string {
  return file.split('/').slice(0, 2).join('/')
}

/** What several rooms import on purpose, and why. */
const doors: readonly (readonly [from: RegExp, to: RegExp])[] = [
  // Tests of every room: what they share.
  [/./, /^test\/support\//],
  // Who starts a service for tests in Docker imports it from beside the dependency that it needs.
  [/^infra\/(?:kafka|postgres)\/choose\.ts$/, /^packages\/[^/]+\/test\/support\/docker-[a-z]+\.ts$/],
  // A host's tests run on every store, each with what the tests of that store have to open it.
  [/^packages\/projection-host\/test\//, /^packages\/projection-(?:store|sqlite|postgres)\/test\/support\//],
  // The command starts the benchmarks.
  [/^packages\/cli\/src\/commands\/bench\.ts$/, /^test\/bench\/index\.ts$/],
]

/** What is wrong with an import of test support, in a sentence; null when it is allowed. */
export function testSupportProblem(file: string, imported: string): string | null {
  if (!imported.startsWith('.')) return null
  const target = normalize(join(dirname(file), imported))
  if (!isOfTests(target)) return null
  const isShipped = !isOfTests(file) && !file.startsWith('infra/')
  const open = doors.filter(([, to]) => !isShipped || !to.test('test/support/'))
  if (open.some(([from, to]) => from.test(file) && to.test(target))) return null
  if (isShipped) return `${file} imports ${imported}: that is for tests alone`
  if (testRoomOf(file) === testRoomOf(target)) return null
  return `${file} imports ${imported}: it is of the tests of ${testRoomOf(target)}; what several rooms want lies in test/support`
}
