import {
  type API,
  type Base,
  type Broker,
  type Callback,
  type Connection,
  kGetApi,
  kGetConnection,
  NetworkError,
  ResponseError,
} from '@platformatic/kafka'

type Metadata = API<unknown[], unknown>

/**
 * Lets a client go on without the brokers that are gone. Metadata has an error for each partition without a leader, at
 * which the client throws all of it away: joining, commits, reading and publishing fail for the others too. Here it takes
 * it, and finds -1 for the leader there.
 *
 * Of a group's coordinator that is no longer in the metadata the client believes that the metadata is old, asks for it
 * again, and keeps the coordinator for ever. This error says that the broker cannot be reached, for which it forgets the
 * coordinator and looks for the one that has come.
 */
export function bearLostBrokers(client: Base): void {
  takeMetadata(client, isOfPartition)

  const getConnection = client[kGetConnection].bind(client)
  client[kGetConnection] = (broker: Broker | undefined, callback: Callback<Connection>) => {
    if (broker) return getConnection(broker, callback)
    // What has come may not be in it yet.
    client.clearMetadata()
    callback(new NetworkError('The broker is not, or no longer, in the cluster.'))
  }
}

/**
 * Lets a client go on without the topics that are gone, which have no partitions then. Who only reads can: at a topic that
 * is not there the client throws away what it was told of the others, too.
 */
export function bearLostTopics(client: Base): void {
  takeMetadata(client, error => isOfPartition(error) || error.apiId === 'UNKNOWN_TOPIC_OR_PARTITION')
}

type OneError = ResponseError['errors'][number]
const isOfPartition = ({ path }: OneError) => path.includes('/partitions/')

/** As far as it goes, where all errors in it are such. */
function takeMetadata(client: Base, isBorne: (error: OneError) => boolean): void {
  const getApi: (name: string, callback: Callback<Metadata>) => void = client[kGetApi].bind(client)
  const bearing = (api: Metadata): Metadata => {
    const ask = (...args: unknown[]) => {
      const callback = args.pop() as Callback<unknown>
      api(...(args as Parameters<Metadata>), (error: Error | null, response: unknown) =>
        error instanceof ResponseError && error.errors.every(isBorne)
          ? callback(null, error.response)
          : callback(error, response),
      )
    }
    return Object.assign(ask, api)
  }
  client[kGetApi] = (name: string, callback: Callback<never>) =>
    getApi(name, (error, api) => callback(error, (name === 'Metadata' && api ? bearing(api) : api) as never))
}
