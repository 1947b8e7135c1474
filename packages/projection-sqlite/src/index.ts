export { openSqliteStore, type SqliteStoreOptions } from './sqlite-database.ts'
