export { FileError, fileErrorOf } from './errors.ts'
export { parseJson, readJsonFile, withoutByteOrderMark } from './read.ts'
export { partialName, putInPlace, replaceFile, syncDirectory } from './write.ts'
