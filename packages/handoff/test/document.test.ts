/** docs/handoff.md shows what the compiler makes. `UPDATE_GOLDEN=1` with this test writes its examples anew. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { compilePacket, inclusionReasons, omissionReasons, packetErrorCodes } from '../src/index.ts'
import { example } from './example.ts'
import { tools } from './support.ts'

const file = join(import.meta.dirname, '../../../docs/handoff.md')

/** The document with these two in its fences. */
function withExamples(document: string, text: string, json: string): string {
  return document.replace(/(?<=^```text\n)[\s\S]*?(?=^```$)/m, () => text).replace(/(?<=^```json\n)[\s\S]*?(?=^```$)/m, () => json)
}

it('shows the packet of the example as it is', async () => {
  const { packet, text } = compilePacket(example, await tools())
  const { parts: _, task: __, ...rest } = packet
  const json = `${JSON.stringify(rest, null, 2).replace(/\{\n\s+"(resource|tokens)": ([^\n]+)\n\s+"(version|bytes)": (\d+)\n\s+\}/g, '{ "$1": $2 "$3": $4 }')}\n`
  const document = readFileSync(file, 'utf8')
  const current = withExamples(document, text, json)
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(file, current)
  expect(readFileSync(file, 'utf8')).toBe(current)
  expect(current).toContain(text)
  expect(current).toContain(packet.digest)
})

it('lists every reason and every code, once, and no other', () => {
  const listed = [...readFileSync(file, 'utf8').matchAll(/^\|(?: \d+ \|)? `([A-Z_]+)` \|/gm)].map(([, name]) => name)
  expect(listed.sort()).toEqual([...inclusionReasons, ...omissionReasons, ...packetErrorCodes].sort())
})
