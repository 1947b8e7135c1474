/** One digest of all rows of a generation: the same however they came to be. */
import { createHash } from 'node:crypto'
import { maxPageRows, type Snapshot, type StoredRow } from '@signalbox/projection-store'

export class ContentHash {
  readonly #hash = createHash('sha256')
  rows = 0

  /** Tables in the order of their names, rows in the order of their keys. */
  add(table: string, { key, text }: StoredRow): void {
    this.#hash.update(`${JSON.stringify([table, key])}\n${text}\n`)
    this.rows++
  }

  digest(): string {
    return this.#hash.digest('base64url')
  }
}

/** Every row of a table, in the order of keys. */
export async function* allRows(snapshot: Snapshot, table: string): AsyncGenerator<StoredRow> {
  for (let after: string | undefined; ; ) {
    const page = await snapshot.rows(table, { limit: maxPageRows, ...(after === undefined ? {} : { after }) })
    yield* page
    if (page.length < maxPageRows) return
    after = page.at(-1)!.key
  }
}

/** SHA-256 over the rows, base64url, and how many there are. */
export async function contentHash(snapshot: Snapshot): Promise<{ readonly hash: string; readonly rows: number }> {
  const content = new ContentHash()
  for (const table of [...snapshot.generation.tables].sort()) for await (const row of allRows(snapshot, table)) content.add(table, row)
  return { hash: content.digest(), rows: content.rows }
}
