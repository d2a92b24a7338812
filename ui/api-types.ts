import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import openapiTs, { astToString, type OpenAPI3 } from 'openapi-typescript'

/**
 * The types of the gateway's calls, from its own document. A test compares them with the file that is committed;
 * `npm run api-types -w ui` writes it anew from the gateway that runs at GATEWAY_URL.
 */
export const apiTypesFile = join(import.meta.dirname, 'src/api/schema.d.ts')

export async function apiTypes(gatewayUrl: string): Promise<string> {
  const document = (await (await fetch(`${gatewayUrl}/openapi.json`)).json()) as OpenAPI3
  const header = '// Made from /openapi.json by ui/api-types.ts. Do not edit.\n\n'
  return header + astToString(await openapiTs(document))
}

if (process.argv[1] === import.meta.filename) {
  await writeFile(apiTypesFile, await apiTypes(process.env.GATEWAY_URL ?? 'http://127.0.0.1:8080'))
}
