/** What Debezium's connectors write, and the order that is read from it: the last change of a row wins, whatever connector tells it. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bounds, type DebeziumOptions, debezium, type JsonValue, type RowChange, type SourceRecord } from '../src/index.ts'

const record = (value: unknown, offset = 0, key: unknown = { id: 1 }): SourceRecord => {
  return { topic: 'shop.stock', partition: 0, offset, timestampMs: 1_764_500_000_000, key: key as JsonValue, value: value as JsonValue }
}

/** What the map is handed; null where it is not asked. */
function read(value: unknown, offset = 0, options: DebeziumOptions = {}, key?: unknown): RowChange | null {
  let seen: RowChange | null = null
  const map = debezium((change) => {
    seen = change
    return null
  }, options)
  map(record(value, offset, key))
  return seen
}

const change = (source: object, op = 'u', more: object = {}) => ({
  op,
  before: { left: 1 },
  after: { left: 2 },
  source,
  ts_ms: 1_764_500_000_123,
  ...more,
})
/** All within one second, as MySQL tells its time. */
const second = { ts_ms: 1_764_500_000_000 }

/** By connector, what its `source` holds of four changes of one row, one after another, and a snapshot before them. */
const connectors: Readonly<Record<string, readonly object[]>> = {
  mysql: [
    { file: 'binlog.000009', pos: 0, row: 0, snapshot: 'true' },
    { file: 'binlog.000009', pos: 700, row: 0 },
    { file: 'binlog.000009', pos: 1_200, row: 0 },
    { file: 'binlog.000010', pos: 4, row: 0 },
    { file: 'binlog.000010', pos: 4_000_000_000, row: 3 },
  ],
  mariadb: [
    { file: '', pos: 0, snapshot: 'last' },
    { file: 'mariadb-bin.000001', pos: 4 },
    { file: 'mariadb-bin.000001', pos: 5 },
    { file: 'mariadb-bin.000099', pos: 1 },
    { file: 'mariadb-bin.000100', pos: 0 },
  ],
  postgresql: [24_023_100, 24_023_128, '24023129', 24_023_200, 999_999_999_999_999].map((lsn) => ({ lsn, sequence: '["1","2"]' })),
  sqlserver: [1, 2, 3, 4, 5].map((event) => ({
    commit_lsn: '00000027:00000758:0005',
    change_lsn: '00000027:00000758:0003',
    event_serial_no: event,
  })),
  oracle: ['2868546', '2868546', '2868546', '2868547', '2868548'].map((scn) => ({ scn, commit_scn: scn })),
  mongodb: [1, 1, 1, 2, 3].map((ord) => ({ ord, rs: 'rs0' })),
  db2: [1, 2, 3, 4, 5].map((change_lsn) => ({ change_lsn: `${change_lsn}`, commit_lsn: '9' })),
  spanner: [1, 2, 3, 4, 5].map((record_sequence) => ({ record_sequence: `${record_sequence}` })),
  vitess: [1, 2, 3, 4, 5].map(() => ({ vgtid: '[]' })),
}

describe('the order of changes', () => {
  it.each(Object.entries(connectors))('of %s is theirs, within one second too', (connector, sources) => {
    const versions = sources.map(
      (source, offset) => read(change({ connector, ...second, ...source }, offset === 0 ? 'r' : 'u'), offset)!.version,
    )
    for (const [index, version] of versions.entries()) {
      expect(Number.isInteger(version) && version <= bounds.factVersion.most).toBe(true)
      if (index > 0) expect(version).toBeGreaterThan(versions[index - 1]!)
    }
    // By the offset, it is the same order, whatever the source says.
    const offsets = sources.map((source, offset) => read(change({ connector, ...second, ...source }), offset, { order: 'offset' })!.version)
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b))
  })

  it.each(['mysql', 'mariadb', 'oracle', 'sqlserver'])('of %s is after all that an earlier release ordered by time', (connector) => {
    const source = { connector, ...second, file: 'binlog.000001', pos: 4 }
    expect(read(change(source))!.version).toBeGreaterThan(Date.UTC(2033, 0))
  })

  it('of MySQL is that of file and position, for all files and positions', () => {
    const place = fc.tuple(fc.integer({ min: 0, max: 200_000 }), fc.integer({ min: 0, max: 2 ** 32 - 1 }))
    fc.assert(
      fc.property(place, place, ([file, pos], [otherFile, otherPos]) => {
        const version = (number: number, at: number) =>
          read(change({ connector: 'mysql', file: `b.${`${number}`.padStart(6, '0')}`, pos: at }))!.version
        const order = file - otherFile || pos - otherPos
        expect(Math.sign(version(file, pos) - version(otherFile, otherPos))).toBe(Math.sign(order))
      }),
    )
  })

  it.each([
    ['PostgreSQL without lsn', { connector: 'postgresql', ts_ms: 5 }, /source\.lsn.*order: 'offset'/],
    ['a fraction', { connector: 'postgresql', lsn: 1.5 }, /source\.lsn/],
    ['a negative one', { connector: 'postgresql', lsn: -1 }, /source\.lsn/],
    ['one beyond 15 digits', { connector: 'postgresql', lsn: 1_000_000_000_000_000 }, /at most 999999999999999/],
    ['a file without number', { connector: 'mysql', file: 'binlog', pos: 1 }, /no number at its end/],
    ['a position beyond 4 GiB', { connector: 'mysql', file: 'b.000001', pos: 2 ** 32 }, /beyond 4 GiB/],
    ['no position', { connector: 'mariadb', file: 'b.000001' }, /source\.pos/],
  ])('%s is refused with a way on, and never ordered by another scale', (_name, source, message) => {
    expect(() => read(change(source))).toThrow(message)
    expect(read(change(source), 7, { order: 'offset' })!.version).toBe(2_000_000_000_007)
  })
})

describe('what says nothing of a row', () => {
  it.each([
    ['a tombstone', null],
    ['a heartbeat', { ts_ms: 1_764_500_000_000 }],
    ['a heartbeat with its schema', { schema: {}, payload: { ts_ms: 1 } }],
    ['a message', { op: 'm', ts_ms: 1, source: {}, message: { prefix: 'a', content: 'b' } }],
    ['a change of the schema', { source: {}, ts_ms: 1, databaseName: 'shop', ddl: 'CREATE TABLE stock (id INT)', tableChanges: [] }],
    ['the begin of a transaction', { status: 'BEGIN', id: '571:53195829', event_count: null, data_collections: null, ts_ms: 1 }],
    ['the end of one', { status: 'END', id: '571:53195832', event_count: 2, data_collections: [], ts_ms: 1 }],
  ])('%s is passed', (_name, value) => {
    expect(read(value)).toBeNull()
  })

  it.each([
    ['a truncated table', change({}, 't'), /truncated/],
    ['another operation', change({}, 'x'), /no op of c, u, d or r/],
    ['an operation that every object has', change({}, 'constructor'), /no op of c, u, d or r/],
    ['a flattened row', { id: 1, left: 3, __deleted: 'false' }, /no op of c, u, d or r/],
    ['a text', 'hello', /no object/],
    ['a list', [1], /no object/],
  ])('%s is refused', (_name, value, message) => {
    expect(() => read(value)).toThrow(message)
  })

  it('a delete has its key, and what was before where the source tells it', () => {
    const gone = change({ lsn: 5 }, 'd', { after: null, before: null })
    expect(read(gone, 0, {}, { payload: { id: 7 } })).toEqual({
      operation: 'delete',
      before: null,
      after: null,
      version: 5,
      key: { id: 7 },
    })
  })
})

it('another order than there is, is refused', () => {
  expect(() => debezium(() => null, { order: 'time' as never })).toThrow("order is \"time\"; give 'source' or 'offset'")
})
