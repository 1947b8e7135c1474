/** What a config says of projections. Their package is not known here: this is what their definitions look like from outside. */

export interface ConfiguredProjection {
  readonly name: string
  readonly version: number
  readonly tables: object
  readonly maxParked: number
}

export interface ProjectorSettings {
  /**
   * Where rows are kept. Default `sqlite`: in the data directory. With `postgres` the address comes from the environment,
   * SIGNALBOX_PROJECTOR_STORE, as it holds a password.
   */
  readonly store?: 'sqlite' | 'postgres'
  /** The schema in PostgreSQL. Default `signalbox`. */
  readonly schema?: string
  /** Which of the shipped projections are hosted. Default all. */
  readonly shipped?: readonly string[]
  /**
   * Where the log was moved to other topics: whether read models go on from those that it was in before. Those topics are read
   * for as long. Default false: they begin with what was carried over, in a store of their own.
   */
  readonly history?: boolean
  /** Where the projector listens. Default http://127.0.0.1:7075. */
  readonly url?: string
}
