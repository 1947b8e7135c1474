/** A backup that cannot be taken, or cannot be put back: the message says which file or record, and what to do. */
export class BackupError extends Error {
  override readonly name = 'BackupError'
}
