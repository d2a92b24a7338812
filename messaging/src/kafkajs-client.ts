import { connect, isIP, Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type ISocketFactory, Kafka, logLevel, type SASLOptions } from 'kafkajs'
import type { KafkaSettings } from './kafka-settings.ts'
import { mendSocket } from './kafka-socket.ts'
import { letKafkajsRest } from './kafkajs-idle.ts'

letKafkajsRest()

const connectionTimeoutMs = 3_000
const requestTimeoutMs = 30_000
const keepAliveMs = 60_000

/** First wait, longest wait and number of the attempts that kafkajs makes before it gives up, about 5 s in all. */
export const kafkaRetry = { retries: 5, initialRetryTime: 100, maxRetryTime: 3_000 }

/**
 * A kafkajs client that can be ended for certain: kafkajs goes on connecting, joining and retrying whatever was under
 * way when it was told to stop. `cutOff` destroys its sockets and gives it no more.
 */
export function openClient(settings: KafkaSettings): { kafka: Kafka; cutOff(): void } {
  const { brokers, clientId, log, tls, sasl } = settings
  const sockets = new Set<Socket>()
  let isCutOff = false
  const socketFactory: ISocketFactory = ({ host, port, ssl, onConnect }) => {
    if (isCutOff) return refused()
    const socket = ssl
      ? connectTls({ host, port, ...(isIP(host) ? {} : { servername: host }), ...ssl }, onConnect)
      : connect({ host, port }, onConnect)
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    return mendSocket(socket.setKeepAlive(true, keepAliveMs))
  }
  const kafka = new Kafka({
    clientId,
    brokers,
    ...(tls && { ssl: tls }),
    // A copy: kafkajs keeps things of its own in it.
    ...(sasl && { sasl: { ...sasl } as SASLOptions }),
    socketFactory,
    connectionTimeout: connectionTimeoutMs,
    requestTimeout: requestTimeoutMs,
    retry: kafkaRetry,
    logLevel: logLevel.WARN,
    logCreator:
      () =>
      ({ level, log: { message, ...details } }) => {
        if (isCutOff) return
        log[level <= logLevel.ERROR ? 'warn' : 'debug'](pick(details), `kafka client: ${message}`)
      },
  })
  return {
    kafka,
    cutOff() {
      isCutOff = true
      // With an error: kafkajs would wait for ever for answers over a socket that merely closes.
      for (const socket of sockets) socket.destroy(closed())
    },
  }
}

function refused(): Socket {
  const socket = new Socket()
  setImmediate(() => socket.destroy(closed()))
  return socket
}

const closed = () => new Error('this Kafka client is closed')

/** kafkajs logs whole stacks and configurations; these say enough. */
function pick({ broker, clientId, error, groupId, topic }: Record<string, unknown>): object {
  return { broker, clientId, error, groupId, topic }
}
