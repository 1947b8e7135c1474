/** `signalbox audit`: proves what Signalbox promises of a log, or names the first break. */

import { sha256 } from '@signalbox/codec'
import { contractRecords, contractSet, defaultLimits, noContracts } from '@signalbox/contract'
import { preparedContracts } from '@signalbox/core'
import { type AuditCheck, auditChecks, auditPartition, type PartitionAudit } from '@signalbox/replay'
import { exitCodes } from '../exit-codes.ts'
import { openToRead, type Reading } from '../logs.ts'
import { wholeNumber } from '../numbers.ts'
import { printOne, say, table } from '../output.ts'
import { agentsOf } from '../rules.ts'
import type { Settings } from '../settings.ts'

const progressMs = 2_000

export interface AuditFlags {
  readonly partition?: string
}

export interface AuditReport {
  readonly log: string
  readonly clean: boolean
  readonly events: number
  readonly decisions: number
  readonly decided_again: number
  readonly not_decided_again: number
  /** How many of them for which reason. */
  readonly why_not_decided_again: Readonly<Record<string, number>>
  readonly undecided: number
  readonly breaks: number
  readonly partitions: readonly PartitionAudit[]
}

/** Exit code 0 for a clean log, 1 for one with a break. */
export async function audit(settings: Settings, flags: AuditFlags): Promise<number> {
  const source = await openToRead(settings)
  try {
    const report = await auditSource(settings, source, chosen(flags, source.log.partitionCount))
    printOne(settings.output, report, auditText)
    return report.clean ? exitCodes.ok : exitCodes.bug
  } finally {
    await source.log.close()
  }
}

/** Audits partitions of an open log, all where none are named, by the contracts of the settings where there are any. */
export async function auditSource(
  settings: Settings,
  { beginning, codec, header, log, snapshots }: Reading,
  wanted?: readonly number[],
): Promise<AuditReport> {
  const contracts = settings.config === null ? noContracts : contractSet(settings.config.contracts)
  if (settings.config === null) say('there is no signalbox.config.ts here, so no decision is made again; name one with --config')
  const options = {
    log,
    codec,
    snapshots,
    ...(header === undefined || beginning === undefined
      ? {}
      : { excerpt: { isWhole: header.isWhole, isRedacted: header.redacted.length > 0, beginning } }),
    rules: {
      contracts: preparedContracts(contracts),
      limits: defaultLimits,
      partitionCount: log.partitionCount,
      ...agentsOf(settings),
      sha256,
    },
    contracts: contractRecords(contracts, sha256, agentsOf(settings).containment),
    progress: progressTo(say),
  }
  const partitions: PartitionAudit[] = []
  for (const partition of wanted ?? chosen({}, log.partitionCount)) partitions.push(await auditPartition(options, partition))
  return reportOf(log.name, partitions)
}

function chosen({ partition }: AuditFlags, partitionCount: number): readonly number[] {
  if (partition === undefined) return Array.from({ length: partitionCount }, (_, each) => each)
  return [wholeNumber('--partition', partition, { most: partitionCount - 1 })]
}

function progressTo(tell: (text: string) => void) {
  let saidMs = performance.now()
  return ({ end, events, logOffset, partition }: { partition: number; events: number; logOffset: number; end: number }) => {
    if (performance.now() - saidMs < progressMs) return
    saidMs = performance.now()
    tell(`partition ${partition}: ${events} events read, log offset ${logOffset} of ${end}`)
  }
}

function reportOf(log: string, partitions: readonly PartitionAudit[]): AuditReport {
  const sum = (of: (audit: PartitionAudit) => number) => partitions.reduce((total, each) => total + of(each), 0)
  const breaks = sum(({ findings }) => findings.length)
  return {
    log,
    clean: breaks === 0,
    events: sum(({ events }) => events),
    decisions: sum(({ decisions }) => decisions),
    decided_again: sum(({ decidedAgain }) => decidedAgain),
    not_decided_again: sum(({ notDecidedAgain }) => notDecidedAgain),
    why_not_decided_again: whyNot(partitions),
    undecided: sum(({ undecided }) => undecided),
    breaks,
    partitions,
  }
}

export function auditText(report: AuditReport): string {
  const rows = [['partition', 'events', 'decisions', 'decided again', 'undecided', 'watermark', 'snapshot', 'breaks']]
  for (const each of report.partitions) {
    const { decidedAgain, decisions, events, findings, partition, snapshotPosition, undecided, watermark } = each
    const numbers = [partition, events, decisions, decidedAgain, undecided, watermark].map(String)
    rows.push([...numbers, snapshotPosition === null ? 'none' : `at ${snapshotPosition}`, `${findings.length}`])
  }
  const findings = report.partitions.flatMap((each) => each.findings)
  const lines = findings.map(({ check, intentOffset, logOffset, message, partition }) => {
    const where = `partition ${partition}${logOffset === null ? '' : `, log offset ${logOffset}`}${intentOffset === null ? '' : `, intent ${intentOffset}`}`
    return `BROKEN  ${auditChecks[check]}\n  ${where}: ${message}`
  })
  const skipped = Object.entries(report.why_not_decided_again).map(
    ([why, count]) => `${count} decisions could not be decided again: ${why}`,
  )
  const verdict = report.clean
    ? `clean: ${proven(report).join('; ')}`
    : 'first break of each promise above; do not write to this log before you know why: signalbox intent explain, and docs/operating.md'
  return [table(rows), ...lines, ...skipped, verdict].join('\n')
}

function whyNot(partitions: readonly PartitionAudit[]): Readonly<Record<string, number>> {
  const counts = new Map<string, number>()
  for (const [why, count] of partitions.flatMap((each) => Object.entries(each.whyNot))) counts.set(why, (counts.get(why) ?? 0) + count)
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** What was looked at, and no more: nothing is claimed of what is not there. */
function proven({ decided_again: again, decisions, events, partitions }: AuditReport): readonly string[] {
  if (events === 0) return ['the log is empty, so there was nothing to prove']
  const said: Readonly<Partial<Record<AuditCheck, string | null>>> = {
    decided: decisions === 0 ? 'no intent was decided yet' : auditChecks.decided,
    'decided again':
      decisions === 0
        ? null
        : again === decisions
          ? auditChecks['decided again']
          : again === 0
            ? 'no decision could be decided again'
            : `${again} of ${decisions} decisions equal decide run again`,
    snapshot: partitions.some(({ snapshotPosition }) => snapshotPosition !== null) ? auditChecks.snapshot : null,
    index: partitions.some(({ hasIndex }) => hasIndex) ? auditChecks.index : null,
  }
  const checks = Object.entries(auditChecks) as [AuditCheck, string][]
  return checks.map(([check, promise]) => (said[check] === undefined ? promise : said[check])).filter((each) => each !== null)
}
