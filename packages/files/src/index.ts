export { FileError, fileErrorOf } from './errors.ts'
export { type LinesOptions, readLines } from './lines.ts'
export { parseJson, readJsonFile, withoutByteOrderMark } from './read.ts'
export { isProcessAlive, partialName, putInPlace, replaceFile, syncDirectory } from './write.ts'
