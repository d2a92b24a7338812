const name = 'account'

/** The account that the shop used last on this device. */
export function rememberedAccount(): number | undefined {
  const kept = Number(localStorage.getItem(name))
  return Number.isSafeInteger(kept) && kept > 0 ? kept : undefined
}

export function rememberAccount(userId: number): void {
  if (rememberedAccount() !== userId) localStorage.setItem(name, String(userId))
}
