export class PageNotLoaded extends Error {
  override name = 'PageNotLoaded'
}

/** What `import()` brings. Throws PageNotLoaded where it does not come, which is the connection's fault and not ours. */
export async function arrived<Module>(imported: Promise<Module>): Promise<Module> {
  try {
    return await imported
  } catch (cause) {
    throw new PageNotLoaded('The page did not come', { cause })
  }
}
