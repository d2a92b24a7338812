import type { GroupOptions } from '@platformatic/kafka'
import type { KafkaSettings } from '../../messaging/src/kafka-settings.ts'
import type { Instance } from '../scheduler.ts'
import { ModelConsumer } from './consumer-group.ts'
import type { ModelKafka } from './kafka.ts'

export type ModelKafkaSettings = KafkaSettings & { kafka: ModelKafka; instance: Instance }

export function openConsumer(
  settings: KafkaSettings,
  groupId: string,
  topics: string[],
  { protocolsMetadata }: Pick<GroupOptions, 'protocolsMetadata'> = {},
): ModelConsumer {
  const { kafka, instance } = settings as ModelKafkaSettings
  const beforeJoining = async () => protocolsMetadata?.([], topics, undefined as never, () => {})
  return new ModelConsumer(kafka, instance, { groupId, topics, beforeJoining })
}

export const cutOff = (consumer: ModelConsumer) => void consumer.close()

export const isError = () => false

/** Topics keep the partitions that they begin with: nobody need look. */
export const partitionsLookMs = Number.POSITIVE_INFINITY

/** They are there from the beginning. */
export const expectAnyThere = () => {}
