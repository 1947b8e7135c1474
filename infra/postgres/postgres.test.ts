import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { postgresBinaries } from './binaries.ts'
import { POSTGRES_SOURCES, type PostgresForTests, type PostgresSource, postgresForTests } from './choose.ts'
import { PostgresError } from './errors.ts'

let folder = ''

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-postgres-test-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

function put(...parts: readonly string[]): string {
  const bin = join(folder, ...parts)
  mkdirSync(bin, { recursive: true })
  for (const name of ['initdb', 'postgres']) {
    writeFileSync(join(bin, name), '#!/bin/sh\n')
    chmodSync(join(bin, name), 0o755)
  }
  return bin
}

describe('the binaries of PostgreSQL', () => {
  it('are taken from the path before where distributions keep them, and there the newest', () => {
    const kept = join(folder, 'kept')
    assert.equal(postgresBinaries('', [kept]), null)
    const old = put('kept', '9', 'bin')
    assert.equal(postgresBinaries('', [kept]), old)
    const newest = put('kept', '17', 'bin')
    assert.equal(postgresBinaries('/nowhere', [kept]), newest)
    const onPath = put('path')
    assert.equal(postgresBinaries(`/nowhere:${onPath}`, [kept]), onPath)
    chmodSync(join(onPath, 'initdb'), 0o644)
    assert.equal(postgresBinaries(`/nowhere:${onPath}`, [kept]), newest)
  })
})

describe('a PostgreSQL for tests', { timeout: 120_000 }, () => {
  const source = (name: PostgresForTests['source'], found: boolean): PostgresSource => ({
    name,
    start: async () => (found ? { url: `postgres://${name}`, source: name, stop: async () => {} } : null),
  })

  it('is the first that this machine has, and nothing is skipped in silence', async () => {
    assert.equal(
      (await postgresForTests([source('POSTGRES_URL', false), source('installed', true), source('docker', true)])).source,
      'installed',
    )
    await assert.rejects(postgresForTests([source('docker', false)]), (error: Error) => {
      assert.ok(error instanceof PostgresError)
      assert.match(error.message, /POSTGRES_URL=.*\n.*apt-get install postgresql/s)
      return true
    })
    assert.deepEqual(
      POSTGRES_SOURCES.map(({ name }) => name),
      ['POSTGRES_URL', 'installed', 'docker'],
    )
  })

  it('answers, and is gone with its data when it is stopped', async () => {
    const postgres = await postgresForTests()
    const client = new pg.Client(postgres.url)
    await client.connect()
    const { rows } = await client.query("SELECT version() AS version, current_setting('data_directory') AS folder")
    assert.match(rows[0].version, /^PostgreSQL \d+/)
    await client.end()
    await postgres.stop()
    if (postgres.source !== 'installed') return
    assert.equal(existsSync(rows[0].folder), false)
    await assert.rejects(new pg.Client(postgres.url).connect())
  })
})
