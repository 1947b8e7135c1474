import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openSqliteStore } from '@signalbox/projection-sqlite'
import type { ProjectionStore } from '@signalbox/projection-store'
import type { ConformanceStore } from '@signalbox/projection-store/conformance'

export async function makeSqliteStore(): Promise<ConformanceStore> {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-projection-'))
  const opened: ProjectionStore[] = []
  const open = () => {
    const store = openSqliteStore({ directory })
    opened.push(store)
    return store
  }
  return {
    store: open(),
    reopen: async () => open(),
    async overtake(projection, version) {
      const database = new DatabaseSync(join(directory, 'projections.db'))
      database.prepare('UPDATE owner SET epoch = epoch + 1 WHERE name = ?').run(`${projection}@${version}`)
      database.close()
    },
    async destroy() {
      await Promise.all(opened.map((store) => store.close()))
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
