import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { cachedFolder, cacheFolder } from './cache.ts'
import { lastLines, runCommand } from './command.ts'
import { BrokerError, WHAT_TO_INSTALL } from './errors.ts'

const POM = join(import.meta.dirname, 'pom.xml')
/** Of Apicurio, the last that runs on Java 17. */
export const REGISTRY_VERSION = '3.0.9'
/**
 * `unpack` of this release of Maven's dependency plugin and of no later one: those read the parent of the artifact's pom,
 * which was never published for this version of the registry.
 */
const UNPACK = 'org.apache.maven.plugins:maven-dependency-plugin:2.10:unpack'
const OLDEST_JAVA = 17
const MAVEN_TIMEOUT_MS = 10 * 60_000

/** Major version of the `java` on the path, or null where there is none. */
export async function javaVersion(): Promise<number | null> {
  const result = await runCommand('java', ['-version'], 20_000)
  const version = result?.output.match(/version "(\d+)(?:\.(\d+))?/)
  if (!version) return null
  // Java 8 calls itself 1.8.
  return Number(version[1] === '1' ? version[2] : version[1])
}

/** The folder that holds the broker's jars, fetched by Maven on first use. Errors: BrokerError. */
export async function fetchDistribution(cache: string = cacheFolder()): Promise<string> {
  // The pom names every version: other contents, other folder.
  const digest = createHash('sha256')
    .update(await readFile(POM))
    .digest('hex')
    .slice(0, 12)
  return cachedFolder(cache, `kafka-${digest}`, async (partial) => {
    process.stderr.write('signalbox: fetching Apache Kafka through Maven (once; 43 MB)\n')
    const copy = ['-f', POM, 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${partial}`]
    await maven('Apache Kafka', copy, partial)
  })
}

/** The folder that holds the registry's jars, fetched and unpacked by Maven on first use. Errors: BrokerError. */
export async function fetchRegistry(cache: string = cacheFolder()): Promise<string> {
  return cachedFolder(cache, `apicurio-registry-${REGISTRY_VERSION}`, async (partial) => {
    process.stderr.write('signalbox: fetching the Apicurio schema registry through Maven (once; 109 MB)\n')
    const artifact = `io.apicurio:apicurio-registry-app:${REGISTRY_VERSION}:tar.gz:all`
    await maven('the Apicurio schema registry', [UNPACK, `-Dartifact=${artifact}`, `-DoutputDirectory=${partial}`], partial)
    // The plugin's note to itself, in a folder that it names so where there is no project.
    await rm(join(partial, `\${project.basedir}`), { recursive: true, force: true })
  })
}

/** The jar that starts the registry, in a folder of fetchRegistry. */
export function registryJar(folder: string): string {
  return join(folder, `apicurio-registry-app-${REGISTRY_VERSION}-runner.jar`)
}

/** Runs Maven in `folder`, which must not be empty afterwards. */
async function maven(what: string, mavenArguments: readonly string[], folder: string): Promise<void> {
  const result = await runCommand('mvn', ['-B', '-q', '-ntp', ...mavenArguments], MAVEN_TIMEOUT_MS, folder)
  if (result === null) throw new BrokerError(`Maven (the command mvn) is not installed.\n${WHAT_TO_INSTALL}`)
  if (result.exitCode === 0 && existsSync(folder) && (await readdir(folder)).length > 0) return
  throw new BrokerError(
    `Maven could not fetch ${what} (exit code ${result.exitCode}). Its last lines were:\n${lastLines(result.output, 15)}\n` +
      'Check that Maven can reach its repository (a proxy belongs in ~/.m2/settings.xml), then run the same command again.',
  )
}

/** Whether Maven and a fitting Java are installed; says what is missing otherwise. */
export async function canRunFromMaven(): Promise<{ readonly ok: true } | { readonly ok: false; readonly why: string }> {
  const java = await javaVersion()
  if (java === null) return { ok: false, why: 'Java is not installed' }
  if (java < OLDEST_JAVA) return { ok: false, why: `Java is ${java}, and Kafka 4 needs ${OLDEST_JAVA} or later` }
  const mavenVersion = await runCommand('mvn', ['-version'], 30_000)
  return mavenVersion?.exitCode === 0 ? { ok: true } : { ok: false, why: 'Maven (the command mvn) is not installed' }
}
