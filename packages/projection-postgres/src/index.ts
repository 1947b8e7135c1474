export { openPostgresStore, type PostgresStoreOptions } from './postgres-database.ts'
