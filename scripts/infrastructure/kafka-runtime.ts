import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { dockerAnswers } from './docker.ts'
import { kafkaVersion, pomFile, versionIn } from './kafka-properties.ts'
import { run } from './run-command.ts'

export type KafkaRuntime = { kind: 'java'; java: string; libraries: string } | { kind: 'docker' }

const javaVersionMin = 17

/**
 * Java where it is here with Kafka's jars, or with Maven to fetch them; else Docker. Throws one message that
 * says what to install where there is neither. `libraryRoot` keeps the jars of each version.
 */
export async function findKafkaRuntime(
  libraryRoot: string,
  say: (line: string) => void,
): Promise<KafkaRuntime> {
  const version = kafkaVersion()
  const libraries = join(libraryRoot, version)
  const { java, problem } = await findJava()
  if (java && existsSync(libraries)) return { kind: 'java', java, libraries }
  const maven = java ? await findMaven() : undefined
  if (java && maven) {
    say(`Fetching Apache Kafka ${version} with Maven; this is done once.`)
    await fetchLibraries(maven, pomFile, libraries)
    return { kind: 'java', java, libraries }
  }
  if (await dockerAnswers()) return { kind: 'docker' }
  throw new Error(
    [
      `Apache Kafka needs ${problem ?? 'Maven (mvn), which is not installed'}; Docker, which would do as well, does not answer.`,
      'Install Java 17 or newer and Maven (Debian and Ubuntu: apt-get install openjdk-17-jre-headless maven; macOS: brew install openjdk maven),',
      'or start Docker, or set KAFKA_BROKERS to a Kafka that is running.',
    ].join('\n'),
  )
}

/**
 * Java, and the jars that a pom.xml asks for; `property` names their version in it. For what runs beside Kafka on
 * request only: throws where Java or Maven is missing.
 */
export async function javaWithJars(
  pom: URL,
  property: string,
  libraryRoot: string,
  say: (line: string) => void,
): Promise<{ java: string; libraries: string }> {
  const version = versionIn(pom, property)
  const libraries = join(libraryRoot, version)
  const { java, problem } = await findJava()
  if (!java) throw new Error(`${property} needs ${problem}. Install it and try again.`)
  if (existsSync(libraries)) return { java, libraries }
  const maven = await findMaven()
  if (!maven)
    throw new Error(`${property} needs Maven (mvn), which is not installed. Install it and try again.`)
  say(`Fetching ${property} ${version} with Maven; this is done once.`)
  await fetchLibraries(maven, pom, libraries)
  return { java, libraries }
}

async function findJava(): Promise<{ java?: string; problem?: string }> {
  const home = process.env.JAVA_HOME && join(process.env.JAVA_HOME, 'bin/java')
  const java = home && existsSync(home) ? home : 'java'
  try {
    const version = Number(/version "(\d+)/.exec(await run(java, ['-version']))?.[1])
    if (version >= javaVersionMin) return { java }
    return { problem: `Java ${javaVersionMin} or newer, and ${java} is Java ${version}` }
  } catch {
    return { problem: `Java ${javaVersionMin} or newer, which is not installed` }
  }
}

async function findMaven(): Promise<string | undefined> {
  try {
    await run('mvn', ['--version'])
    return 'mvn'
  } catch {
    return undefined
  }
}

/** Fetched under another name and renamed: the folder exists only when it is whole. */
async function fetchLibraries(maven: string, pom: URL, libraries: string): Promise<void> {
  const unfinished = `${libraries}.${process.pid}`
  await mkdir(unfinished, { recursive: true })
  try {
    await run(maven, [
      '--quiet',
      '--batch-mode',
      `--file=${fileURLToPath(pom)}`,
      'dependency:copy-dependencies',
      '-DincludeScope=runtime',
      `-DoutputDirectory=${unfinished}`,
    ])
    await rename(unfinished, libraries).catch(error => {
      if (!existsSync(libraries)) throw error
    })
  } catch (error) {
    throw new Error(
      `The jars of ${fileURLToPath(pom)} could not be fetched with Maven. Look at what Maven says, correct it and try again.\n${(error as Error).message}`,
    )
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
}
