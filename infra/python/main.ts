/** Prints the path of the Python with the packages that this repository's Python files need; makes it on first use. */
import { BrokerError } from '../kafka/errors.ts'
import { PythonError, pythonWithPackages } from './environment.ts'

try {
  process.stdout.write(`${await pythonWithPackages()}\n`)
} catch (error) {
  if (!(error instanceof PythonError || error instanceof BrokerError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 4
}
