import type { KafkaForBench } from '../harness/servers.ts'
import { runKafkaTool } from './kafka-tools.ts'

const kinds = ['Produce', 'FetchConsumer', 'OffsetCommit'] as const
export type KafkaRequests = Record<(typeof kinds)[number], number>

/** Requests that the broker has answered since it started, by its own count. */
export async function readKafkaRequests({ jmxPort }: KafkaForBench): Promise<KafkaRequests> {
  const names = kinds.flatMap(kind => [
    '--object-name',
    `kafka.network:type=RequestMetrics,name=RequestsPerSec,request=${kind},version=*`,
  ])
  const output = await runKafkaTool('org.apache.kafka.tools.JmxTool', [
    '--jmx-url',
    `service:jmx:rmi:///jndi/rmi://127.0.0.1:${jmxPort}/jmxrmi`,
    '--one-time',
    '--attributes',
    'Count',
    '--report-format',
    'properties',
    ...names,
  ])
  const count = (kind: string) =>
    [...output.matchAll(new RegExp(`request=${kind},version=\\d+:Count=(\\d+)`, 'g'))].reduce(
      (sum, [, value]) => sum + Number(value),
      0,
    )
  return Object.fromEntries(kinds.map(kind => [kind, count(kind)])) as KafkaRequests
}
