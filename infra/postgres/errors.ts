/** A PostgreSQL could not be brought up. `message` says what happened, to what, and what to do next. */
export class PostgresError extends Error {
  override readonly name = 'PostgresError'
}

export const WHAT_TO_INSTALL = [
  'Signalbox needs a PostgreSQL server here and found none. Do one of these:',
  '  - set POSTGRES_URL=postgres://USER:PASSWORD@HOST:PORT/DATABASE to one (14 or later) that may be written to;',
  '  - install the server (Debian: apt-get install postgresql; macOS: brew install postgresql@17);',
  '  - start Docker, so that a server can run in a container.',
].join('\n')
