/** What the SQL of a store is written against: SQLite and PostgreSQL, where they differ. */

export type SqlValue = string | number | null | readonly string[]
export type SqlRow = Readonly<Record<string, unknown>>

export interface SqlConnection {
  /** Parameters are `$1`, `$2`, ... */
  query(sql: string, parameters?: readonly SqlValue[]): Promise<readonly SqlRow[]>
}

/** A connection of an owner's own. */
export interface SqlSession {
  /** Errors: UNAVAILABLE where it is not known whether it went through. */
  transaction<Result>(work: (connection: SqlConnection) => Promise<Result>): Promise<Result>
  close(): Promise<void>
}

export interface SqlDatabase {
  readonly name: string
  /** Ends a SELECT whose rows are to stay as they are until the transaction ends. */
  readonly forUpdate: string
  /** Reads as of one moment. */
  snapshot<Result>(work: (connection: SqlConnection) => Promise<Result>): Promise<Result>
  write<Result>(work: (connection: SqlConnection) => Promise<Result>): Promise<Result>
  /** Held until the session is closed or the process dies; null while somebody else holds the name. */
  lock(name: string): Promise<SqlSession | null>
  /** A table of keys and rows. */
  createTable(connection: SqlConnection, table: string): Promise<void>
  putView(connection: SqlConnection, view: string, table: string): Promise<void>
  select(connection: SqlConnection, table: string, keys: readonly string[]): Promise<readonly SqlRow[]>
  /** What is read of a row beside its key and text, to be given to `checked`. Begins with a comma, or is empty. */
  checksumOf(table: string): string
  /** The rows of such a query. Errors: CORRUPT, UNAVAILABLE for one that is not as it was written. */
  checked(rows: readonly SqlRow[]): readonly SqlRow[]
  upsert(connection: SqlConnection, table: string, rows: readonly { readonly key: string; readonly text: string }[]): Promise<void>
  remove(connection: SqlConnection, table: string, keys: readonly string[]): Promise<void>
  /** Whether a table was not there any more: another generation took its place. */
  isMissingTable(error: unknown): boolean
  close(): Promise<void>
}

/** What all of them keep beside the rows. `BIGINT` and `TEXT` mean the same to both. */
export const metadataTables: readonly string[] = [
  'CREATE TABLE IF NOT EXISTS projection (name TEXT PRIMARY KEY, live BIGINT, next_generation BIGINT NOT NULL)',
  'CREATE TABLE IF NOT EXISTS owner (name TEXT PRIMARY KEY, epoch BIGINT NOT NULL)',
  `CREATE TABLE IF NOT EXISTS generation (projection TEXT NOT NULL, generation BIGINT NOT NULL, version BIGINT NOT NULL,
    fingerprint TEXT NOT NULL, tables TEXT NOT NULL, state TEXT NOT NULL, created_ms BIGINT NOT NULL, PRIMARY KEY (projection, generation))`,
  `CREATE TABLE IF NOT EXISTS position (projection TEXT NOT NULL, generation BIGINT NOT NULL, part BIGINT NOT NULL,
    log_offset BIGINT NOT NULL, chain_offset BIGINT NOT NULL, link TEXT, PRIMARY KEY (projection, generation, part))`,
  `CREATE TABLE IF NOT EXISTS parked (sequence {identity}, projection TEXT NOT NULL, generation BIGINT NOT NULL, part BIGINT NOT NULL,
    log_offset BIGINT NOT NULL, reference TEXT NOT NULL, key TEXT NOT NULL, event TEXT NOT NULL, cause TEXT NOT NULL, stack TEXT,
    behind TEXT, announced BIGINT NOT NULL, parked_ms BIGINT NOT NULL)`,
  'CREATE INDEX IF NOT EXISTS parked_by_key ON parked (projection, generation, key, sequence)',
  'CREATE TABLE IF NOT EXISTS reaction (projection TEXT NOT NULL, part BIGINT NOT NULL, log_offset BIGINT NOT NULL, PRIMARY KEY (projection, part))',
  `CREATE TABLE IF NOT EXISTS request (id {identity}, projection TEXT NOT NULL, kind TEXT NOT NULL, argument TEXT, state TEXT NOT NULL,
    message TEXT)`,
]

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
