import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { BrokerError } from './errors.ts'

const WAIT_FOR_OTHER_MS = 10 * 60_000 + 10_000
const POLL_MS = 200

export function cacheFolder(): string {
  return process.env.SIGNALBOX_CACHE_DIR ?? resolve(import.meta.dirname, '../../.cache')
}

/**
 * The folder NAME of the cache, filled by `fill` on first use. A folder that has its final name is complete: it is filled
 * under another name and renamed, so a download that was cut off leaves nothing that looks finished, and two processes at
 * the same time end with the same folder. Errors: BrokerError, and whatever `fill` throws.
 */
export async function cachedFolder(cache: string, name: string, fill: (partial: string) => Promise<void>): Promise<string> {
  const folder = join(cache, name)
  if (existsSync(folder)) return folder
  await mkdir(cache, { recursive: true })
  const release = await lock(`${folder}.lock`, () => existsSync(folder))
  if (release === null) return folder
  try {
    if (!existsSync(folder)) await fillOnce(folder, fill)
    return folder
  } finally {
    await release()
  }
}

async function fillOnce(folder: string, fill: (partial: string) => Promise<void>): Promise<void> {
  await removeLeftovers(folder)
  const partial = `${folder}.partial-${process.pid}-${randomBytes(4).toString('hex')}`
  try {
    await mkdir(partial)
    await fill(partial)
    await rename(partial, folder)
  } catch (error) {
    await rm(partial, { recursive: true, force: true })
    // Somebody else's complete folder is as good as ours.
    if (!existsSync(folder)) throw error
  }
}

/** Only the holder of the lock calls this, so every partial folder belongs to a process that was cut off. */
async function removeLeftovers(folder: string): Promise<void> {
  const prefix = `${basename(folder)}.partial-`
  for (const name of await readdir(dirname(folder))) {
    if (name.startsWith(prefix)) await rm(join(dirname(folder), name), { recursive: true, force: true })
  }
}

/**
 * Takes a lock file that names its owner's process, and breaks one whose owner is gone. Resolves to null once `done` says
 * that the work has been finished by somebody else.
 */
async function lock(file: string, done: () => boolean): Promise<(() => Promise<void>) | null> {
  const deadline = Date.now() + WAIT_FOR_OTHER_MS
  for (;;) {
    try {
      await writeFile(file, `${process.pid}`, { flag: 'wx' })
      return () => rm(file, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    if (done()) return null
    if (!(await ownerIsAlive(file))) await rm(file, { force: true })
    else if (Date.now() > deadline) {
      throw new BrokerError(`Another process has been filling ${dirname(file)} for too long. End it, or delete ${file}, then try again.`)
    }
    await sleep(POLL_MS)
  }
}

async function ownerIsAlive(file: string): Promise<boolean> {
  let owner = ''
  // An empty file is a lock that is being written: look twice before it counts as abandoned.
  for (let attempt = 0; attempt < 2 && owner === ''; attempt++) {
    if (attempt > 0) await sleep(POLL_MS)
    owner = await readFile(file, 'utf8').catch(() => '')
  }
  return /^\d+$/.test(owner) && processIsAlive(Number(owner))
}

/** Whether a process of this number exists, whoever owns it. */
export function processIsAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
