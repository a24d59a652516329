/** Where nobody wants to be told, the log of the platform is. */
export function reportToConsole(error: unknown): void {
  console.error(error)
}
