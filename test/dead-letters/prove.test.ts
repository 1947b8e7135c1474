import { rmSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type ProofOptions, proveDeadLetters } from './proof.ts'

const seed = Date.now() % 1_000_000
const minutes = 60_000

async function prove(options: Partial<ProofOptions>) {
  const said: string[] = []
  const common = { records: 500, scopes: 8, kills: 4, seed, brokers: null, say: (text: string) => void said.push(text) }
  const { directory, ...proof } = await proveDeadLetters({ ...common, ...options })
  rmSync(directory, { recursive: true, force: true })
  return { proof, told: `seed ${seed}\n${said.join('\n')}` }
}

describe('dead letters of every kind, redriven by a command that is killed', () => {
  it.each([
    ['SQLite', () => ({})],
    ['Kafka', () => ({ brokers: process.env.KAFKA_BROKERS!, records: 150, kills: 2 })],
  ])(
    'on %s none is lost, and each is redriven once and in its order',
    async (_name, optionsOf) => {
      const { proof, told } = await prove(optionsOf())
      expect(proof, told).toMatchObject({ isProven: true, findings: [], left: 0, deadLetters: proof.poison })
      expect(proof.decisionsOfRedriven).toBe(proof.redrivable)
      expect(proof.redrivable).toBeGreaterThan(50)
      expect(proof.discarded).toBe(proof.deadLetters - proof.redrivable)
    },
    3 * minutes,
  )

  it(
    'a new intent that does not have the id of its mark is found out',
    async () => {
      const { proof, told } = await prove({ records: 200, scopes: 4, kills: 2, plant: 'random-id' })
      expect(proof.isProven, told).toBe(false)
      expect(proof.decisionsOfRedriven).toBeGreaterThan(proof.redrivable)
    },
    3 * minutes,
  )

  it(
    'letters of one scope that do not wait for each other are found out',
    async () => {
      const { proof, told } = await prove({ records: 300, scopes: 2, kills: 0, plant: 'no-order' })
      expect(proof.isProven, told).toBe(false)
      expect(proof.findings.join('\n')).toContain('passed as number')
    },
    3 * minutes,
  )
})
