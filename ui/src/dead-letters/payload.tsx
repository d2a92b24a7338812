import type { LetterPayload } from 'edge/operator-schema'

/** The bytes as they came; JSON with its lines broken. It scrolls, so the keyboard must reach it. */
export function Payload({ name, payload }: { name: string; payload: LetterPayload | null }) {
  if (payload === null || payload.bytes === 0)
    return <p className="quiet">{payload === null ? 'It has no payload.' : 'Its payload is empty.'}</p>
  const { encoding, text, bytes, is_cut } = payload
  return (
    <div className="letter-payload">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard */}
      <pre tabIndex={0} role="region" aria-label={`Payload of ${name}`}>
        {encoding === 'utf-8' ? readable(text) : text}
      </pre>
      {encoding === 'base64' && <p className="quiet">Not text: shown in base64.</p>}
      {is_cut && (
        <p className="quiet">Its beginning, of {bytes.toLocaleString()} bytes. The command line shows all.</p>
      )}
    </div>
  )
}

function readable(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
