import { join } from 'node:path'
import { kafkaVersion } from 'scripts/infrastructure/kafka-properties'
import { javaWithJars } from 'scripts/infrastructure/kafka-runtime'
import { run } from 'scripts/infrastructure/run-command'
import { kafkaLibraryFolder, projectFolder } from 'scripts/system/settings'

const pom = new URL('./pom.xml', import.meta.url)
const folder = join(projectFolder, '.data/kafka-tools')

/** Runs one of Kafka's own tools to its end and answers its output. The first call fetches them with Maven. */
export async function runKafkaTool(mainClass: string, args: string[]): Promise<string> {
  const { java, libraries } = await javaWithJars(pom, 'kafka', folder, line => console.log(line))
  // The broker's jars bring what the tools log with.
  const classPath = [libraries, join(kafkaLibraryFolder, kafkaVersion())]
    .map(path => join(path, '*'))
    .join(':')
  return run(java, ['-cp', classPath, mainClass, ...args])
}
