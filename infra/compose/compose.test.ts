import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { parse } from 'yaml'
import { REGISTRY_VERSION } from '../kafka/distribution.ts'
import { SINGLE_BROKER_SETTINGS } from '../kafka/server-properties.ts'
import { type Compose, referenceProblems } from './references.ts'

const root = resolve(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const text = read('docker-compose.yml')
const compose = parse(text, { merge: true }) as Compose
const PATIENCE_MS = 60_000
let folder = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-compose-'))
})

afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

function run(...nodeArguments: readonly string[]): Promise<{ readonly exitCode: number | null; readonly output: string }> {
  return new Promise((done, reject) => {
    const child = spawn(process.execPath, nodeArguments, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], timeout: PATIENCE_MS })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        output += chunk.toString('utf8')
      })
    child.once('error', reject)
    child.once('close', (exitCode) => done({ exitCode, output }))
  })
}

/** dclint holds a file against the JSON schema of the Compose specification, which it brings, and against rules of its own. */
const dclint = join(dirname(createRequire(import.meta.url).resolve('dclint/package.json')), 'bin/dclint.cjs')

/** Its warnings are about taste, as the order of keys is, and left out. */
async function lint(content: string): Promise<{ readonly exitCode: number | null; readonly output: string }> {
  const file = join(folder, 'docker-compose.yml')
  writeFileSync(file, content)
  return await run(dclint, '--quiet', '--formatter', 'compact', file)
}

describe('docker-compose.yml', { timeout: PATIENCE_MS }, () => {
  it('keeps to the Compose specification', async () => {
    const { exitCode, output } = await lint(text)
    assert.deepEqual({ exitCode, output: output.trim() }, { exitCode: 0, output: '' })
  })

  it.each([
    ['an unknown key', 'healthcheck:', 'healthchek:'],
    ['a value of the wrong kind', 'replicas: 2', 'replicas: [2]'],
    ['a condition that does not exist', 'service_healthy', 'service_ready'],
    ['something that is no YAML', 'services:\n', 'services:\n  {\n'],
  ])('%s is noticed', async (_what, good, bad) => {
    assert.ok(text.includes(good))
    const { exitCode, output } = await lint(text.replace(good, bad))
    assert.notEqual(exitCode, 0)
    assert.notEqual(output, '')
  })

  it('names only services, volumes and files that are there', () => {
    assert.deepEqual(referenceProblems(compose, root), [])
  })

  it.each([
    ['a dependency on nobody', '    depends_on:\n      prometheus:', '    depends_on:\n      prometeus:', /grafana depends on prometeus/],
    ['waiting for the health of who tells none', 'service_completed_successfully', 'service_healthy', /waits for the health of topics/],
    ['a volume that is not declared', '  prometheus-data:\n', '', /prometheus mounts the volume prometheus-data/],
    ['a file that is not there', './infra/prometheus:', './infra/promtheus:', /prometheus mounts \.\/infra\/promtheus/],
    ['a port that anybody reaches', '"127.0.0.1:3000:3000"', '"3000:3000"', /grafana publishes 3000:3000 to everybody/],
  ])('%s is noticed', (_what, good, bad, problem) => {
    assert.ok(text.includes(good))
    assert.match(referenceProblems(parse(text.replace(good, bad), { merge: true }) as Compose, root).join('\n'), problem)
  })

  it('runs the Kafka and the registry that the tests run, with the same settings', () => {
    const version = /<artifactId>kafka_2\.13<\/artifactId>\s*<version>([^<]+)</.exec(read('infra/kafka/pom.xml'))?.[1]
    assert.equal(compose.services.kafka!.image, `apache/kafka:${version}`)
    assert.equal(compose.services.registry!.image, `apicurio/apicurio-registry:${REGISTRY_VERSION}`)
    for (const [key, value] of Object.entries(SINGLE_BROKER_SETTINGS))
      assert.equal(compose.services.kafka!.environment![`KAFKA_${key.toUpperCase().replaceAll('.', '_')}`], value, key)
  })

  it('runs commands that signalbox has', async () => {
    const own = Object.entries(compose.services).filter(([, { build }]) => build !== undefined)
    assert.equal(own.length, 6)
    for (const [name, { command }] of own) {
      const { exitCode, output } = await run(
        '--disable-warning=ExperimentalWarning',
        join(root, 'packages/cli/src/main.ts'),
        ...command!,
        '--help',
      )
      assert.equal(exitCode, 0, `${name}: ${output}`)
      assert.match(output, new RegExp(`^Usage: signalbox ${command!.join(' ')}`), `${name}: ${output}`)
    }
  })
})

describe('the Dockerfile', () => {
  const dockerfile = read('Dockerfile')
  it('has the Node and the pnpm that the project pins, and not the rights of root', () => {
    const { catalog } = parse(read('pnpm-workspace.yaml')) as { readonly catalog: Readonly<Record<string, string>> }
    const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base)
    assert.deepEqual(new Set(bases), new Set([`node:${catalog.node}-bookworm-slim`]))
    const { packageManager } = JSON.parse(read('package.json')) as { readonly packageManager: string }
    assert.ok(dockerfile.includes(`npm install --global ${packageManager}\n`))
    const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '))
    assert.match(last, /^USER node$/m)
    assert.match(last, /^HEALTHCHECK /m)
  })

  it('starts a file that is there', () => {
    const entrypoint = JSON.parse(/^ENTRYPOINT (.+)$/m.exec(dockerfile)![1]!) as readonly string[]
    assert.ok(existsSync(join(root, entrypoint.at(-1)!.replace('/app/', ''))))
  })
})
