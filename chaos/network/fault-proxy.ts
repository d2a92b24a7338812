import { createServer, type Server, type Socket, connect as tcpConnect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** What a network does to those who use it. */
export type NetworkFault =
  /** Everything arrives, later. */
  | { kind: 'latency'; ms: number }
  /** Connections are reset, and new ones too. */
  | { kind: 'cut' }
  /** Nothing arrives and nobody is told; what was sent meanwhile arrives after healing, as TCP would have it. */
  | { kind: 'stall' }
  /** The server's side is gone and the client is not told, not even after healing. */
  | { kind: 'half_open' }
  /** The request arrives; before its answer does, the connection is reset. `chance` is of each answer. */
  | { kind: 'reset_before_answer'; chance: number }
  /** A few bytes at a time. */
  | { kind: 'drip'; bytes: number; everyMs: number }

export type FaultProxySettings = {
  port: number
  /** Connections go to these ports in turn, past those that refuse. */
  targets: number[]
  /** Draws for chances, 0 to 1; seeded by who wants to repeat a run. */
  random: () => number
}

const host = '127.0.0.1'

/**
 * Stands in front of a server and passes bytes on, until told to behave like a bad network. A fault holds for the
 * connections there are and for those that come; heal() ends it.
 */
export class FaultProxy {
  readonly #settings: FaultProxySettings
  readonly #server: Server
  readonly #links = new Set<Link>()
  #next = 0
  #fault: NetworkFault | undefined
  #healed = Promise.withResolvers<void>()

  constructor(settings: FaultProxySettings) {
    this.#settings = settings
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, client => void this.#accept(client))
  }

  get port(): number {
    return this.#settings.port
  }

  get targets(): number[] {
    return this.#settings.targets
  }

  get connections(): number {
    return this.#links.size
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(this.#settings.port, host, resolve)
    })
  }

  inject(fault: NetworkFault): void {
    this.heal()
    this.#fault = fault
    for (const link of this.#links) {
      if (fault.kind === 'cut') link.reset()
      if (fault.kind === 'half_open') link.loseServer()
    }
  }

  heal(): void {
    this.#fault = undefined
    this.#healed.resolve()
    this.#healed = Promise.withResolvers<void>()
  }

  async close(): Promise<void> {
    this.heal()
    for (const link of this.#links) link.reset()
    await new Promise(resolve => this.#server.close(resolve))
  }

  async #accept(client: Socket): Promise<void> {
    const link = new Link(client)
    this.#links.add(link)
    link.ended.then(() => this.#links.delete(link))
    if (this.#fault?.kind === 'cut') return link.reset()
    // Accepted and never heard of again.
    if (this.#fault?.kind === 'half_open') return link.loseServer()
    const server = await this.#connect()
    if (!server) return link.reset()
    link.attach(server)
    void this.#pass(link, client, server, false)
    void this.#pass(link, server, client, true)
  }

  async #connect(): Promise<Socket | undefined> {
    const { targets } = this.#settings
    for (const _ of targets) {
      const socket = await connected(targets[this.#next++ % targets.length]!)
      if (socket) return socket
    }
    return undefined
  }

  /** One direction of a link, in order and with back pressure. */
  async #pass(link: Link, from: Socket, to: Socket, isAnswer: boolean): Promise<void> {
    try {
      for await (const chunk of from as AsyncIterable<Buffer>) {
        try {
          await this.#carry(link, to, chunk, isAnswer)
        } catch (error) {
          // Leaving the loop would close the client, who is not to know.
          if (!link.isServerLost) throw error
        }
      }
      if (!link.isServerLost) to.end()
    } catch {
      if (!link.isServerLost) link.reset()
    }
  }

  async #carry(link: Link, to: Socket, chunk: Buffer, isAnswer: boolean): Promise<void> {
    while (this.#fault?.kind === 'stall') await this.#healed.promise
    const fault = this.#fault
    if (link.isServerLost) return
    switch (fault?.kind) {
      case 'latency':
        await Promise.race([sleep(fault.ms), this.#healed.promise])
        break
      case 'reset_before_answer':
        if (isAnswer && this.#settings.random() < fault.chance) return link.reset()
        break
      case 'drip':
        return this.#drip(to, chunk, fault)
    }
    await write(to, chunk)
  }

  async #drip(to: Socket, chunk: Buffer, fault: Extract<NetworkFault, { kind: 'drip' }>): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      const bytes = this.#fault === fault ? fault.bytes : chunk.length
      await write(to, chunk.subarray(at, at + bytes))
      at += bytes
      if (this.#fault === fault && at < chunk.length) {
        await Promise.race([sleep(fault.everyMs), this.#healed.promise])
      }
    }
  }
}

/** A client and, once connected, the server behind it. */
class Link {
  readonly #client: Socket
  readonly ended: Promise<void>
  #server: Socket | undefined
  isServerLost = false

  constructor(client: Socket) {
    this.#client = client
    client.on('error', () => undefined)
    this.ended = new Promise(resolve => client.once('close', () => resolve()))
    client.once('close', () => this.#server?.destroy())
  }

  attach(server: Socket): void {
    this.#server = server
    if (this.#client.destroyed || this.isServerLost) server.destroy()
    // A server that dies takes its clients with it, unless they are not to know.
    server.once('close', () => !this.isServerLost && this.#client.destroySoon())
  }

  reset(): void {
    this.#server?.destroy()
    this.#client.resetAndDestroy()
  }

  loseServer(): void {
    this.isServerLost = true
    this.#server?.resetAndDestroy()
    // Read on, or the client's own close would not be noticed.
    if (!this.#server) this.#client.resume()
    this.#client.once('end', () => this.#client.destroy())
  }
}

function connected(port: number): Promise<Socket | undefined> {
  return new Promise(resolve => {
    const socket = tcpConnect({ port, host, allowHalfOpen: true, noDelay: true })
    socket.once('connect', () => resolve(socket))
    socket.on('error', () => resolve(undefined))
  })
}

/** Resolves when there is room for more; rejects when the other end is gone. */
function write(to: Socket, chunk: Buffer): Promise<void> {
  return new Promise((resolve, reject) => to.write(chunk, error => (error ? reject(error) : resolve())))
}
