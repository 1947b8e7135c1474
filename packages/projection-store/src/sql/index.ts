/** For stores on a SQL database. */
export {
  metadataTables,
  quoted,
  type SqlConnection,
  type SqlDatabase,
  type SqlRow,
  type SqlSession,
  type SqlValue,
} from './sql.ts'
export { SqlStore } from './sql-store.ts'
