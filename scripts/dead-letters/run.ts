import { outcomeWords } from 'edge/operator-words'
import { readSettings } from '../system/settings.ts'
import { OperatorApi, OperatorApiError } from './operator-api.ts'
import type { DeadLetterOptions } from './options.ts'
import { actWords, indented, letterWords, parkedWords, previewWords, wouldRelease } from './words.ts'

/** Answers the exit code: 0 only when what was asked for is done. */
export async function runDeadLetters(options: DeadLetterOptions, say = console.log): Promise<number> {
  try {
    const { env } = readSettings(process.env)
    const urls = { orders: String(env.ORDERS_URL), payments: String(env.PAYMENTS_URL) }
    return await run(new OperatorApi(urls, env.OPERATOR_TOKEN), options, say)
  } catch (error) {
    if (!(error instanceof OperatorApiError)) throw error
    say(error.message)
    return 1
  }
}

async function run(
  api: OperatorApi,
  options: DeadLetterOptions,
  say: (text: string) => void,
): Promise<number> {
  switch (options.command) {
    case 'list': {
      let count = 0
      for (const service of options.services) {
        for await (const letter of api.parked(service)) {
          say(parkedWords(letter))
          count++
        }
      }
      if (count === 0) say('Nothing is parked.')
      return 0
    }
    case 'acts':
      for (const service of options.services) {
        const acts = await api.acts(service)
        say(
          acts.length > 0
            ? acts.map(act => actWords(service, act)).join('\n')
            : `${service}: nothing was done.`,
        )
      }
      return 0
    case 'show':
      say(letterWords(await api.show(options.letter)))
      return 0
    case 'redrive':
    case 'discard': {
      const { command, letter, isDryRun, who, why } = options
      if (isDryRun) {
        const preview = await api.preview(letter, command)
        say(previewWords(letter.service, preview))
        return wouldRelease(preview) ? 0 : 1
      }
      const outcome = await api.act(letter, command, { who, ...(why !== undefined && { why }) })
      say(outcomeWords(letter.service, command, outcome))
      if (outcome.reason) say(indented(outcome.reason))
      return outcome.outcome === 'released' ? 0 : 1
    }
  }
}
