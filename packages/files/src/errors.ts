/** What the operating system says of a file, as a sentence with a next step. */

/** A file or folder that cannot be used as it was named. The message is for people. */
export class FileError extends Error {
  override readonly name = 'FileError'
}

const sentences: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder. Check the name; make the folder where it is missing.',
  ENOTDIR: 'a part of its path is a file, not a folder. Name another path.',
  EISDIR: 'it is a folder. Name a file.',
  EEXIST: 'it is there already. Name another, or move that one away.',
  ENOTEMPTY: 'the folder there is not empty. Name another, or move that one away.',
  EACCES: 'this user may not use it. Check its rights and those of its folder.',
  EPERM: 'this user may not do that. Check its rights and those of its folder.',
  EROFS: 'it lies on a read-only file system. Name a path that can be written.',
  ENOSPC: 'no space is left there. Make some, or name another disk.',
  EDQUOT: 'the quota there is used up. Make some space, or name another disk.',
  EFBIG: 'it would be larger than the file system allows. Name another disk.',
  ELOOP: 'its path goes through too many links. Name the file that they lead to.',
  ENAMETOOLONG: 'the name is too long. Name a shorter one.',
  EXDEV: 'it lies on another file system. Name a path on the same one.',
  EBUSY: 'it is in use. Stop what uses it.',
  ETXTBSY: 'it is in use. Stop what uses it.',
  EIO: 'the disk failed to read or write. Check the disk.',
  ENXIO: 'nothing is behind that name. Name a file.',
  ENODEV: 'nothing is behind that name. Name a file.',
  EINVAL: 'the file system does not allow that. Name another path.',
  EMFILE: 'this process has too many files open. Raise the limit (ulimit -n).',
  ENFILE: 'this machine has too many files open. Close some.',
}

/**
 * The `FileError` of what a call of `node:fs` threw; undefined for an error that is not about a file. `doing` says in a verb what was
 * tried; `path` names the file as the user named it, where the error names another.
 */
export function fileErrorOf(error: unknown, doing = 'used', path?: string): FileError | undefined {
  if (error instanceof FileError) return error
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return undefined
  const named = path ?? ('path' in error && typeof error.path === 'string' ? error.path : undefined)
  const sentence = sentences[String(error.code)]
  if (named === undefined || sentence === undefined) return undefined
  return new FileError(`${named} cannot be ${doing}: ${sentence}`, { cause: error })
}
