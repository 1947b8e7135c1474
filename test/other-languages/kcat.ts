import { lastLines, runCommand } from '../../infra/kafka/command.ts'

const TIMEOUT_MS = 5 * 60_000
const WHAT_TO_INSTALL =
  'The tests of agents in other languages need kcat. Install it (Debian: apt-get install kcat; macOS: brew install kcat), then run the same command again.'

/** kcat is there afterwards: where it is missing, root on Debian gets it installed, anybody else is told how. */
export async function ensureKcat(): Promise<void> {
  if ((await runCommand('kcat', ['-V'], TIMEOUT_MS)) !== null) return
  if (process.getuid?.() !== 0 || (await runCommand('apt-get', ['--version'], TIMEOUT_MS)) === null) throw new Error(WHAT_TO_INSTALL)
  process.stderr.write('signalbox: installing kcat with apt-get (once)\n')
  for (const command of [['update'], ['install', '--yes', '--no-install-recommends', 'kcat']]) {
    const result = await runCommand('apt-get', ['--quiet', '-o', 'DPkg::Lock::Timeout=120', ...command], TIMEOUT_MS)
    if (result?.exitCode !== 0) throw new Error(`${WHAT_TO_INSTALL} apt-get ${command[0]} failed:\n${lastLines(result?.output ?? '', 10)}`)
  }
}
