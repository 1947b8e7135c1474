/** A PostgreSQL that lets nobody in is a sentence with where and as whom, the exit code of a mistake, and no secret. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteLog } from '@signalbox/log-sqlite'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { POSTGRES_SOURCES, type PostgresForTests, postgresForTests } from '../../infra/postgres/choose.ts'
import { root } from '../support/root.ts'
import { runCommandLine } from './run-command.ts'
import { runHere } from './run-here.ts'

const config = join(root, 'test/end-to-end/shop.config.ts')
const directory = mkdtempSync(join(tmpdir(), 'signalbox-refused-'))
const secret = 'hidden-word'
let postgres: PostgresForTests
let place: string

beforeAll(async () => {
  // Of its own: it is told to ask for passwords.
  postgres = await postgresForTests(POSTGRES_SOURCES.filter(({ name }) => name !== 'POSTGRES_URL'))
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  await client.query(`CREATE ROLE ann LOGIN PASSWORD '${secret}-of-ann'`)
  await client.query('CREATE ROLE idle NOLOGIN')
  await client.query('CREATE ROLE poor LOGIN')
  const { hba_file: file } = (await client.query('SHOW hba_file')).rows[0] as { hba_file: string }
  const rules = ['host all poor all trust', 'host all idle all trust', 'host all all all scram-sha-256']
  await client.query(`COPY (SELECT unnest(ARRAY[${rules.map((rule) => `'${rule}'`).join(', ')}])) TO '${file}'`)
  await client.query('SELECT pg_reload_conf()')
  await client.end()
  const { host } = new URL(postgres.url)
  place = host
  await (await openSqliteLog({ directory: join(directory, 'data') })).close()
}, 180_000)

afterAll(async () => {
  await postgres.stop()
  rmSync(directory, { recursive: true, force: true })
})

const logins: readonly (readonly [string, string, string, RegExp])[] = [
  ['a wrong password', `ann:${secret}`, 'postgres', /password authentication failed/],
  ['no password', 'ann', 'postgres', /password must be a string/],
  ['an empty password', 'ann:', 'postgres', /password/],
  ['a role that is not there', `nobody:${secret}`, 'postgres', /password authentication failed/],
  ['a role that may not log in', `idle:${secret}`, 'postgres', /not permitted to log in/],
  ['a database that is not there', `ann:${secret}-of-ann`, 'nowhere', /database "nowhere" does not exist/],
]

describe('a store in PostgreSQL', () => {
  it.each(logins)('with %s', async (_name, login, database, says) => {
    const user = login.split(':')[0]!
    const { code, said } = await runHere(
      ['projection', 'list', '--config', config, '--data-dir', join(directory, 'data'), '--log', 'sqlite'],
      {
        SIGNALBOX_PROJECTOR_STORE: `postgres://${login}@${place}/${database}`,
      },
    )
    expect(said).toMatch(says)
    expect(said).toContain(`PostgreSQL at ${place} (database ${database}, user ${user}) refuses`)
    expect(said).not.toContain(secret)
    expect(said).not.toContain('a bug in signalbox')
    expect(code, said).toBe(2)
  })

  it('in which the user may make no schema', async () => {
    const { code, said } = await runHere(
      ['projection', 'list', '--config', config, '--data-dir', join(directory, 'data'), '--log', 'sqlite'],
      {
        SIGNALBOX_PROJECTOR_STORE: `postgres://poor@${place}/postgres`,
      },
    )
    expect(said).toMatch(/PostgreSQL refuses: permission denied/)
    expect(code, said).toBe(2)
  })

  it('that refuses ends up with the same sentence, and the log is left whole', async () => {
    const ended = await runCommandLine(
      ['up', '--port', '0', '--config', config, '--data-dir', join(directory, 'data'), '--log', 'sqlite'],
      {
        variables: { SIGNALBOX_PROJECTOR_STORE: `postgres://ann:${secret}@${place}/postgres` },
      },
    )
    expect(ended.stderr).toContain(`PostgreSQL at ${place} (database postgres, user ann) refuses`)
    expect(ended.stderr).not.toContain(secret)
    expect(ended.code, ended.stderr).toBe(2)
    expect(await runHere(['audit', '--config', config, '--data-dir', join(directory, 'data'), '--log', 'sqlite'])).toMatchObject({
      code: 0,
    })
  }, 60_000)
})
