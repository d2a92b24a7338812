import type { Act, Letter, LetterInFull, ParkedLetter, Preview } from 'edge/operator-schema'
import { changeWords, counted, stepWords } from 'edge/operator-words'

/** What the command line says; for what the UI says too, see edge/operator-words. Pure. */

export const indented = (text: string) => text.replace(/^/gm, '    ')
const nameOf = ({ service, id }: Letter) => `${service}/${id}`
const keyOf = ({ key }: { key: string | null }) => (key === null ? 'no key' : `key ${key}`)
const placeOf = ({ topic, partition, offset }: Letter) => `${topic} ${partition}/${offset}`

export function parkedWords(letter: ParkedLetter): string {
  const waiting = letter.waiting > 0 ? `, ${counted(letter.waiting, 'message')} waiting behind it` : ''
  return [
    `${nameOf(letter)}  ${keyOf(letter)}  ${placeOf(letter)}  parked ${letter.parked_at}${waiting}`,
    indented(letter.reason ?? 'no reason is recorded'),
    indented(payloadWords(letter)),
  ].join('\n')
}

export function letterWords(letter: LetterInFull): string {
  return [
    `${nameOf(letter)}  ${letter.state}  ${keyOf(letter)}  ${placeOf(letter)}`,
    `  consumer   ${letter.consumer}`,
    `  event id   ${letter.event_id}`,
    `  published  ${letter.published_at}`,
    `  attempts   ${letter.attempts}`,
    `  reason     ${letter.reason ?? 'none'}`,
    ...Object.entries(letter.headers).map(([name, value]) => `  header     ${name}: ${value}`),
    '  payload',
    indented(payloadWords(letter)),
    letter.behind.length > 0 ? '  waiting behind it, in this order' : '  nothing waits behind it',
    ...letter.behind.map(each => `    ${nameOf(each)}  ${placeOf(each)}  event ${each.event_id}`),
    ...(letter.acts.length > 0 ? ['  what was done'] : []),
    ...letter.acts.map(act => indented(actWords(letter.service, act))),
  ].join('\n')
}

function payloadWords({ payload }: Letter): string {
  if (payload === null) return '(no payload)'
  if (payload.bytes === 0) return '(empty)'
  const kind = payload.encoding === 'base64' ? '(not text; base64) ' : ''
  return `${kind}${payload.text}${payload.is_cut ? `… (${payload.bytes} bytes in all)` : ''}`
}

export function actWords(service: string, act: Act): string {
  const on = act.dead_letter_id === null ? service : `${service}/${act.dead_letter_id}`
  const why = act.why ? `: ${act.why}` : ''
  const reason = act.detail?.reason ?? (act.act === 'replay' && JSON.stringify(act.detail))
  return `${act.at}  ${act.act} ${on} ${act.outcome} by ${act.who}${why}${reason ? `\n    ${reason}` : ''}`
}

/** Whether the key would be free again, as far as was tried. */
export const wouldRelease = ({ steps }: Preview): boolean =>
  steps.every(({ outcome }) => outcome === 'handled' || outcome === 'discarded')

export function previewWords(service: string, { steps, changes, events, is_capped }: Preview): string {
  return [
    'A dry run; nothing is changed. In this order:',
    ...steps.map(
      ({ id, outcome, reason }) =>
        `  ${service}/${id} ${stepWords[outcome]}${reason ? `\n${indented(reason)}` : ''}`,
    ),
    ...(is_capped ? ['  … and more behind these, which were not tried'] : []),
    changes.length > 0 ? 'Rows that would be written:' : 'No row would be written.',
    ...changes.map(change => `  ${changeWords(change)}`),
    ...(events.length > 0 ? ['Events that would be published:'] : []),
    ...events.map(event => `  ${event.topic}, ${keyOf(event)}: ${event.type} ${event.payload}`),
  ].join('\n')
}
