import { codePage, rejectCodes } from '@signalbox/contract'
import { describe, expect, it } from 'vitest'
import { generated } from '../../infra/generate/records.ts'
import { files, importsOf, read, sources } from './files.ts'
import { layerProblem } from './layers.ts'

/** Lists of two reject codes or more. */
function codeLists(text: string): string[] {
  const isCode = (name: string) => Object.hasOwn(rejectCodes, name)
  return (text.match(/\[\s*'[A-Z_]+'(?:,\s*'[A-Z_]+')+,?\s*\]/g) ?? []).filter((list) => list.match(/[A-Z_]+/g)!.every(isCode))
}

describe('the layers', () => {
  it('every import goes one way', () => {
    expect(
      sources.flatMap((file) => importsOf(file).map((imported) => layerProblem(file, imported))).filter((problem) => problem !== null),
    ).toEqual([])
  })

  it.each([
    ['packages/core/src/decide.ts', '@signalbox/log'],
    ['packages/core/src/decide.ts', 'node:crypto'],
    ['packages/core/src/decide.ts', '../../log/src/port.ts'],
    ['packages/log/src/port.ts', '@signalbox/core'],
    ['packages/client/src/http.ts', '@signalbox/core'],
    ['services/gateway/src/desk.ts', '@signalbox/sequencer'],
    ['services/gateway/src/desk.ts', 'kafkajs'],
    ['packages/cli/src/commands/intent.ts', '@signalbox/gateway'],
    ['packages/log-memory/src/store.ts', 'node:sqlite'],
    ['packages/projection/src/index.ts', '@signalbox/core'],
    ['services/projector/src/index.ts', 'pg'],
    ['packages/event-log/src/event-reader.ts', '@signalbox/core'],
    ['packages/partition-state/src/restore.ts', '@signalbox/presentation'],
    ['packages/presentation/src/present.ts', '@signalbox/replay'],
    ['services/gateway/src/desk.ts', '@signalbox/replay'],
    ['services/sequencer/src/index.ts', '@signalbox/presentation'],
    ['packages/projection/src/index.ts', 'pg'],
    ['packages/projection/src/definition/fold.ts', '@signalbox/projection-store'],
    ['packages/projection-store/src/store.ts', '@signalbox/event-log'],
    ['packages/projection-host/src/verify.ts', '@signalbox/projection-postgres'],
    ['packages/projection-sqlite/src/index.ts', 'pg'],
    ['packages/cli/src/commands/up.ts', '@signalbox/sequencer'],
    ['packages/examples/src/demo.ts', '@signalbox/gateway'],
    ['packages/cli/src/commands/intent.ts', '../../../../test/bench/index.ts'],
    ['packages/signalbox/src/start.ts', '@signalbox/cli'],
  ])('a planted import is noticed: %s importing %s', (file, imported) => {
    expect(layerProblem(file, imported)).toMatch(file)
  })

  it('sees static, re-exported and dynamic imports', () => {
    const text = "import a from 'one'\nexport * from 'two'\nexport { b } from 'three'\nconst c = await import('four')\n"
    expect([...importsOf('x.ts', text)].sort()).toEqual(['four', 'one', 'three', 'two'])
  })
})

const bannedInCore: readonly (readonly [RegExp, string])[] = [
  [/\bDate\b/, 'the clock'],
  [/\bMath\.random\b/, 'chance'],
  [/\bperformance\b/, 'the clock'],
  [/\bprocess\./, 'the host'],
  [/\bsetTimeout\b|\bsetInterval\b|\bqueueMicrotask\b/, 'timers'],
  [/\basync\b|\bawait\b/, 'asynchrony'],
  [/\bconsole\./, 'output'],
  [/\bcrypto\b/, 'the host (the hash is injected)'],
  [/localeCompare|toLocale/, 'the locale'],
]

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1')
}

/** What a file of the core may not know, as it stands in its code. */
function bannedCalls(file: string, text: string): string[] {
  // The sandbox is where the clock and chance are taken away from contract code: it must name them.
  if (file.endsWith('/sandbox.ts')) return []
  return bannedInCore.filter(([pattern]) => pattern.test(withoutComments(text))).map(([, what]) => `${file} uses ${what}`)
}

describe('the core', () => {
  it('knows no clock, chance, timer, host or locale', () => {
    expect(sources.filter((file) => file.startsWith('packages/core/src/')).flatMap((file) => bannedCalls(file, read(file)))).toEqual([])
  })

  it.each(['const now = Date.now()', 'const x = Math.random()', 'await Promise.resolve()', "'a'.localeCompare('b')"])(
    'a planted call is noticed: %s',
    (text) => {
      expect(bannedCalls('packages/core/src/planted.ts', text)).not.toEqual([])
    },
  )

  it('does not mistake a comment for code', () => {
    expect(bannedCalls('packages/core/src/planted.ts', '// Date.now() is banned\n/* await */\n')).toEqual([])
  })
})

/** Programs that print their own figures, and no text of others. */
const printsFigures = /^packages\/(?:examples\/src|log-sqlite\/bench)\//

/** What is written beside the one place where text of others is made harmless. */
function writes(file: string, text: string): string[] {
  if (file === 'packages/cli/src/output.ts' || printsFigures.test(file)) return []
  const pattern = /\bprocess\.std(?:out|err)\.(?:write|_write|end)\b|\bconsole\.|\bwriteSync\(\s*[12]\b|\bpino\(|\bpino\.destination\b/
  return pattern.test(withoutComments(text)) ? [`${file} writes by itself`] : []
}

describe('what people read', () => {
  it('is written in one place, and logged in one', () => {
    const shipped = sources.filter((file) => /^(?:packages|services)\/[^/]+\/(?:src|bench)\//.test(file))
    expect(shipped.flatMap((file) => writes(file, read(file)))).toEqual(['packages/cli/src/service-logger.ts writes by itself'])
  })

  it.each(['process.stdout.write(note)', 'console.log(note)', 'process.stderr.write(note)', 'pino({ level })', 'writeSync(2, note)'])(
    'a planted write is noticed: %s',
    (text) => {
      expect(writes('packages/cli/src/commands/planted.ts', text)).not.toEqual([])
    },
  )
})

/** The proxies of an SDK are of the environment; demos start others in theirs. */
const readsEnvironment = /^packages\/(?:cli\/src\/environment\.ts|client\/src\/connection\.ts|examples\/src\/)/

describe('the environment', () => {
  it('is read in one place', () => {
    const shipped = sources.filter((file) => /^(?:packages|services)\/[^/]+\/src\//.test(file) && !readsEnvironment.test(file))
    expect(shipped.filter((file) => /\bprocess\.env\b|\benv\b[^:]*from 'node:process'/.test(withoutComments(read(file))))).toEqual([])
  })
})

/** What makes a server, which would answer whoever reaches it. The one package that may guards whom it answers, and on which address. */
function servers(file: string, text: string): string[] {
  if (file.startsWith('packages/http/')) return []
  const code = withoutComments(text)
  const makes =
    /\bimport\s+(?!type\b)[^'\n]*\bfrom 'fastify'|\bimport\('(?:fastify|node:(?:https?|http2|net|tls))'\)|\bcreate(?:Secure)?Server\b[^'\n]*\bfrom 'node:|\bcreateUnguarded\b/
  const ofNode = /\bimport\s+(?!type\b)(?:\w+|\* as \w+)[^'\n]* from 'node:(?:https?|http2|net|tls)'/
  return makes.test(code) || ofNode.test(code) ? [`${file} makes a server of its own`] : []
}

describe('HTTP servers', () => {
  it('are made in one way, which guards their address', () => {
    const shipped = sources.filter((file) => /^(?:packages|services)\/[^/]+\/src\//.test(file))
    // The stub stands for systems of others that the demo pays out through.
    expect(shipped.flatMap((file) => servers(file, read(file)))).toEqual([
      'packages/examples/src/refunds/stub-process.ts makes a server of its own',
    ])
  })

  it.each([
    "import Fastify from 'fastify'",
    "import { fastify } from 'fastify'",
    "import Fastify, { type FastifyInstance } from 'fastify'",
    "const { default: make } = await import('fastify')",
    "import { createServer } from 'node:http'",
    "import { createSecureServer } from 'node:http2'",
    "import { type AddressInfo, createServer } from 'node:net'",
    "import http from 'node:http'",
    "import * as https from 'node:https'",
    "import { createUnguarded } from '../../../packages/http/src/server.ts'",
  ])('a planted server is noticed: %s', (text) => {
    expect(servers('services/escalation/src/planted.ts', text)).not.toEqual([])
  })

  it.each(["import type { FastifyInstance } from 'fastify'", "import { isIP } from 'node:net'", "import type { Server } from 'node:http'"])(
    'does not mistake what makes none: %s',
    (text) => {
      expect(servers('services/escalation/src/planted.ts', text)).toEqual([])
    },
  )
})

describe('the rooms', () => {
  it('no source file passes 400 lines', () => {
    expect(
      sources
        .map((file) => [file, read(file).split('\n').length - 1] as const)
        .filter(([file, lines]) => lines > 400 && !file.endsWith('.test.ts')),
    ).toEqual([])
  })

  it('no test is skipped, focused or left for later', () => {
    const pattern = /\b(it|test|describe)\.(skip|only|todo)\b/
    expect(sources.filter((file) => pattern.test(read(file)) && !file.startsWith('test/house/'))).toEqual([])
  })

  it('generated files match the schemas', () => {
    for (const [file, text] of generated()) expect(read(file), `${file}: run npm run generate`).toBe(text)
  })

  it('every reject code has a page that says what to do', () => {
    for (const code of Object.keys(rejectCodes) as (keyof typeof rejectCodes)[]) {
      expect(files, `${codePage(code)} is missing`).toContain(codePage(code))
      const page = read(codePage(code))
      expect(page.startsWith(`# ${code}\n`), `${codePage(code)} must start with its code`).toBe(true)
      expect(page).toContain(rejectCodes[code].sentence)
      expect(page).toContain('## What to do')
    }
  })

  it('what codes are is said in their table: no other file lists several of them', () => {
    const ours = sources.filter((file) => /^(packages|services)\/[^/]+\/src\//.test(file))
    expect(ours.flatMap((file) => codeLists(read(file)).map((list) => `${file}: ${list}`))).toEqual([])
    expect(codeLists("const odd = new Set(['RESERVED', 'STALE_READ'])")).toEqual(["['RESERVED', 'STALE_READ']"])
    expect(codeLists("const fine = ['RESERVED']; const other = ['A', 'B']")).toEqual([])
  })

  it('every page belongs to a code', () => {
    const pages = files.filter((file) => file.startsWith('docs/codes/') && !file.endsWith('README.md'))
    expect(pages.sort()).toEqual((Object.keys(rejectCodes) as (keyof typeof rejectCodes)[]).map(codePage).sort())
  })

  it('nothing names a machine, or an address of a package registry', () => {
    const pattern = /\/home\/|\/Users\/|\/work\/|registry\.npmjs|repo1?\.maven/
    const text = files.filter((file) => !/\.(gz|png)$/.test(file) && file !== 'test/house/house.test.ts')
    expect(text.filter((file) => pattern.test(read(file)))).toEqual([])
  })
})
