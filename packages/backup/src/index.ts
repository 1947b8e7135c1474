export { BackupError } from './errors.ts'
export {
  backupFormat,
  type EmbeddedManifest,
  type Manifest,
  readManifest,
  type Segment,
  type TopicsManifest,
  writeManifest,
} from './manifest.ts'
export { type Proof, proveBackup, putBackup, type RestoreTarget } from './put.ts'
export { takeBackup } from './take.ts'
