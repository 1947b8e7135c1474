import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { lastLines, runCommand } from './command.ts'
import { BrokerError, WHAT_TO_INSTALL } from './errors.ts'

const here = dirname(fileURLToPath(import.meta.url))
const POM = join(here, 'pom.xml')
const OLDEST_JAVA = 17
const MAVEN_TIMEOUT_MS = 10 * 60_000
const WAIT_FOR_OTHER_MS = MAVEN_TIMEOUT_MS + 10_000
const POLL_MS = 200

export function cacheFolder(): string {
  return process.env.SIGNALBOX_CACHE_DIR ?? resolve(here, '../../.cache')
}

/** Major version of the `java` on the path, or null where there is none. */
export async function javaVersion(): Promise<number | null> {
  const result = await runCommand('java', ['-version'], 20_000)
  const version = result?.output.match(/version "(\d+)(?:\.(\d+))?/)
  if (!version) return null
  // Java 8 calls itself 1.8.
  return Number(version[1] === '1' ? version[2] : version[1])
}

/**
 * The folder that holds the broker's jars, fetched by Maven on first use. A folder that has its final name is complete: it is
 * filled under another name and renamed, so a download that was cut off leaves nothing that looks finished, and two
 * processes at the same time end with the same folder. Errors: BrokerError.
 */
export async function fetchDistribution(cache: string = cacheFolder()): Promise<string> {
  // The pom names every version: other contents, other folder.
  const digest = createHash('sha256')
    .update(await readFile(POM))
    .digest('hex')
    .slice(0, 12)
  const folder = join(cache, `kafka-${digest}`)
  if (existsSync(folder)) return folder
  await mkdir(cache, { recursive: true })
  const release = await lock(`${folder}.lock`, () => existsSync(folder))
  if (release === null) return folder
  try {
    if (!existsSync(folder)) await fill(folder)
    return folder
  } finally {
    await release()
  }
}

async function fill(folder: string): Promise<void> {
  await removeLeftovers(folder)
  const partial = `${folder}.partial-${process.pid}-${randomBytes(4).toString('hex')}`
  process.stderr.write('signalbox: fetching Apache Kafka through Maven (once; 43 MB)\n')
  try {
    const copy = ['-B', '-q', '-ntp', '-f', POM, 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${partial}`]
    const result = await runCommand('mvn', copy, MAVEN_TIMEOUT_MS)
    if (result === null) throw new BrokerError(`Maven (the command mvn) is not installed.\n${WHAT_TO_INSTALL}`)
    if (result.exitCode !== 0 || !existsSync(partial)) {
      throw new BrokerError(
        `Maven could not fetch Apache Kafka (exit code ${result.exitCode}). Its last lines were:\n${lastLines(result.output, 15)}\n` +
          'Check that Maven can reach its repository (a proxy belongs in ~/.m2/settings.xml), then run the same command again.',
      )
    }
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
      throw new BrokerError(`Another process has been fetching Apache Kafka for too long. End it, or delete ${file}, then try again.`)
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
  if (!/^\d+$/.test(owner)) return false
  try {
    process.kill(Number(owner), 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Whether Maven and a fitting Java are installed; says what is missing otherwise. */
export async function canRunFromMaven(): Promise<{ readonly ok: true } | { readonly ok: false; readonly why: string }> {
  const java = await javaVersion()
  if (java === null) return { ok: false, why: 'Java is not installed' }
  if (java < OLDEST_JAVA) return { ok: false, why: `Java is ${java}, and Kafka 4 needs ${OLDEST_JAVA} or later` }
  const maven = await runCommand('mvn', ['-version'], 30_000)
  return maven?.exitCode === 0 ? { ok: true } : { ok: false, why: 'Maven (the command mvn) is not installed' }
}
