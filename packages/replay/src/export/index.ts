export { type ExportedSource, openExport } from './file-log.ts'
export { ExportError, type ExportHeader } from './format.ts'
export { Redactor } from './redact.ts'
export { type Exported, type ExportRequest, exportLog } from './write.ts'
