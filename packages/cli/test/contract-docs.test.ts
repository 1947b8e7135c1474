/** The pages of Signalbox's own contracts say what the contracts say. `UPDATE_GOLDEN=1` writes them anew. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { builtIns } from '@signalbox/core'
import { expect, it } from 'vitest'
import { contractPage } from '../src/render/contract.ts'

const pages = resolve(import.meta.dirname, '../../../docs/contracts')

it.each(builtIns.map((own) => [own.contract.type, own] as const))('%s has its page', (type, own) => {
  const file = join(pages, `${type}.md`)
  if (process.env.UPDATE_GOLDEN === '1') {
    mkdirSync(pages, { recursive: true })
    writeFileSync(file, contractPage(own.contract, own))
  }
  expect(readFileSync(file, 'utf8')).toBe(contractPage(own.contract, own))
})

it('no page is of a contract that there is not', () => {
  expect(readdirSync(pages).sort()).toEqual(builtIns.map(({ contract }) => `${contract.type}.md`).sort())
})
