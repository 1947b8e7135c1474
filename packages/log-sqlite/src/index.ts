export { type CopyOptions, copySqliteLog, placeSqliteCopy, type SqliteCopy } from './copy.ts'
export { openSqliteLog, type SqliteLogOptions } from './sqlite-log.ts'
export { openSqliteLogReader, type SqliteLogReaderOptions } from './sqlite-log-reader.ts'
