export { type AuditOptions, auditPartition } from './audit.ts'
export { type AuditCheck, auditChecks, type Finding, type PartitionAudit } from './findings.ts'
