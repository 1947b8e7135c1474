import { spawnSync } from 'node:child_process'
import { chmod, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openSqliteLog } from '@signalbox/log-sqlite'
import { describe, expect, it } from 'vitest'
import { copyOf, record, temporaryDirectory } from './support.ts'

/** Reads it as a user who may not write there. */
function readIn(directory: string): { readonly said: string; readonly failed: string } {
  const isRoot = process.getuid?.() === 0
  const { stderr, stdout } = spawnSync(process.execPath, [join(import.meta.dirname, 'read-all.ts'), directory], {
    encoding: 'utf8',
    ...(isRoot ? { uid: 65_534, gid: 65_534 } : {}),
  })
  return { said: stdout, failed: stderr }
}

async function forOthers(directory: string): Promise<string> {
  for (const name of await readdir(directory)) await chmod(join(directory, name), 0o444)
  await chmod(directory, 0o555)
  return directory
}

describe('a log in a folder that is read-only', { timeout: 30_000 }, () => {
  it('is read where its owner has closed it, and where it is in use', async () => {
    const directory = await temporaryDirectory()
    const log = await openSqliteLog({ directory })
    for (let each = 0; each < 3; each++) await log.append(0, record(`${each}`))
    const inUse = await forOthers(await copyOf(directory))
    expect(readIn(inUse)).toEqual({ said: '3', failed: '' })
    await log.close()
    const closed = await forOthers(await copyOf(directory))
    expect(readIn(closed)).toEqual({ said: '3', failed: '' })
    await Promise.all([inUse, closed].map((each) => chmod(each, 0o755)))
  })

  it('with a write-ahead log and no shared memory is a sentence that says where to read it', async () => {
    const directory = await temporaryDirectory()
    const log = await openSqliteLog({ directory })
    await log.append(0, record('one'))
    const copy = await copyOf(directory)
    await log.close()
    await import('node:fs/promises').then(({ rm }) => rm(join(copy, 'log.db-shm')))
    expect(readIn(await forOthers(copy)).failed).toContain('Copy the directory to where it can be written')
    await chmod(copy, 0o755)
  })
})
