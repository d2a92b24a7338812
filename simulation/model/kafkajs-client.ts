import type { KafkaSettings } from '../../messaging/src/kafkajs-client.ts'
import type { Instance } from '../scheduler.ts'
import { ModelConsumer } from './consumer-group.ts'
import type { ModelKafka } from './kafka.ts'

export type ModelKafkaSettings = KafkaSettings & { kafka: ModelKafka; instance: Instance }

export const kafkaRetry = {}

export function openClient(settings: KafkaSettings) {
  const { kafka, instance } = settings as ModelKafkaSettings
  return {
    kafka: {
      consumer: ({ groupId }: { groupId: string }) => new ModelConsumer(kafka, instance, groupId),
    },
    cutOff() {},
  }
}
