import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Log } from '@signalbox/log'
import { describeLogConformance, type LogHarness } from '@signalbox/log/conformance'
import { openSqliteLog, openSqliteLogReader, type SqliteLogOptions } from '@signalbox/log-sqlite'

const MAX_RECORD_BYTES = 1024 * 1024

function sqliteHarness(options: Partial<SqliteLogOptions> = {}): LogHarness {
  return {
    manyProcesses: false,
    keepsSnapshots: false,
    keepsIndex: true,
    hasReader: true,
    deletesRecords: false,
    tooLargeBytes: MAX_RECORD_BYTES + 1,
    async createStore({ partitionCount }) {
      const directory = await mkdtemp(join(tmpdir(), 'signalbox-log-'))
      const logs: Log[] = []
      return {
        async open() {
          const log = await openSqliteLog({ directory, partitionCount, maxRecordBytes: MAX_RECORD_BYTES, ...options })
          logs.push(log)
          return log
        },
        openReader: () => openSqliteLogReader({ directory, pollIntervalMs: 2 }),
        async destroy() {
          await Promise.all(logs.map((log) => log.close()))
          await rm(directory, { recursive: true })
        },
      }
    },
  }
}

describeLogConformance('the SQLite log', sqliteHarness())

describeLogConformance('the SQLite log with no records in memory, so that every cursor reads the file', sqliteHarness({ recentBytes: 0 }))
